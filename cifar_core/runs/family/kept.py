"""Keeps a checkpoint of one run in the folder of another, so that it outlives the first.

ancestors/<run id>/ is a small run folder: about.json, config.json, environment.json and the
checkpoint. Files of weights are hard links where the disk allows it, and cost no space while both
runs are there.
"""

import os
import shutil
from pathlib import Path

from cifar_core.disk import files
from cifar_core.errors import CheckpointError, RunError
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.checkpoint_cleanup import keep_weights
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.family.ancestors import Ancestor, folder_of
from cifar_core.runs.record.run import Run

FILES = ("about.json", "config.json", "environment.json")


def keep(source: Run, info: CheckpointInfo, draft: Path, *, state: bool) -> Ancestor:
    """Keep a checkpoint of a run in the folder of a new one, without its `state` or with it.

    RunError if it has no state to keep, CheckpointError if it is damaged.
    """
    if state and not info.resumable:
        raise RunError(
            f"Checkpoint {info.name} of run {source.id} holds only weights, so it cannot be "
            "trained on. Start from its weights instead, or choose a newer checkpoint."
        )
    try:
        checkpoints.verify(info.path)
    except CheckpointError as error:
        raise CheckpointError(f"{error} Choose another checkpoint of run {source.id}.") from error
    ancestor = Ancestor(run=source.id, name=source.name, checkpoint=info.name, epoch=info.epoch)
    folder = folder_of(draft, ancestor)
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if files.is_there(source.path / name):
            shutil.copyfile(source.path / name, folder / name)
    target = folder / "checkpoints" / info.name
    shutil.copytree(info.path, target, copy_function=linked, dirs_exist_ok=True)
    if not state:
        keep_weights(target, files.read_json(target / checkpoints.MANIFEST))
    return ancestor


def linked(source: str, target: str) -> None:
    """Make a second name for a file that is never changed, or a copy where that is impossible.

    Small files can be edited, so they are copied.
    """
    Path(target).unlink(missing_ok=True)
    if not source.endswith(".safetensors"):
        shutil.copyfile(source, target)
        return
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def ancestor_of(run: Run, ancestor: Ancestor) -> Run:
    """Return the small run that holds what was taken of an ancestor."""
    return Run(folder_of(run.path, ancestor), run.by)


def kept(run: Run, ancestor: Ancestor) -> tuple[Run, CheckpointInfo]:
    """Return the small run that holds what was taken of an ancestor, and the checkpoint.

    RunError if the copy is missing or damaged, as in a run that was imported without its weights.
    """
    source = ancestor_of(run, ancestor)
    for info in source.checkpoints():
        if info.name == ancestor.checkpoint:
            return source, info
    raise RunError(
        f"Run {run.id} has no copy of checkpoint {ancestor.checkpoint} of run {ancestor.run} that "
        "can be used. A zip of a run has it only with all weights: export the run again with them."
    )
