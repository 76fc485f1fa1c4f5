"""What the files of an imported run may contain; pages rely on it, so it is checked on import."""

from typing import Any

from cifar_core.disk.checks import (
    NEEDED,
    ROW_SHAPE,
    Shape,
    is_moment,
    is_number,
    is_switch,
    is_text,
    is_whole,
    list_of,
    maybe,
    object_of,
    one_of,
)
from cifar_core.errors import ArchiveError
from cifar_core.runs.record.checkpoints import MODEL, NAME, STATE
from cifar_core.runs.record.marks import LONGEST_NOTE, MOST_TAGS, TAG
from cifar_core.runs.record.states import FAILURES, STATES


def is_tag(value: Any) -> bool:
    """Whether a value is a tag."""
    return isinstance(value, str) and TAG.fullmatch(value) is not None


def is_checkpoint_name(value: Any) -> bool:
    """Whether a value is empty or the name of a checkpoint."""
    return value == "" or (isinstance(value, str) and NAME.fullmatch(value) is not None)


def is_file_entry(value: Any) -> bool:
    """Whether a value is a manifest's entry of a file."""
    shape = {"bytes": is_whole, "sha256": is_text}
    return object_of(shape, tuple(shape))(value)


STEP_PLAN = {"memory_format": is_text, "precision": is_text, "compiled": is_switch,
             "reason": is_text, "sentence": is_text, "precision_reason": is_text}  # fmt: skip
DATA = {"title": is_text, "kind": is_text, "source": is_text, "note": is_text,
        "fingerprint": is_text, "classes": list_of(is_text, 1000), "train_images": is_whole,
        "val_images": is_whole, "test_images": is_whole}  # fmt: skip
FEATURES = dict.fromkeys(("done", "total", "kept", "seconds"), is_number)

SHAPES: dict[str, Shape] = {  # by file name; entries that are not listed are left out
    "export.json": {"schema": is_whole, "run": is_text, "weights": is_text, "at": is_moment},
    "about.json": {
        "name": is_text,
        "created_at": is_moment,
        "tags": list_of(is_tag, MOST_TAGS),
        "note": lambda value: is_text(value) and len(value) <= LONGEST_NOTE,
        "starred": is_switch,
    },
    "status.json": {
        "state": one_of(STATES),
        "reason": one_of(["", *FAILURES]),
        "message": is_text,
        "action": is_text,
        "since": is_moment,
    },
    "summary.json": {
        **dict.fromkeys(("total_steps", "step", "epochs_done", "test_images"), is_whole),
        **dict.fromkeys(
            ("last_train_loss", "last_train_accuracy", "last_val_loss", "last_val_accuracy",
             "best_val_accuracy", "test_accuracy", "test_loss", "test_plain_accuracy",
             "images_per_second", "seconds", "eta_seconds"),
            is_number,
        ),
        "best_epoch": is_whole,
        "history": list_of(is_number),
        "sparkline": list_of(is_number, 1000),
        "test_views": is_text,
        "features": object_of(FEATURES),
    },
    "environment.json": {
        **dict.fromkeys(
            ("python", "system", "machine", "torch", "torchvision", "numpy", "safetensors",
             "pillow", "captum", "torch-optimizer", "git_commit", "device", "device_name",
             "device_reason", "precision", "precision_reason", "threads_now"),
            is_text,
        ),
        "threads": is_whole,
        "parameters": is_whole,
        "step_plan": object_of(STEP_PLAN, ("sentence",)),
        "data": object_of(DATA, ("title", "kind", "source", "classes")),
        "weights": object_of({}),
    },
    "attempt.json": {"device": is_text, "device_name": is_text, "device_reason": is_text,
                     "threads": is_whole, "at": is_moment},
    "start.json": {"checkpoint": is_checkpoint_name, "step": is_whole, "from_attempt": is_whole,
                   "from_bytes": is_whole, "note": is_text, "at": is_moment},
    "result.json": {"outcome": is_text, "message": is_text, "reason": is_text, "at": is_moment},
    "end.json": {"message": is_text, "state": is_text, "at": is_moment},
}  # fmt: skip

MANIFEST_SHAPE: Shape = {
    "schema": is_whole,
    "run": is_text,
    "name": is_checkpoint_name,
    "attempt": is_whole,
    "step": is_whole,
    "epoch": is_number,
    "val_accuracy": maybe(is_number),
    "best": is_checkpoint_name,
    "metrics_bytes": is_whole,
    "seconds": is_number,
    "meta": lambda value: isinstance(value, dict),
    "files": lambda value: (
        isinstance(value, dict)
        and set(value) == {MODEL, STATE}
        and all(map(is_file_entry, value.values()))
    ),
    "created_at": is_moment,
    "seal": is_text,
}


def shaped(file: str, values: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Return the entries that the shape lists; ArchiveError if one of them is not valid."""
    for name, check in shape.items():
        if name in values and not check(values[name]):
            raise ArchiveError(
                f"{file} of this zip has {str(values[name])[:40]!r} as its {name}, which no run "
                "writes. Export the run again."
            )
    return {name: values[name] for name in shape if name in values}


def is_row(row: Any) -> bool:
    """Whether a value is a row that a trainer may have written."""
    if not isinstance(row, dict) or not is_text(row.get("kind")) or not is_number(row.get("step")):
        return False
    if any(row.get(name) is None for name in NEEDED.get(row["kind"], ())):
        return False
    return object_of(ROW_SHAPE)(row)
