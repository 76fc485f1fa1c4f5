"""Any table with a step or an epoch and a column for each metric: CSV, JSON lines or Parquet.

Long tables too, with a row for each value; and what TensorBoard's page downloads, one curve in a
file that is called run-NAME-tag-CURVE.csv and has the columns Wall time, Step and Value.
"""

import re
from pathlib import PurePosixPath

from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.materials import Materials
from cifar_core.runs.exchange.curves.tables.rows import columns_of, gather_table, layout_of, tables

DOWNLOADED = re.compile(r"(?:run-)?(?P<run>.*?)-tag-(?P<tag>.+)")


def claims(found: Materials) -> bool:
    """Return True if any file is a table with a step or an epoch."""
    return any(layout_of(columns_of(found, name)).place for name in tables(found))


def read(found: Materials, gathered: Gathered) -> None:
    """Read all tables that have a step or an epoch."""
    for name in tables(found):
        columns = columns_of(found, name)
        layout = layout_of(columns)
        if not layout.place:
            gathered.left["tables without a column for the step or the epoch"] += 1
        elif {column.strip().lower() for column in columns} == {"wall time", "step", "value"}:
            match = DOWNLOADED.fullmatch(PurePosixPath(name).stem)
            run, tag = (match["run"], match["tag"]) if match else ("", PurePosixPath(name).stem)
            gather_table(found, name, gathered, layout, rename=named(run, tag))
        else:
            gather_table(found, name, gathered)


def named(run: str, tag: str):  # type: ignore[no-untyped-def]
    """Return the function that gives the only curve of a downloaded file its names."""
    return lambda column: (run, tag)


FORMAT = Format(
    key="csv",
    title="CSV or another table",
    summary="A CSV, JSON lines or Parquet: a column for the step or the epoch, one for each curve.",
    claims=claims,
    read=read,
)
