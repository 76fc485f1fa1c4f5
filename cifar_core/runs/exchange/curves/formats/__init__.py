"""The formats of other tools that curves are read from, one file each, most particular first."""

from cifar_core.errors import ArchiveError
from cifar_core.registry import Registry
from cifar_core.runs.exchange.curves.format import Format
from cifar_core.runs.exchange.curves.formats import mlflow, table, tensorboard, trackio, wandb
from cifar_core.runs.exchange.curves.materials import Materials

FORMATS: Registry[Format] = Registry(
    "format of curves",
    [tensorboard.FORMAT, mlflow.FORMAT, trackio.FORMAT, wandb.FORMAT, table.FORMAT],
)


def format_of(found: Materials) -> Format:
    """Return the format of some files; ArchiveError if they are of none."""
    for each in FORMATS.values():
        if each.claims(found):
            return each
    raise ArchiveError(
        f"{found.title} cannot be read as curves. Known: "
        f"{', '.join(each.title for each in FORMATS.values())}. Its first row must name its "
        "columns, one of them the step or the epoch."
    )
