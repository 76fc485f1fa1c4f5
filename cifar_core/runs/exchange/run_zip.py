"""A whole run as one zip that another store can import: settings, rows, logs and weights.

It holds the files of the run's folder under their own names, and export.json: with each checkpoint
its kept predictions for the validation and the test images. It omits what belongs to this machine
(locks, process identities, how its GPU was used) or can be computed again (profiles, sanity cards).
"""

import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cifar_core.disk import files, lock, output
from cifar_core.errors import RunError
from cifar_core.registry import Option, Registry
from cifar_core.runs.family.kept import FILES
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.checkpoints import MANIFEST, MODEL, STATE
from cifar_core.runs.record.family.ancestors import FOLDER, folder_of
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING

SCHEMA = 1  # of export.json
MOST_BYTES = 2**31 - 1  # of a zip and of its contents
FOLDER_FILES = ("config.json", "about.json", "environment.json", "status.json", "summary.json")
ATTEMPT_FILES = ("attempt.json", "start.json", "result.json", "end.json", "metrics.jsonl",
                 "watched.jsonl", "log.txt")  # fmt: skip
CHECKPOINT_FILES = (MODEL, STATE, MANIFEST)
CARRIED = ("val", "test")  # splits whose predictions are carried with a checkpoint

WEIGHTS = Registry(
    "choice of weights",
    [
        Option(
            key="all",
            title="All weights",
            summary="Every checkpoint, also of the runs that it comes from: it can be continued.",
        ),
        Option(
            key="best",
            title="Best weights",
            summary="The best epoch's checkpoint: to explain, or to continue from there.",
        ),
        Option(
            key="none", title="No weights", summary="Settings and curves only, in a small file."
        ),
    ],
)


@dataclass(frozen=True)
class Piece:
    """One file of a run zip."""

    path: Path
    name: str  # in the zip, relative to the run's folder


def export_run(run: Run, target: IO[bytes] | Path, weights: str = "all") -> None:
    """Write a run that is not live as a zip; `weights` is a key of WEIGHTS."""
    WEIGHTS[weights]
    if run.kind != TRAINING:
        raise RunError(
            f"Run {run.id} {KINDS[run.kind].instead}. Only training runs can be exported."
        )
    with lock.held(run.path / ".lock"):  # so that it is not resumed in the meantime
        if run.status.is_live:
            raise RunError(f"Run {run.id} is {run.status.state}. Stop or pause it, then export it.")
        chosen = list(pieces(run, weights))
        if (size := sum(piece.path.stat().st_size for piece in chosen)) > MOST_BYTES:
            raise RunError(
                f"Run {run.id} takes {size / 1e9:.1f} GB, but a zip can hold at most "
                f"{MOST_BYTES / 1e9:.1f} GB. Export it with fewer weights."
            )
        for folder in {piece.path.parent for piece in chosen if piece.path.name == MANIFEST}:
            checkpoints.verify(folder)
        about = {"schema": SCHEMA, "run": run.id, "weights": weights, "at": time.time()}
        if isinstance(target, Path):
            with output.replacing(target) as draft:
                write(chosen, about, draft)
        else:
            write(chosen, about, target)


def write(chosen: list[Piece], about: dict[str, Any], target: IO[bytes] | Path) -> None:
    """Write the zip: weights uncompressed, since they do not shrink, all else deflated."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.json", files.as_text(about))
        for piece in chosen:
            stored = piece.name.endswith(".safetensors")
            archive.write(piece.path, piece.name, zipfile.ZIP_STORED if stored else None)


def ancestor_files(run: Run) -> list[str]:
    """List the files of what a run has of the runs that it comes from."""
    about, names = run.about, list[str]()
    for ancestor in filter(None, [about.start, *about.teachers]):
        folder = folder_of(run.path, ancestor)
        files_of = [*FILES, *(f"checkpoints/{path.name}/{name}"
                              for path in checkpoints.folders(folder / "checkpoints")
                              for name in CHECKPOINT_FILES)]  # fmt: skip
        names += [f"{FOLDER}/{ancestor.run}/{name}" for name in files_of]
    return list(dict.fromkeys(names))  # one run can be both the start and a teacher


def pieces(run: Run, weights: str) -> Iterator[Piece]:
    """List the files that go into a run's zip."""
    chosen = [info for info in run.checkpoints() if weights == "all" or info.best]
    chosen = [] if weights == "none" else chosen
    names = [*FOLDER_FILES]
    names += ["best"] if any(info.best for info in chosen) else []
    for number in metrics.attempt_numbers(run.path):
        names += [f"attempts/{number}/{name}" for name in ATTEMPT_FILES]
    for info in chosen:
        names += [f"checkpoints/{info.name}/{name}" for name in CHECKPOINT_FILES]
        names += [f"predictions/{info.name}-{part}.safetensors" for part in CARRIED]
    names += ancestor_files(run) if weights == "all" else []
    for name in names:
        if (path := run.path / name).exists():
            yield Piece(path, name)
