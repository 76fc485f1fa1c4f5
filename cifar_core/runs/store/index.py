"""A table of all runs in SQLite, for speed only: delete it and it is rebuilt from the folders.

A run's row is read again when the time at which its folder changed is another one: files in it are
only ever replaced by renaming, which changes that time. Folders are read outside of transactions
and rows are written in chunks, so that a rebuild holds no other process up.

It lies in the store, or on a local disk that the environment names: on a network drive the locks of
SQLite cannot be relied on.

It also holds the device leases, whose primary key ensures that no device is lent twice.
"""

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from cifar_core.disk import lock
from cifar_core.installation import index_file
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.ids import is_run, run_names
from cifar_core.runs.store.run_row import RunRow, as_text, from_text, read_row

VERSION = 12  # of the tables and of RunRow; a table of another version is rebuilt, not migrated
TABLES = """
CREATE TABLE run (id TEXT PRIMARY KEY, changed INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE lease (device TEXT PRIMARY KEY, run TEXT NOT NULL, attempt INTEGER NOT NULL);
"""
CHUNK = 500  # rows that are read, and then written in one transaction
# a folder that changed as lately as this may change again within the same tick of its clock, so
# its row is read again next time
FRESH_SECONDS = 2.0
UNTRUSTED = 0  # stands for the time of such a row
T = TypeVar("T")


@dataclass
class Listing:
    """The rows of a store, as this process has seen them last; its threads share them."""

    changed: dict[str, int] = field(default_factory=dict)  # when each folder did, in nanoseconds
    rows: dict[str, RunRow] = field(default_factory=dict)
    sorted: list[RunRow] = field(default_factory=list)
    begun: float = 0.0  # when it began to look at the folders, on the monotonic clock
    lock: threading.Lock = field(default_factory=threading.Lock)


LISTED: dict[Path, Listing] = {}


