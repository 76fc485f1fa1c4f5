"""Who wants to hear of what: a small file in the store for each person who subscribed."""

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.disk.checks import Moment, Text, Texts
from cifar_core.people import VIEWER
from cifar_core.runs.notifications.addresses import Addresses
from cifar_core.runs.notifications.news import ENDS, NEWS, USUAL, News
from cifar_core.runs.store.store import Run, Store
from cifar_core.runs.store.sweep_files import Sweep

MOST = 1000  # runs and sweeps that one person follows; the oldest are forgotten


class Subscriptions(Struct, frozen=True, kw_only=True):
    """What one person follows since when, and where the messages go besides the dashboard."""

    person: Text = ""
    mine: Moment = 0.0  # since when all own runs and sweeps are followed; 0: they are not
    runs: dict[Text, Moment] = {}  # id of a run that is followed, since when
    sweeps: dict[Text, Moment] = {}
    kinds: Texts = field(default_factory=lambda: list(USUAL))  # keys of NEWS
    addresses: Texts = []  # names of addresses
    chosen: bool = False  # whether the person has chosen the addresses, perhaps none

    @property
    def follows_anything(self) -> bool:
        """Whether there is any subscription."""
        return bool(self.mine or self.runs or self.sweeps)

    def wants(self, news: News) -> bool:
        """Whether the person subscribed to these news before they happened.

        A followed run gives news of its end whatever the kinds. A sweep gives one message: its
        runs only to people who follow them one by one.
        """
        kinds = set(self.kinds)
        since = self.runs.get(news.run) if news.run else self.sweeps.get(news.sweep)
        if since is not None and news.at >= since:
            return news.kind in (kinds | set(ENDS) if news.run else kinds | {"decided"})
        is_mine = self.mine and news.at >= self.mine and news.owner in ("", self.person)
        return bool(is_mine and news.kind in kinds and not news.is_of_one_of_many)


def folder(root: Path) -> Path:
    """Return the folder of a store's subscriptions and messages."""
    return root / "notifications"


def path_of(root: Path, person: str) -> Path:
    """Return the file of a person, whose name may have any characters."""
    name = hashlib.sha256(person.encode("utf-8", "replace")).hexdigest()[:24]
    return folder(root) / "people" / f"{name}.json"


def of_person(root: Path, person: str) -> Subscriptions:
    """Return what a person follows; a file that cannot be read counts as no subscription."""
    found = files.read(path_of(root, person), Subscriptions)
    return found if found.person == person else Subscriptions(person=person)


def everyone(root: Path) -> list[Subscriptions]:
    """Return the subscriptions of all people who follow anything."""
    paths = sorted((folder(root) / "people").glob("*.json"))
    found = (files.read(path, Subscriptions) for path in paths)
    return [one for one in found if one.person and one.follows_anything]


def follow_run(store: Store, run: Run, followed: bool) -> None:
    """Let the store's person follow a run, or no longer."""
    change(store, words(followed), f"run {run.id}",
           lambda had: replace(had, runs=added(had.runs, run.id, followed)))  # fmt: skip


def follow_sweep(store: Store, sweep: Sweep, followed: bool) -> None:
    """Let the store's person follow a sweep or a search, or no longer."""
    change(store, words(followed), f"sweep {sweep.id}",
           lambda had: replace(had, sweeps=added(had.sweeps, sweep.id, followed)))  # fmt: skip


def follow_mine(store: Store, followed: bool) -> None:
    """Let the store's person follow all own runs and sweeps, or no longer."""
    now = time.time()
    change(store, words(followed), "all own runs",
           lambda had: replace(had, mine=(had.mine or now) if followed else 0.0))  # fmt: skip


def choose_kinds(store: Store, kinds: Iterable[str]) -> None:
    """Choose the kinds of news that the store's person wants; UnknownKeyError for another key."""
    keys = [NEWS[key].key for key in dict.fromkeys(kinds)]
    change(store, "chose", "kinds of news", lambda had: replace(had, kinds=keys))


def choose_addresses(store: Store, names: Iterable[str]) -> None:
    """Choose the addresses that messages to the store's person go to, perhaps none."""
    known = Addresses.here(store.root)
    chosen = [known.of(name, store.by.name).name for name in dict.fromkeys(names)]
    change(store, "chose", "addresses for messages",
           lambda had: replace(had, addresses=chosen, chosen=True))  # fmt: skip


def change(
    store: Store, did: str, what: str, edit: Callable[[Subscriptions], Subscriptions]
) -> None:
    """Change what the store's person follows; without a choice, messages go to own addresses."""
    path = path_of(store.root, store.by.name)
    with store.action("choose messages", did, what, needed=VIEWER):
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock.held(path.with_name(".lock")):
            new = edit(of_person(store.root, store.by.name))
            if not new.chosen:
                own = Addresses.here(store.root).personal(store.by.name)
                new = replace(new, addresses=own)
            files.write_json(path, new)
    if new.addresses:
        processes.ensure_running(store.root)  # which starts the process that sends


def words(followed: bool) -> str:
    """Return what the log says of a change."""
    return "subscribed to" if followed else "unsubscribed from"


def added(followed: dict[str, float], id_: str, wanted: bool) -> dict[str, float]:
    """Return what is followed with one more or one less; of too many, the oldest are left out."""
    rest = {key: since for key, since in followed.items() if key != id_}
    kept = sorted(rest.items(), key=lambda entry: entry[1])[-(MOST - 1) :]
    return {**dict(kept), **({id_: followed.get(id_, time.time())} if wanted else {})}
