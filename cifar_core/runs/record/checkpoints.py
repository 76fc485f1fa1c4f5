"""Checkpoints: complete and verified, or absent. Safetensors and JSON, never pickle.

checkpoints/<step>-a<attempt>/
    model.safetensors   the weights
    state.safetensors   optimizer, random states and whatever else exact resuming needs
    manifest.json       position, and size and sha256 of each file; written last

A checkpoint kept only for review has no state: a run cannot be resumed from it.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cifar_core.disk import files, removal, space
from cifar_core.errors import CheckpointError, RunError

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile(r"(\d+)-a(\d+)")
MARK = re.compile(r"(\d+-a\d+)(?: ([1-9]\d*) ([0-9a-f]{8}))?\n")  # of the best epoch, by whom
MODEL, STATE, MANIFEST = "model.safetensors", "state.safetensors", "manifest.json"
WHAT = "the checkpoint"  # as an error names it when it cannot be saved
HEADER = 50_000  # bytes that name the tensors, at most


class CheckpointInfo(Struct, frozen=True, kw_only=True):
    """A checkpoint, as its manifest describes it."""

    name: str
    step: int
    epoch: float
    attempt: int
    val_accuracy: float | None  # 0 to 1; None before the first epoch ends
    worth: float | None  # by the run's measure: higher for a better epoch
    best: bool
    path: Path
    megabytes: float
    resumable: bool  # whether its state is kept besides its weights
    manifest: dict[str, Any]


def commit(
    folder: Path,
    name: str,
    *,
    model: "dict[str, Tensor]",
    state: "dict[str, Tensor]",
    manifest: dict[str, Any],
) -> Path:
    """Write a checkpoint so that a crash at any moment leaves either all of it or nothing.

    DiskFullError, before or during writing, leaves the former files unchanged.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    size = size_of(model) + size_of(state)
    space.ensure(size, folder, WHAT)
    draft, target = folder / f".draft-{name}", folder / name
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        for file, tensors in ((MODEL, model), (STATE, state)):
            with space.needed(size, folder, WHAT):
                save_file({key: t.detach().cpu().contiguous() for key, t in tensors.items()},
                          draft / file)  # fmt: skip
                files.sync_file(draft / file)
        listed = {file: facts_of(draft / file) for file in (MODEL, STATE)}
        sealed = seal({**manifest, "name": name, "files": listed, "created_at": time.time()})
        files.write_json(draft / MANIFEST, sealed)  # syncs the draft folder too
        if target.exists():  # the same position saved twice by one attempt
            remove(target)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    files.sync_folder(folder)
    return target


def size_of(tensors: "dict[str, Tensor]") -> int:
    """Return the approximate size of a file of these tensors, in bytes."""
    return sum(t.numel() * t.element_size() for t in tensors.values()) + HEADER


def facts_of(path: Path) -> dict[str, Any]:
    """Return the size and the checksum of a file."""
    return {"bytes": path.stat().st_size, "sha256": files.sha256_of(path)}


