"""What a run that trains another one on has of it: its rows, a checkpoint and what was decided.

ancestors/<run id>/ keeps the checkpoint as it was, and that of the best epoch until then;
attempts/0 holds the rows up to it, and checkpoints/<step>-a0 are the same weights as checkpoints of
this run. So every reader sees one history, and training begins as after an interruption.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from cifar_core.disk import files, removal
from cifar_core.disk.checks import Number, Whole, as_type
from cifar_core.errors import CheckpointError, RunError
from cifar_core.runs.family.kept import keep, linked
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.checkpoints import MANIFEST, MODEL, STATE, CheckpointInfo
from cifar_core.runs.record.family.ancestors import CONTINUES, Ancestor, Start, folder_of
from cifar_core.runs.record.metrics import MetricsReader, RowRange
from cifar_core.runs.record.records import AttemptEnd, AttemptStart
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.summary import fold
from cifar_core.runs.record.watched import rows as watched

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

MOST_STEPS = 10**9  # of an epoch
INHERITED = 0  # the number of the attempt whose rows are those of another run


class SavedPlateau(Struct, frozen=True, kw_only=True):
    """How far a schedule that follows the loss has lowered the rate."""

    share: Number = 1.0


class SavedProgress(Struct, frozen=True, kw_only=True):
    """The entries of a checkpoint's progress that are read without restoring it."""

    step: Whole
    epoch: Whole  # trained and validated
    best: dict[str, Any]
    plateau: SavedPlateau = SavedPlateau()
    rate_share: Number = 1.0
    began: Whole = 0


def inherit(source: Run, info: CheckpointInfo, draft: Path, config: "TrainConfig") -> Start:
    """Put everything into a new run's folder that it needs to train `source` on from there."""
    ancestor = keep_with_best(source, info, draft)
    inherit_rows(source, info, draft, config)
    environment = source.path / "environment.json"
    if files.is_there(environment):
        shutil.copyfile(environment, draft / environment.name)
    start = Start(**structs.asdict(ancestor), how=CONTINUES)
    lay(draft, start)
    summarize(draft, info, config)
    return start


def keep_with_best(source: Run, info: CheckpointInfo, draft: Path) -> Ancestor:
    """Keep a checkpoint with its state, and the weights of the best epoch until then."""
    ancestor = keep(source, info, draft, state=True)
    named = info.manifest.get("best", "")
    for best in source.checkpoints():
        if best.name == named != info.name:
            with suppress(CheckpointError):  # a damaged one; then the next best counts
                keep(source, best, draft, state=False)
    return ancestor


def summarize(draft: Path, info: CheckpointInfo, config: "TrainConfig") -> None:
    """Write the summary of a run that has inherited its rows and has not started yet."""
    rows = MetricsReader(draft).poll().rows
    summary = fold(rows, config.epochs * steps_per_epoch(info))
    summary = structs.replace(summary, seconds=info.manifest.get("seconds"))
    files.write_json(draft / "summary.json", summary)


def steps_per_epoch(info: CheckpointInfo) -> int:
    """Return how many optimization steps an epoch of a checkpoint's run has; 0 if it took none."""
    if info.step <= 0 or info.epoch * MOST_STEPS < info.step:  # as in a manifest made up by hand
        return 0
    return round(info.step / info.epoch)


def progress_of(info: CheckpointInfo) -> SavedProgress:
    """Return how far a run was at a checkpoint; RunError if the checkpoint does not say it."""
    values = info.manifest.get("meta", {}).get("progress")
    try:
        return as_type(values, SavedProgress)
    except ValueError as error:
        raise RunError(
            f"Checkpoint {info.name} does not say how far the training was, so it cannot be "
            "trained on. Start from its weights instead."
        ) from error