class Index:
    """The database beside the run folders. Connections are short, so it may vanish any time."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, index_file(root)

    def rows(self, spare: Collection[str] = ()) -> list[RunRow]:
        """Return a row for each run folder, newest first, reading only the folders that changed.

        The shipped examples come after all other runs. Threads that ask at the same time share one
        look at the folders. The rows of runs to `spare`, by id, may be as of an earlier listing.
        """
        asked, listing = time.monotonic(), LISTED.setdefault(self.root, Listing())
        with listing.lock:
            if listing.begun < asked:
                self._refresh(listing, spare)
            return list(listing.sorted)

    def _refresh(self, listing: Listing, spare: Collection[str]) -> None:
        """Look at all folders, and read those that have changed since the last look."""
        begun, now = time.monotonic(), time.time_ns()
        changed = changes(self.root / "runs")
        known, spared = listing.changed, listing.rows.keys() & spare
        changed |= {id_: known[id_] for id_ in spared & changed.keys()}
        if stale := [
            id_
            for id_, at in changed.items()
            if id_ not in spared and known.get(id_, UNTRUSTED) != at
        ]:
            listing.rows |= self._read(stale, changed)
        gone = listing.rows.keys() - changed.keys()
        for id_ in gone:
            del listing.rows[id_]
        if gone:
            self._try(partial(remove, ids=list(gone)))
        if stale or gone:
            listing.sorted = sorted(listing.rows.values(), key=place)
        listing.changed = {id_: trusted(at, now) for id_, at in changed.items()}
        listing.begun = begun

    def _read(self, stale: Sequence[str], changed: Mapping[str, int]) -> dict[str, RunRow]:
        """Return the rows of some runs: those of the table, or of folders where it is outdated.

        A table that cannot answer is not asked again: the folders have the same values.
        """
        rows: dict[str, RunRow] = {}
        for start in range(0, len(stale), CHUNK):
            chunk = stale[start : start + CHUNK]
            kept = self._try(partial(up_to_date, ids=chunk, changed=changed))
            if kept is None:
                break
            now = time.time_ns()
            fresh = {id_: self._row(id_) for id_ in chunk if id_ not in kept}
            rows |= {**kept, **fresh}
            lines = [(id_, changed[id_], as_text(row)) for id_, row in fresh.items()
                     if trusted(changed[id_], now) != UNTRUSTED]  # fmt: skip
            if lines:
                self._try(partial(write, lines=lines))
        return rows | {id_: self._row(id_) for id_ in stale if id_ not in rows}

    def _row(self, id_: str) -> RunRow:
        """Return a run's row from its folder."""
        return read_row(Run(self.root / "runs" / id_))

    def leases(self) -> dict[str, str]:
        """Map each device in use to the run that holds it."""
        return self._use(lambda db: dict(db.execute("SELECT device, run FROM lease").fetchall()))

    def lease(self, devices: Sequence[str], run: str, attempt: int) -> bool:
        """Lend devices to a run, all or none; False if one is in use, or the run has some."""

        def insert(db: sqlite3.Connection) -> bool:
            lent = db.execute("SELECT device, run FROM lease").fetchall()
            if any(device in devices or holder == run for device, holder in lent):
                return False
            new = [(device, run, attempt) for device in devices]
            db.executemany("INSERT INTO lease VALUES (?, ?, ?)", new)
            return True

        return self._use(insert)

    def set_leases(self, leases: Iterable[tuple[str, str, int]]) -> None:
        """Replace all leases by these: device, run, attempt."""
        wanted = list(leases)

        def replace(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM lease")
            db.executemany("INSERT INTO lease VALUES (?, ?, ?)", wanted)

        self._use(replace)

    def _try(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do some work if the database can; None if it is locked for long, or on a full disk.

        Then the folders have the same values.
        """
        try:
            return self._use(work)
        except (sqlite3.DatabaseError, OSError):
            return None

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work in one transaction; a damaged database is set aside and made again."""
        try:
            return self._transact(work)
        except sqlite3.OperationalError:  # locked, or the disk is full: not damage
            raise
        except sqlite3.DatabaseError:
            self._set_aside()
            return self._transact(work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.path.parent != self.root:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
            prepare(db)
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
            except BaseException:
                db.rollback()
                raise
            db.commit()
            return result

    def _set_aside(self) -> None:
        """Rename the damaged files; under a lock, so that no other process renames the new one."""
        with lock.held(self.path.with_name(".index.lock")):
            try:
                self._transact(lambda db: db.execute("SELECT count(*) FROM run").fetchone())
            except sqlite3.DatabaseError:
                for suffix in ("", "-journal", "-wal", "-shm"):
                    path = self.path.with_name(self.path.name + suffix)
                    with suppress(FileNotFoundError):  # it may be deleted at any moment
                        path.rename(path.with_name(f"damaged-{time.time_ns()}-{path.name}"))


def place(row: RunRow) -> tuple[bool, int]:
    """Return what the rows are sorted by: the newest first, the examples last in their order."""
    return row.example, row.number if row.example else -row.number


def prepare(db: sqlite3.Connection) -> None:
    """Create the tables of this version unless they exist."""
    if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    # a write-ahead log is shared through mapped memory: deleting or damaging its files would end
    # every process that has them open, the dashboard too, by SIGBUS
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        for table in ("run", "lease"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in filter(None, map(str.strip, TABLES.split(";"))):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
    db.commit()


def changes(folder: Path) -> dict[str, int]:
    """Return when each run's folder has changed, by id, in nanoseconds; one stat for each."""
    found: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if is_run(entry.name):
                with suppress(FileNotFoundError):  # deleted this moment
                    found[entry.name] = entry.stat().st_mtime_ns
    return found


def trusted(changed: int, looked: int) -> int:
    """Return the time of a change, or UNTRUSTED if another one could have had the same."""
    return changed if looked - changed > FRESH_SECONDS * 1e9 else UNTRUSTED


def up_to_date(
    db: sqlite3.Connection, *, ids: Sequence[str], changed: Mapping[str, int]
) -> dict[str, RunRow]:
    """Return the rows of some runs that the table has, and whose folders have not changed since."""
    marks = ",".join("?" * len(ids))
    found = db.execute(f"SELECT id, changed, row FROM run WHERE id IN ({marks})", ids)
    with collector_paused():
        return {id_: from_text(text) for id_, at, text in found if at == changed[id_]}


@contextmanager
def collector_paused() -> Iterator[None]:
    """Search for no garbage in a `with` block that makes many objects, all of them needed.

    The search would take as long as decoding the rows.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write(db: sqlite3.Connection, *, lines: Sequence[tuple[str, int, bytes]]) -> None:
    """Replace some rows of the table."""
    db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", lines)


def remove(db: sqlite3.Connection, *, ids: Sequence[str]) -> None:
    """Remove the rows of runs that are gone."""
    db.executemany("DELETE FROM run WHERE id = ?", [(id_,) for id_ in ids])


def run_folders(folder: Path) -> dict[str, Run]:
    """Return the runs in a folder by id."""
    return {name: Run(folder / name) for name in run_names(folder)}
