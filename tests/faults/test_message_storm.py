"""The sender killed by -9 at any moment, and a hundred news through hostile servers."""

import multiprocessing
import os
import random
import signal
import time
import warnings

import pytest
from hostile_webhook import Webhook
from run_helpers import store_without_executor
from small_runs import outcome, trained_here

from cifar_core.disk import lock
from cifar_core.runs import Store
from cifar_core.runs.notifications import courier, outbox, sender, subscriptions
from cifar_core.runs.notifications.news import News

FORKS = multiprocessing.get_context("fork")

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True, scope="module")
def loaded():
    courier.load()


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def news(number):
    return News(
        id=f"{number}-x.1.finished", kind="finished", name=f"#{number} x", run=f"{number}-x"
    )


def send(root, url):
    """Send what waits, as the process that the executor starts does, without its long waits."""
    os.setsid()
    warnings.simplefilter("ignore")
    os.environ |= {"CIFAR_NOTIFY_HERE": url, "CIFAR_NOTIFY_ALLOW": "127.0.0.1"}
    outbox.FIRST_WAIT, outbox.LONGEST_WAIT = 0.05, 0.2
    _mine = lock.take(sender.lock_of(root))
    made = sender.Sender(Store(root), pause=0.0, deadline=3.0)
    until = time.monotonic() + 300  # the test that started it may have been killed
    while made.step() and time.monotonic() < until:
        time.sleep(0.01)


def start(store, webhook):
    """Start a sender in a session of its own: a fork, which need not import anything."""
    subscriptions.folder(store.root).mkdir(exist_ok=True)
    forked = FORKS.Process(target=send, args=(store.root, webhook.url))
    forked.start()
    return forked


def ended(forked, seconds):
    """Wait for a sender to end by itself."""
    forked.join(seconds)
    assert forked.exitcode == 0


def messages(store):
    paths = [*outbox.box(store.root).glob("*.json"), *outbox.box(store.root).glob("done/*.json")]
    return [outbox.read(path) for path in paths]


def test_no_kill_of_the_sender_lets_a_message_arrive_twice(store, sized):
    webhook = Webhook(lambda times, title: ("ok", "slow", "500")[times % 3])
    count, dice = sized(15, 100), random.Random(0)
    for number in range(count):
        outbox.put(store.root, news(number), "here")
    for _ in range(sized(4, 40)):
        before, running = len(webhook.received), start(store, webhook)
        while len(webhook.received) == before and running.is_alive():
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.3))
        # the sender alone, or with the process that sends
        (os.killpg if dice.random() < 0.5 else os.kill)(running.pid, signal.SIGKILL)
        running.join()
    ended(start(store, webhook), 120)
    webhook.close()
    assert max(webhook.accepted.values()) == 1
    for message in messages(store):
        arrived = webhook.accepted[message.title]
        assert message.state in (outbox.SENT, outbox.UNCERTAIN)
        assert arrived == 1 or message.state == outbox.UNCERTAIN


def test_of_a_hundred_news_none_is_lost_that_could_be_delivered_and_none_comes_twice(store, sized):
    """Through a server that fails, is slow, resets, hangs, redirects and floods in turn."""
    turns = ("ok", "500", "slow", "reset after", "302 http://169.254.169.254/", "endless body",
             "404", "ok", "503", "drip body")  # fmt: skip
    webhook = Webhook(lambda times, title: turns[times % len(turns)])
    count = sized(len(turns), 100)
    for number in range(count):
        outbox.put(store.root, news(number), "here")
    ended(start(store, webhook), 300)
    webhook.close()
    assert sorted(webhook.accepted.values()) == [1] * count
    states = [message.state for message in messages(store)]
    assert states.count(outbox.SENT) + states.count(outbox.UNCERTAIN) == count


def test_messages_change_no_row_of_a_training(store, monkeypatch):
    """The same run with and without someone who follows it, while its server hangs."""
    alone = outcome(trained_here(store))
    webhook = Webhook(lambda times, title: "hang")
    monkeypatch.setenv("CIFAR_NOTIFY_HERE", webhook.url)
    subscriptions.follow_mine(store, True)
    subscriptions.choose_addresses(store, ["here"])
    subscriptions.choose_kinds(store, ["finished", "overfits", "no_better"])
    running = start(store, webhook)
    outbox.put(store.root, news(1), "here")
    try:
        followed = outcome(trained_here(store))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.join()
        webhook.close()
    assert followed == alone


def test_the_executor_starts_one_sender_where_someone_wants_messages(store, monkeypatch):
    started = []
    monkeypatch.setattr(sender.processes, "start_detached",
                        lambda command, *rest, **more: started.append(command))  # fmt: skip
    assert not sender.look_after(store.root)
    subscriptions.follow_mine(store, True)
    assert not sender.look_after(store.root)
    assert started == []  # no address, so nothing is to be sent
    monkeypatch.setenv("CIFAR_NOTIFY_HERE", "ntfy://here")
    subscriptions.choose_addresses(store, ["here"])
    assert not sender.look_after(store.root)
    outbox.put(store.root, news(1), "here")
    assert sender.look_after(store.root)
    assert len(started) == 2