def inherit_rows(source: Run, info: CheckpointInfo, draft: Path, config: "TrainConfig") -> None:
    """Write the rows of a run up to a checkpoint as those of attempt 0."""
    folder = metrics.attempt_folder(draft, INHERITED)
    folder.mkdir(parents=True)
    path = metrics.metrics_path(draft, INHERITED)
    with path.open("wb") as file:
        for part in lineage(source, info):
            rows = part_of(source, part)
            file.write(rows if not rows or rows.endswith(b"\n") else rows + b"\n")
    seen = [row for row in watched.read(source.path) if row.step <= info.step]
    if seen:
        lines = [files.line_of(files.plain_of(row)) for row in seen]
        watched.path_of(draft, INHERITED).write_bytes(b"".join(lines))
    at_once = metrics.attempt_plan(source.path, info.attempt).micro_batch
    if at_once and config.micro_batch == source.config.micro_batch:  # memory was too small for all
        files.write_json(folder / "end.json", AttemptEnd(micro_batch=at_once, at=time.time()))
    note = f"The rows of run {source.id} up to checkpoint {info.name}."
    files.write_json(folder / "start.json", AttemptStart(note=note, at=time.time()))


def lineage(source: Run, info: CheckpointInfo) -> list[RowRange]:
    """Return the parts of a run's rows that count up to a checkpoint."""
    covered = info.manifest.get("metrics_bytes")
    return MetricsReader(source.path).lineage_of(info.attempt, covered)


def part_of(source: Run, part: RowRange) -> bytes:
    """Return the bytes of a part of a run's rows, as many as there are."""
    try:
        with metrics.metrics_path(source.path, part.attempt).open("rb") as file:
            return file.read(-1 if part.end is None else part.end)
    except FileNotFoundError:
        return b""


def or_begin_again(
    run: Run, found: CheckpointInfo | None, notes: list[str]
) -> tuple[CheckpointInfo | None, list[str]]:
    """Return the checkpoint to resume from, and `notes` with what is wrong with others.

    A run that trains another one on and has `found` none begins again where it began;
    CheckpointError if that checkpoint is damaged too.
    """
    start = run.about.start
    if found or start is None or start.how != CONTINUES:
        return found, notes
    try:
        lay(run.path, start)
    except CheckpointError as error:
        raise CheckpointError(
            f"Run {run.id} trains run {start.run} on, but the copy of its checkpoint "
            f"{start.checkpoint} cannot be used. {error}"
        ) from error
    again, more = checkpoints.newest_valid(
        run.path, lambda name: checkpoints.position_of(name)[1] == INHERITED
    )
    words = f"It begins again from where it took over run {start.run}."
    return again, [*notes, *more, words]


def lay(folder: Path, start: Start) -> None:
    """Make checkpoints of a run from those that are kept of the run that it trains on.

    CheckpointError if the one to continue from is damaged.
    """
    kept = folder_of(folder, start) / "checkpoints"
    manifest = checkpoints.verify(kept / start.checkpoint)
    named, best = manifest.get("best", ""), ""
    if named == start.checkpoint:
        best = own_name(manifest)
    elif named:
        with suppress(CheckpointError):  # missing or damaged; then the next best counts
            of_best = checkpoints.verify(kept / named)
            best = own_name(of_best)
            lay_one(folder, kept / named, {**of_best, "best": best}, (MODEL,))
    lay_one(folder, kept / start.checkpoint, {**manifest, "best": best}, (MODEL, STATE))
    checkpoints.mark_best(folder, best)


def lay_one(folder: Path, kept: Path, manifest: dict[str, Any], names: tuple[str, ...]) -> None:
    """Make a checkpoint of a run from a kept one, with the files that are named."""
    target = folder / "checkpoints" / own_name(manifest)
    draft = target.with_name(f".draft-{target.name}")
    if target.exists():
        removal.discard(target)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in names:
        linked(str(kept / name), str(draft / name))
    rows = metrics.metrics_path(folder, INHERITED)
    changed = {
        "name": target.name,
        "run": folder.name.removeprefix(".draft-"),
        "attempt": INHERITED,
        "metrics_bytes": rows.stat().st_size if rows.exists() else 0,
        "files": {name: manifest["files"][name] for name in names},
    }
    files.write_json(draft / MANIFEST, checkpoints.seal({**begun(manifest), **changed}))
    draft.rename(target)


def begun(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a checkpoint from which another run begins to train on."""
    from cifar_core.training.progress import trained_on

    meta = manifest["meta"]
    return {**manifest, "meta": {**meta, "progress": trained_on(meta["progress"])}}


def own_name(manifest: dict[str, Any]) -> str:
    """Return the name of a checkpoint in the run that inherits it."""
    return f"{manifest['step']:08d}-a{INHERITED}"
