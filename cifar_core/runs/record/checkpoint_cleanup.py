"""Which checkpoints of a run are kept, and how the others are deleted."""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from cifar_core.disk import files
from cifar_core.runs.record.checkpoints import MANIFEST, STATE, best_name, folders, remove, seal
from cifar_core.runs.record.records import About


def milestones(epochs: int, count: int) -> frozenset[int]:
    """Return the epochs to look back at: `count` from the first on, evenly spaced to the last.

    The last epoch comes on top of them, as one of the newest.
    """
    return frozenset(round(1 + i * (epochs - 1) / max(1, count)) for i in range(count))


def prune(run: Path, *, keep_last: int = 2, look_back: Collection[int] = ()) -> None:
    """Delete all but the best, the newest and the pinned; of epochs to look back at, keep weights.

    It looks at what is there and nothing else, so that after a crash the next call ends its work.
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


def ended_epoch(manifest: dict[str, Any]) -> int:
    """Return the epoch at whose end a checkpoint was saved; 0 for one in the middle of an epoch."""
    return round(manifest["epoch"]) if manifest.get("val_accuracy") is not None else 0


def is_resumable(manifest: dict[str, Any]) -> bool:
    """Tell whether the state is kept, too; of an unreadable manifest nothing else is known."""
    return STATE in manifest.get("files", {STATE: {}})


def keep_weights(path: Path, manifest: dict[str, Any]) -> None:
    """Delete the state of a checkpoint; the manifest goes first, so that it is whole throughout."""
    if is_resumable(manifest):
        listed = {file: known for file, known in manifest["files"].items() if file != STATE}
        files.write_json(path / MANIFEST, seal({**manifest, "files": listed}))
    for left in (path / STATE, *path.glob(".*.tmp")):  # the latter of a process that was killed
        left.unlink(missing_ok=True)


def leftovers(run: Path) -> Iterator[Path]:
    """Find drafts and half-deleted checkpoints of an attempt that was killed."""
    folder = run / "checkpoints"
    if folder.exists():
        yield from (p for p in folder.iterdir() if p.name.startswith((".draft-", ".gone-")))


def sweep(run: Path) -> None:
    """Delete what a killed attempt left half done. Only the one live attempt may call it."""
    for path in list(leftovers(run)):
        shutil.rmtree(path)
