"""What was found in the files of another tool, as the reading process hands it over."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Text, Texts, Whole
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.gather import Gathered, Points
from cifar_core.runs.exchange.curves.limits import MOST_CURVES, MOST_POINTS, MOST_RUNS
from cifar_core.runs.record.imported.curves_record import Settings

LIST, VALUES = "found.json", "values.npy"  # files in the folder that the reading process fills


class FoundCurve(Struct, frozen=True, kw_only=True):
    """A curve: a range of the rows in VALUES."""

    name: Text
    start: Whole
    end: Whole
    count: Whole  # of its points in the file


class FoundRun(Struct, frozen=True, kw_only=True):
    """A run of another tool."""

    id: Text
    name: Text
    axis: Text  # step, epoch or row: what the numbers of its points count
    settings: Settings
    curves: Annotated[list[FoundCurve], Meta(max_length=MOST_CURVES)]
    notes: Texts


class FoundList(Struct, frozen=True, kw_only=True):
    """All runs that were found."""

    format: Text  # a key of FORMATS
    runs: Annotated[list[FoundRun], Meta(max_length=MOST_RUNS)]
    notes: Texts


@dataclass(frozen=True, kw_only=True)
class Found:
    """The runs of a file of another tool, with the points of their curves."""

    file: str  # its name
    sha256: str  # of the file; empty for a folder
    list: FoundList
    values: Points

    @property
    def runs(self) -> Sequence[FoundRun]:
        """Its runs."""
        return self.list.runs

    def points(self, curve: FoundCurve) -> Points:
        """Return the points [N, 3] of a curve by step: step, value, unix seconds or 0."""
        return self.values[curve.start : curve.end]


def save(gathered: Gathered, format_: str, folder: Path) -> None:
    """Write what was gathered into a folder."""
    runs, arrays, place = [], [np.zeros((0, 3))], 0
    for run in gathered.runs.values():
        curves = []
        for name, gathering in run.curves.items():
            points = gathering.points()
            arrays.append(points)
            curves.append(FoundCurve(name=name, start=place, end=place + len(points),
                                     count=gathering.count))  # fmt: skip
            place += len(points)
        if curves:
            runs.append(FoundRun(id=run.id, name=run.name, axis=run.axis, settings=run.settings,
                                 curves=curves, notes=notes(run.left)))  # fmt: skip
    found = FoundList(format=format_, runs=runs, notes=notes(gathered.left))
    np.save(folder / VALUES, np.concatenate(arrays))
    files.write_json(folder / LIST, msgspec.to_builtins(found), durable=False)


def notes(left: dict[str, int]) -> list[str]:
    """Say what was left out, each in a sentence."""
    return [f"Left out: {count:,} {what}." for what, count in left.items()]


def load(folder: Path, file: str, sha256: str) -> Found:
    """Return what the reading process wrote, checked; ArchiveError if nothing was found."""
    try:
        values = np.load(folder / VALUES, allow_pickle=False)
        found = msgspec.convert(files.unchecked((folder / LIST).read_text("utf-8")), FoundList)
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{file} could not be read as curves of another tool.") from error
    if values.dtype != np.float64 or values.ndim != 2 or values.shape[1] != 3:
        raise ArchiveError(f"{file} could not be read as curves of another tool.")
    ends = [c for run in found.runs for c in run.curves if not c.start <= c.end <= len(values)]
    if ends or len(values) > MOST_CURVES * MOST_POINTS or not np.isfinite(values).all():
        raise ArchiveError(f"{file} could not be read as curves of another tool.")
    if not found.runs:
        raise ArchiveError(
            f"{file} has no curve: no number was found that belongs to a step or an epoch. "
            "Export the metrics of a run, then import that file."
        )
    return Found(file=file, sha256=sha256, list=found, values=values)
