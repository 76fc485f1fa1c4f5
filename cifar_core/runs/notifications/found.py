"""The news of a store at this moment, gathered from its runs and sweeps."""

import time
from collections.abc import Callable, Iterable, Sequence

from cifar_core.errors import CifarError
from cifar_core.runs.notifications import news
from cifar_core.runs.notifications.news import News
from cifar_core.runs.record import metrics
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Run, Store
from cifar_core.runs.store.sweep_files import Sweep, listed
from cifar_core.runs.sweeps import search_results, sweep_results, sweeps

RECENT = 24 * 3600.0  # seconds for which something is news


def of_rows(store: Store, rows: Sequence[RunRow], now: float) -> list[News]:
    """Return the news of a day that rows and sweeps show, the newest first."""
    waiting = (one for row in rows if (one := of_waiting(store, row)))
    over = (row for row in rows if STATES[row.state].is_final and is_recent(row.ended_at, now))
    own = (row for row in over if not row.example and is_from_here(store, row))
    found = [*waiting, *filter(None, map(news.of_row, own)), *of_sweeps(store, rows, now)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def mark_of(rows: Sequence[RunRow], now: float) -> int:
    """Return a number that changes when the news of rows may have changed, and every minute."""
    states = (
        (row.id, row.state, row.reason, row.attempt, row.ended_at, row.name) for row in rows
        if row.ended_at is None or is_recent(row.ended_at, now)
    )  # fmt: skip
    return hash((tuple(states), int(now // 60)))


def is_recent(at: float | None, now: float) -> bool:
    """Whether a moment lies within the last day; a clock may have been set back a little."""
    return now - (at or 0.0) < RECENT


def is_from_here(store: Store, row: RunRow) -> bool:
    """Whether a run ended in this store, rather than where it was imported from."""
    return not row.imported or was_tried_here(run_of(store, row), row.attempt)


def was_tried_here(run: Run, attempt: int) -> bool:
    """Whether an attempt of a run was made in this store: zips have no record of its process."""
    return (metrics.attempt_folder(run.path, attempt) / "shim.json").exists()


def run_of(store: Store, row: RunRow) -> Run:
    """Return the run of a row, which may be gone by now."""
    return Run(store.root / "runs" / row.id, store.by)


def of_waiting(store: Store, row: RunRow) -> News | None:
    """Return the news that a run waits for room on the disk, since when it has waited."""
    if row.reason != "disk" or row.example or not (found := news.of_row(row)):
        return None
    try:
        since = run_of(store, row).status.since
    except CifarError:
        return None
    return news.made(row, found.kind, str(row.attempt), found.text, at=since)


def of_sweeps(store: Store, rows: Sequence[RunRow], now: float) -> Iterable[News]:
    """Yield the news of the sweeps and searches whose last run ended within a day."""
    members: dict[str, list[RunRow]] = {}
    for row in rows:
        if row.sweep:
            members.setdefault(row.sweep, []).append(row)
    recent = {id_ for id_, of in members.items() if any(is_recent(r.ended_at, now) for r in of)}
    for sweep in listed(store.root) if recent else ():
        of = sorted(members.get(sweep.id, ()), key=lambda row: row.number)
        if sweep.id in recent and sweeps.is_decided(store, sweep, of):
            words, whose = conclusion(store, sweep, of), owner(sweep, of)
            yield news.of_sweep(sweep, of, sweeps.deleted(store, sweep), words, whose)


def conclusion(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> str:
    """Return the conclusion that the page of a sweep draws from its runs."""
    if sweep.search:
        return search_results.conclusion(sweep, search_results.tried(store, sweep, rows))
    words = sweep_results.conclusion(sweep_results.results(sweep, rows))
    return words.replace("No run has finished yet.", "None of its runs finished.")


def owner(sweep: Sweep, rows: Sequence[RunRow]) -> str:
    """Return who made a sweep; for files that do not say it, who made its first run."""
    return sweep.owner or str(sweep.search.get("owner", "")) or rows[0].owner


class Watch:
    """Looks at the curves of runs under way, each again only after another epoch and a while."""

    def __init__(self, store: Store, *, every: float = 15.0) -> None:
        self.store, self.every = store, every  # seconds
        self.looked: dict[str, tuple[int, float]] = {}  # run -> its epochs then, and when
        self.found: dict[str, list[News]] = {}

    def look(self, rows: Iterable[RunRow], wanted: Callable[[RunRow], bool]) -> list[News]:
        """Return the news in the curves of the running runs that anyone wants news of."""
        running = [row for row in rows if row.state == "running" and wanted(row)]
        for row in running:
            epochs, at = self.looked.get(row.id, (0, 0.0))
            if row.epochs_done != epochs and abs(time.time() - at) > self.every:
                self.looked[row.id] = (row.epochs_done, time.time())
                self.found[row.id] = self.read(row)
        ids = {row.id for row in running}
        self.found = {id_: found for id_, found in self.found.items() if id_ in ids}
        return [one for found in self.found.values() for one in found]

    def read(self, row: RunRow) -> list[News]:
        """Read the curves of a run as its page does."""
        from cifar_core.reading import read
        from cifar_core.reading.curves import curves
        from cifar_core.runs.results.reading import situation_of

        try:
            run = run_of(self.store, row)
            measured = curves(run.metrics())
            found = read(measured, situation_of(run))
        except (CifarError, OSError):  # deleted meanwhile
            return []
        return news.of_curves(row, measured, found, time.time())
