"""A table of all runs in SQLite, for speed only: delete it and it is rebuilt from the folders.

It also holds the device leases, whose primary key ensures that no device is lent twice.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from cifar_core.disk import lock
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_row import RunRow, as_text, from_text, read_row, stamp

VERSION = 9  # of the tables and of RunRow; a table of another version is rebuilt, not migrated
TABLES = """
CREATE TABLE run (id TEXT PRIMARY KEY, stamp TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE lease (device TEXT PRIMARY KEY, run TEXT NOT NULL UNIQUE, attempt INTEGER NOT NULL);
"""
T = TypeVar("T")
Listing = dict[str, tuple[str, RunRow]]  # by id: a row's text and the row, to parse it only once
LISTED: dict[Path, Listing] = {}  # each store's last listing


class Index:
    """The database beside the run folders. Connections are short, so it may vanish any time."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "index.db"

    def rows(self) -> list[RunRow]:
        """Return a row for each run folder, newest first, reading only the folders that changed.

        The shipped examples come after all other runs.
        """
        runs = run_folders(self.root / "runs")
        try:
            before = LISTED.get(self.root, {})
            LISTED[self.root] = listed = self._use(lambda db: refreshed(db, runs, before))
            rows = [row for _, row in listed.values()]
        except (sqlite3.DatabaseError, OSError):
            # damaged again, a full disk, read-only, or no store: the folders have the same values
            rows = [read_row(run) for run in runs.values()]
        return sorted(rows, key=place)

    def leases(self) -> dict[str, str]:
        """Map each device in use to the run that holds it."""
        return self._use(lambda db: dict(db.execute("SELECT device, run FROM lease").fetchall()))

    def lease(self, device: str, run: str, attempt: int) -> bool:
        """Lend a device to a run; False if another run holds it."""

        def insert(db: sqlite3.Connection) -> bool:
            try:
                db.execute("INSERT INTO lease VALUES (?, ?, ?)", (device, run, attempt))
            except sqlite3.IntegrityError:
                return False
            return True

        return self._use(insert)

    def set_leases(self, leases: Iterable[tuple[str, str, int]]) -> None:
        """Replace all leases by these: device, run, attempt."""
        wanted = list(leases)

        def replace(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM lease")
            db.executemany("INSERT INTO lease VALUES (?, ?, ?)", wanted)

        self._use(replace)

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
        with lock.held(self.root / ".index.lock"):
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


def refreshed(db: sqlite3.Connection, runs: Mapping[str, Run], before: Listing) -> Listing:
    """Bring the table up to date with the folders, and return it."""
    kept = {id_: (mark, text) for id_, mark, text in db.execute("SELECT id, stamp, row FROM run")}
    listed: Listing = {}
    changed = []
    for id_, run in runs.items():
        mark, (old, text) = stamp(run), kept.get(id_, ("", ""))
        if old == mark:
            last = before.get(id_)
            listed[id_] = last if last and last[0] == text else (text, from_text(text))
            continue
        row = read_row(run)
        listed[id_] = (as_text(row), row)
        changed.append((id_, mark, listed[id_][0]))
    db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", changed)
    db.executemany("DELETE FROM run WHERE id = ?", [(id_,) for id_ in kept if id_ not in runs])
    return listed


def run_folders(folder: Path) -> dict[str, Run]:
    """Return the runs in a folder by id."""
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return {}
    return {path.name: Run(path) for path in paths if path.name.split("-", 1)[0].isdecimal()}
