"""Trackio: the database of a project (PROJECT.db), and its Parquet, CSV or JSON.

Its table `metrics` has run_name (and, in later versions, run_id), timestamp, step, and the metrics
as JSON; `configs` has the settings. Its Parquet has a column for each metric instead.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.limits import MB, MOST_ROWS
from cifar_core.runs.exchange.curves.materials import Materials
from cifar_core.runs.exchange.curves.tables.rows import columns_of, gather_table, moment, tables
from cifar_core.runs.exchange.curves.tables.text_tables import flat

START = b"SQLite format 3\0"
READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 4 * MB,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}


def claims(found: Materials) -> bool:
    """Return True if any file is a database, or a table of Trackio's."""
    if any(head.startswith(START) for head in found.heads.values()):
        return True
    return any(is_own(columns_of(found, name)) for name in tables(found))


def is_own(columns: list[str]) -> bool:
    """Return True if a table has the columns that Trackio writes."""
    return {"run_name", "step", "timestamp"} <= set(columns)


def read(found: Materials, gathered: Gathered) -> None:
    """Read all databases and tables of Trackio's."""
    for name, head in found.heads.items():
        if head.startswith(START):
            read_database(found.path(name), gathered)
    for name in tables(found):
        if is_own(columns_of(found, name)):
            gather_table(found, name, gathered)


def read_database(path: Path, gathered: Gathered) -> None:
    """Read the metrics and the settings of an untrusted database."""
    try:
        with closing(opened(path)) as db:
            columns = {name: columns_in(db, name) for name in ("metrics", "configs")}
            if not {"run_name", "step", "metrics"} <= set(columns["metrics"]):
                raise ArchiveError(
                    f"{path.name} is a database, but none of Trackio: it has no table metrics "
                    "with run_name, step and metrics."
                )
            db.set_authorizer(only_reads)
            for row in selected(db, "metrics", columns["metrics"]):
                run = gathered.run(str(row.get("run_id") or row["run_name"]), str(row["run_name"]))
                at = moment(row.get("timestamp"))
                for name, value in flat(parsed(row["metrics"])).items():
                    run.add(name, place_of(row["step"]), value, at)
            if {"run_name", "config"} <= set(columns["configs"]):
                for row in selected(db, "configs", columns["configs"]):
                    run = gathered.run(str(row.get("run_id") or row["run_name"]))
                    for name, value in flat(parsed(row["config"])).items():
                        run.put(name, value)
    except sqlite3.Error as error:
        raise ArchiveError(
            f"{path.name} is damaged, or was copied while Trackio wrote to it. Copy it again."
        ) from error


def opened(path: Path) -> sqlite3.Connection:
    """Open a database for reading only: no journal of it is read, no extension, no other file."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    for limit, most in LIMITS.items():
        db.setlimit(limit, most)
    for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
        db.execute(f"PRAGMA {pragma}")
    return db


def only_reads(action: int, *_: str | None) -> int:
    """Allow to read tables; refuse everything else, such as functions of a hostile schema."""
    return sqlite3.SQLITE_OK if action in READS else sqlite3.SQLITE_DENY


def columns_in(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a plain table; none of a view or a virtual table."""
    made = db.execute("SELECT sql FROM sqlite_master WHERE type='table' AND name=?", (table,))
    row = made.fetchone()
    if row is None or not str(row[0]).upper().lstrip().startswith("CREATE TABLE"):
        return []
    return [str(column[1]) for column in db.execute(f"PRAGMA table_info({table})")]


def selected(db: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order in which they were written."""
    wanted = [name for name in ("run_id", "run_name", "timestamp", "step", table, "config")
              if name in columns]  # fmt: skip
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(wanted))
    for number, row in enumerate(db.execute(f"SELECT {names} FROM {table}")):
        if number >= MOST_ROWS:
            return
        yield dict(zip(dict.fromkeys(wanted), row, strict=True))


def parsed(text: Any) -> Any:
    """Return the object in a cell, {} if it is none."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}


def place_of(step: Any) -> float:
    """Return a step as a number; -1, which counts as no step, for anything else."""
    return float(step) if isinstance(step, int | float) else -1.0


FORMAT = Format(
    key="trackio",
    title="Trackio",
    summary="The database of a project, such as my-project.db, or its Parquet, CSV or JSON.",
    claims=claims,
    read=read,
)
