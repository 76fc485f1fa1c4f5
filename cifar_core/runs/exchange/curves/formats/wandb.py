"""W&B: the history of a run as CSV, JSON or Parquet, and what a chart exports as CSV.

`run.history()` and `run.scan_history()` have the columns _step, _runtime and _timestamp, as has the
Parquet of the artifact "run-history". A chart's CSV has "Step" and, for each run, "NAME - METRIC"
with "__MIN" and "__MAX" of it: docs.wandb.ai.
"""

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.materials import Materials
from cifar_core.runs.exchange.curves.tables.rows import (
    EPOCHS,
    columns_of,
    first_of,
    gather_table,
    layout_of,
    tables,
)

OWN = {"_step", "_timestamp", "_runtime"}
ENDS = ("__MIN", "__MAX")
BINARY = b":W&B"  # how the log of a run starts that W&B itself keeps


def claims(found: Materials) -> bool:
    """Return True if any table has columns of W&B's."""
    if any(head.startswith(BINARY) for head in found.heads.values()):
        return True
    return any(kind_of(columns_of(found, name)) for name in tables(found))


def kind_of(columns: list[str]) -> str:
    """Return whether a table is a "history" or a "chart"; "" for neither."""
    if any(column.endswith(ENDS) and " - " in column for column in columns):
        return "chart"
    return "history" if "_step" in columns and OWN & set(columns) else ""


def read(found: Materials, gathered: Gathered) -> None:
    """Read all tables of W&B's."""
    read_any = False
    for name in tables(found):
        columns = columns_of(found, name)
        if kind_of(columns) == "chart":
            place = first_of(("step", "_step", *EPOCHS), columns) or columns[0]
            layout = layout_of([place]) if place else None
            gather_table(found, name, gathered, layout, rename=split)
        elif kind_of(columns):
            gather_table(found, name, gathered, layout_of(columns, steps=("_step",)))
        else:
            continue
        read_any = True
    if not read_any and any(head.startswith(BINARY) for head in found.heads.values()):
        raise ArchiveError(
            "This is the binary log of W&B, which only W&B reads. Export the run's history: "
            "run.history().to_csv(FILE) with its API, or a chart's menu, Export, CSV."
        )


def split(column: str) -> tuple[str, str]:
    """Return the run and the curve of a chart's column; no curve for its lowest and highest."""
    run, between, curve = column.rpartition(" - ")
    is_curve = between and not column.endswith(ENDS) and curve != "_step"
    return run, curve if is_curve else ""


FORMAT = Format(
    key="wandb",
    title="Weights & Biases",
    summary="The history of a run as CSV, JSON lines or Parquet, or the CSV of a chart.",
    claims=claims,
    read=read,
)
