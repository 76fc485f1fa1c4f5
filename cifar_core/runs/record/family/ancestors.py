"""The runs that a run took something from, as about.json names them.

The checkpoints are kept in the run's own folder, so that they outlive those runs.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from cifar_core.disk.checks import Number, Text

RUN_ID = r"\d{1,9}-[a-z0-9-]{1,60}"  # what the id of a run looks like
ELSEWHERE = "0-"  # begins the id of a run of another store; runs here count from 1
FOLDER = "ancestors"  # of a run's folder; holds a small run folder for each ancestor
CONTINUES, WEIGHTS = "continues", "weights"  # saved in about.json; never renamed
TEACHER, CLONE = "teacher", "clone"  # further links between runs, as the list of runs has them


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


class Origin(Ancestor, frozen=True, kw_only=True, omit_defaults=True):
    """A run from which another one took something, as the list of runs has it."""

    how: Text = WEIGHTS  # CONTINUES, WEIGHTS or TEACHER


def origins_of(start: Start | None, teachers: list[Ancestor]) -> list[Origin]:
    """Return what a run took from other runs."""
    found = [Origin(**asdict(start))] if start else []
    return found + [Origin(**asdict(teacher), how=TEACHER) for teacher in teachers]


def folder_of(run: Path, ancestor: Ancestor) -> Path:
    """Return the folder, in that of a run, that holds what was taken of an ancestor."""
    return run / FOLDER / ancestor.run
