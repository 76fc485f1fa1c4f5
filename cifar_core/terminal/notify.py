"""notify: who hears of what, and a message to try an address."""

import os
import time
from argparse import Namespace
from typing import Any

from msgspec.structs import replace

from cifar_core.disk import lock
from cifar_core.errors import NotificationError
from cifar_core.runs.notifications import courier, outbox, subscriptions
from cifar_core.runs.notifications.addresses import ALLOW, Addresses
from cifar_core.runs.notifications.destinations import allowed_networks
from cifar_core.runs.notifications.news import NEWS, News
from cifar_core.runs.store.store import Store
from cifar_core.terminal.output import add_store, progress, say, store_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("notify", help="send messages about runs, and list who gets them")
    parser.add_argument("run", nargs="?", default="", help="number or id of a run to follow")
    parser.add_argument("--mine", action="store_true", help="follow all of your own runs")
    parser.add_argument("--off", action="store_true", help="no longer follow the run, or your own")
    parser.add_argument("--kinds", default="", help="kinds of news, with commas between")
    parser.add_argument("--by", default="", help="names of addresses, with commas between")
    parser.add_argument("--test", default="", metavar="NAME", help="send a message to an address")
    add_store(parser)
    parser.set_defaults(command=notify)


def notify(arguments: Namespace) -> int:
    """Change what this machine's user follows, as far as asked for, and print it."""
    store = store_of(arguments)
    if arguments.test:
        return test(store, arguments.test)
    if arguments.kinds:
        subscriptions.choose_kinds(store, words(arguments.kinds))
    if arguments.by:
        subscriptions.choose_addresses(store, words(arguments.by))
    if arguments.run:
        subscriptions.follow_run(store, store.run(arguments.run), not arguments.off)
    if arguments.mine:
        subscriptions.follow_mine(store, not arguments.off)
    describe(store)
    return 0


def words(text: str) -> list[str]:
    """Split a list with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def describe(store: Store) -> None:
    """Print what the user follows, by which addresses, and what is wrong with addresses."""
    addresses = Addresses.here(store.root)
    follows = subscriptions.of_person(store.root, store.by.name)
    followed = [*(["all own runs"] if follows.mine else []), *follows.runs, *follows.sweeps]
    say(f"Follows: {', '.join(followed) or 'nothing'}")
    say(f"Kinds: {', '.join(key for key in NEWS if key in follows.kinds)}")
    say(f"By: {', '.join(follows.addresses) or 'the dashboard alone'}")
    say(f"Addresses to choose from: {', '.join(addresses.usable(store.by.name)) or 'none'}")
    for problem in addresses.problems:
        say(problem)


def test(store: Store, name: str) -> int:
    """Send a message to an address at once, and print what became of it."""
    address = Addresses.here(store.root).of(name, store.by.name)
    allowed = allowed_networks(os.environ.get(ALLOW, ""))
    news = News(
        id=f"test.{time.time_ns()}", kind="finished", name="a test",
        text="This message was sent to try the address. No run has finished.",
    )  # fmt: skip
    with store.action("send a test message", "sent a test message to", name):
        path = outbox.written(store.root, news, name)
        with progress("Sending"), lock.held(outbox.turn_of(store.root, name)):
            message = outbox.read(path)
            if message is None or message.is_over:
                raise NotificationError("The message was lost. Try again.")
            tried = outbox.change(path, message, outbox.SENDING, tries=1)
            courier.load()
            os.waitpid(courier.fork(path, tried, address, allowed), 0)
            ended = outbox.concluded(path, outbox.read(path) or tried)
        if not ended.is_over:  # it was only a test
            ended = outbox.change(path, replace(ended), outbox.GIVEN_UP)
        outbox.put_away(path)
    say(ended.why or f"The message was sent to {name}.")
    return 0 if ended.state == outbox.SENT else 1
