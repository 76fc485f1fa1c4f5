"""The runs that a run took something from, as about.json names them.

The checkpoints are kept in the run's own folder, so that they outlive those runs.
"""

from pathlib import Path

from msgspec import Struct

from cifar_core.disk.checks import Number, Text

FOLDER = "ancestors"  # of a run's folder; holds a small run folder for each ancestor
CONTINUES, WEIGHTS = "continues", "weights"  # saved in about.json; never renamed


class Ancestor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checkpoint of another run from which something was taken."""

    run: Text = ""  # its id, which is also the name of its folder among the ancestors
    name: Text = ""  # of that run, when this was taken
    checkpoint: Text = ""  # its name in that run
    epoch: Number = 0.0  # of the checkpoint


class Start(Ancestor, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run starts, if not from the beginning."""

    # CONTINUES with optimizer and order of the images, or starts from the WEIGHTS alone
    how: Text = WEIGHTS


def folder_of(run: Path, ancestor: Ancestor) -> Path:
    """Return the folder, in that of a run, that holds what was taken of an ancestor."""
    return run / FOLDER / ancestor.run