def seal(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with a checksum over itself, since it holds the position."""
    import hashlib

    plain = {key: value for key, value in files.finite(manifest).items() if key != "seal"}
    text = json.dumps(plain, sort_keys=True)
    return {**plain, "seal": hashlib.sha256(text.encode()).hexdigest()}


def manifest_of(path: Path) -> dict[str, Any]:
    """Return the manifest of a checkpoint; CheckpointError if it is damaged or a size is wrong."""
    manifest = files.read_json(path / MANIFEST)
    if not manifest or manifest != seal(manifest):
        raise CheckpointError(
            f"The checkpoint {path.name} has no readable manifest, so it cannot be used."
        )
    for file, facts in manifest["files"].items():
        size = (path / file).stat().st_size if (path / file).exists() else -1
        if size != facts["bytes"]:
            raise CheckpointError(
                f"{file} of checkpoint {path.name} should be {facts['bytes']} bytes long, but "
                f"{'is missing' if size < 0 else f'is {size}'}."
            )
    return manifest


def verify(path: Path) -> dict[str, Any]:
    """Return the manifest after comparing every byte with it; CheckpointError if one differs.

    Neither safetensors nor torch.load notices a flipped bit.
    """
    manifest = manifest_of(path)
    for file, facts in manifest["files"].items():
        if files.sha256_of(path / file) != facts["sha256"]:
            raise CheckpointError(
                f"{file} of checkpoint {path.name} is not what was saved (its checksum differs)."
            )
    return manifest


def load(path: Path, *, device: str = "cpu") -> "tuple[dict[str, Tensor], dict[str, Tensor]]":
    """Return the weights and the state of a checkpoint that has just been verified."""
    from safetensors.torch import load_file

    return load_file(path / MODEL, device=device), load_file(path / STATE, device="cpu")


def load_model(path: Path, *, device: str = "cpu") -> "dict[str, Tensor]":
    """Verify a checkpoint and return its weights."""
    from safetensors.torch import load_file

    verify(path)
    return load_file(path / MODEL, device=device)


def folders(folder: Path) -> list[Path]:
    """List the checkpoints' folders, newest first, without reading them."""
    try:
        names = [match for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    except FileNotFoundError:
        return []
    names.sort(key=lambda match: (int(match[1]), int(match[2])), reverse=True)
    return [folder / match[0] for match in names]


def listed(run: Path) -> list[CheckpointInfo]:
    """Describe the checkpoints whose manifest and sizes are right, newest first."""
    best, checkpoints = best_name(run), []
    for path in folders(run / "checkpoints"):
        try:
            checkpoints.append(info(path, manifest_of(path), best))
        except CheckpointError:  # never used, and reported when the run is resumed
            continue
    return checkpoints


def named(run: Path, name: str) -> CheckpointInfo:
    """Return the checkpoint of a run with a name, "best" or "last"; RunError if there is none."""
    complete = listed(run)
    if not complete:
        raise RunError(
            f"Run {run.name} has no checkpoint that can be used. One is saved at the end of each "
            "epoch, unless its weights were left out or are damaged."
        )
    if name == "last":
        return complete[0]
    if name == "best":
        return best_first(complete)[0]
    for one in complete:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in complete)
    raise RunError(f"Run {run.name} has no checkpoint called '{name}'. It has: {names}.")


def best_first(checkpoints: Iterable[CheckpointInfo]) -> list[CheckpointInfo]:
    """Return checkpoints with the marked one first, and those within an epoch last.

    Of equally good epochs the earlier one comes first, as in training.
    """
    return sorted(
        checkpoints,
        key=lambda one: (one.best, one.worth is not None, one.worth or 0.0, -one.step),
        reverse=True,
    )


def info(path: Path, manifest: dict[str, Any], best: str) -> CheckpointInfo:
    """Describe a checkpoint by its manifest."""
    return CheckpointInfo(
        name=path.name,
        step=manifest["step"],
        epoch=manifest["epoch"],
        attempt=manifest["attempt"],
        val_accuracy=manifest.get("val_accuracy"),
        worth=manifest.get("worth", manifest.get("val_accuracy")),  # of earlier versions
        best=path.name == best,
        path=path,
        megabytes=sum(facts["bytes"] for facts in manifest["files"].values()) / 1e6,
        resumable=STATE in manifest["files"],
        manifest=manifest,
    )


def mark_best(run: Path, name: str, attempt: int = 0) -> None:
    """Record which checkpoint is that of the best epoch; with "" that there is none.

    `attempt` is the one that says so; the mark of a later one stays.
    """
    marked, by = mark_of(run)
    if by > attempt and (run / "attempts" / str(by)).exists():
        return
    if not name:
        (run / "best").unlink(missing_ok=True)
    elif marked != name:
        head = f"{name} {attempt}"
        files.write_atomic(run / "best", f"{head} {files.crc(head)}\n" if attempt else f"{name}\n")


def mark_of(run: Path) -> tuple[str, int]:
    """Return the best epoch's checkpoint, and the attempt that said so; ("", 0) if damaged.

    The attempt is 0 in markers of earlier versions.
    """
    name, by, crc = mark.groups("") if (mark := MARK.fullmatch(marker(run))) else ("", "", "")
    return (name, int(by or 0)) if not by or files.crc(f"{name} {by}") == crc else ("", 0)


def is_marked_best(run: Path, name: str) -> bool:
    """Return True if the marker is as `mark_best` wrote it for this name."""
    return mark_of(run)[0] == name


def best_name(run: Path) -> str:
    """Return the name of the best epoch's checkpoint; empty before the first epoch ends."""
    return (marker(run).split() or [""])[0]


def marker(run: Path) -> str:
    """Return the text of the marker; if it is missing or damaged, the manifests say the same."""
    try:
        return (run / "best").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def newest_valid(
    run: Path, among: Callable[[str], bool] = lambda name: True
) -> tuple[CheckpointInfo | None, list[str]]:
    """Return the newest checkpoint to resume from, and what is wrong with newer ones.

    Only those `among` whose names it is count. Every byte of it has been verified. Damaged ones
    are renamed, so that no reader finds them.
    """
    notes: list[str] = []
    for path in folders(run / "checkpoints"):
        if not among(path.name):
            continue
        try:
            checkpoint = info(path, verify(path), best_name(run))
        except CheckpointError as error:
            notes.append(f"{error} An older checkpoint is used if there is one.")
            set_aside(path)
        else:
            if checkpoint.resumable:
                return checkpoint, notes
    return None, notes


def position_of(name: str) -> tuple[int, int]:
    """Return the step and the attempt that a checkpoint's name gives."""
    step, attempt = name.split("-a")
    return int(step), int(attempt)


def set_aside(path: Path) -> None:
    """Rename a damaged checkpoint; its bytes are kept for inspection."""
    path.rename(path.with_name(f"damaged-{path.name}-{time.time_ns()}"))


def remove(path: Path) -> None:
    """Delete a checkpoint so that a crash meanwhile does not leave a damaged one."""
    removal.discard(path)
