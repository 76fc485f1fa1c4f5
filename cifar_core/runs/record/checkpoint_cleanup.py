"""Which checkpoints of a run are kept, and how the others are deleted."""

import re
import shutil
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from cifar_core.disk import files
from cifar_core.disk.removal import GONE
from cifar_core.runs.record.checkpoints import MANIFEST, STATE, best_name, folders, remove, seal
from cifar_core.runs.record.records import About

OF_A_CHECKPOINT = re.compile(r"(\d+-a\d+)-.+")  # a file of results computed from its weights


def milestones(epochs: int, count: int) -> frozenset[int]:
    """Return the epochs to keep for review: `count` of them from the first on, evenly spaced.

    The last epoch is kept in addition, as one of the newest.
    """
    return frozenset(round(1 + i * (epochs - 1) / max(1, count)) for i in range(count))


def prune(run: Path, *, keep_last: int = 2, look_back: Collection[int] = ()) -> None:
    """Delete all but the best, newest and pinned checkpoints; keep weights of `look_back` epochs.

    It depends only on the files that exist, so after a crash the next call completes it.
    """
    about = files.read(run / "about.json", About)
    if about.pinned:
        return
    keep = {best_name(run), *about.pinned_checkpoints}
    newest, seen = 0, set[int]()
    for path in folders(run / "checkpoints"):
        manifest = files.read_json(path / MANIFEST)
        epoch = ended_epoch(manifest)
        again, resumable = epoch in seen, is_resumable(manifest)
        seen.add(epoch)
        newest += resumable
        if path.name in keep or (resumable and newest <= keep_last):
            continue
        if epoch in look_back and not again and manifest == seal(manifest):
            keep_weights(path, manifest)
        else:
            remove(path)
    for path, _ in list(without_checkpoint(run, "predictions/*.safetensors")):
        path.unlink(missing_ok=True)


def without_checkpoint(run: Path, *patterns: str) -> Iterator[tuple[Path, str]]:
    """Yield the files that match and belong to a checkpoint that is gone, with its name."""
    names = {path.name for path in folders(run / "checkpoints")}
    for path in chain.from_iterable(run.glob(pattern) for pattern in patterns):
        of = OF_A_CHECKPOINT.fullmatch(path.name)
        if of and of[1] not in names:
            yield path, of[1]


def ended_epoch(manifest: dict[str, Any]) -> int:
    """Return the epoch at whose end a checkpoint was saved; 0 for one in the middle of an epoch."""
    return round(manifest["epoch"]) if manifest.get("val_accuracy") is not None else 0


def is_resumable(manifest: dict[str, Any]) -> bool:
    """Return True if the state is kept too; also for an unreadable manifest, which cannot say."""
    return STATE in manifest.get("files", {STATE: {}})


def keep_weights(path: Path, manifest: dict[str, Any]) -> None:
    """Delete a checkpoint's state; the manifest changes first, so it stays valid throughout."""
    if is_resumable(manifest):
        listed = {file: facts for file, facts in manifest["files"].items() if file != STATE}
        files.write_json(path / MANIFEST, seal({**manifest, "files": listed}))
    for unused in (path / STATE, *path.glob(".*.tmp")):  # drafts of a process that was killed
        unused.unlink(missing_ok=True)


def leftovers(run: Path) -> Iterator[Path]:
    """Yield the drafts and half-deleted checkpoints of an attempt that was killed."""
    folder = run / "checkpoints"
    if folder.exists():
        yield from (p for p in folder.iterdir() if p.name.startswith((".draft-", GONE)))


def clean_up(run: Path) -> None:
    """Delete the leftovers of a killed attempt. Only the one live attempt may call it."""
    for path in list(leftovers(run)):
        shutil.rmtree(path)
