"""Arrays in a file with a checksum, because safetensors does not notice a flipped bit."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.disk import files

Arrays = Mapping[str, NDArray[Any]]


def write(path: Path, values: Arrays, facts: Mapping[str, str]) -> None:
    """Replace a file of arrays, and facts about them, in one move: no reader sees half of it."""
    from safetensors.numpy import save_file

    # safetensors would take the bytes of a view with gaps as if it had none
    values = {key: np.ascontiguousarray(value) for key, value in values.items()}
    path.parent.mkdir(exist_ok=True)
    with files.replacing(path) as draft:
        save_file(values, draft, metadata={**facts, "sha256": digest(values)})


def read(path: Path) -> tuple[Arrays, Mapping[str, str]] | None:
    """Return the arrays and the facts; None if the file is missing or a byte of it is wrong.

    A damaged file is deleted, so that it is computed again.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            facts = file.metadata() or {}
            values = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if facts.get("sha256") == digest(values):
                return values, facts
    except OSError:
        return None
    except SafetensorError:
        pass
    path.unlink(missing_ok=True)
    return None


def digest(values: Arrays) -> str:
    """Return one checksum over arrays and their names."""
    checksum = hashlib.sha256()
    for key in sorted(values):
        checksum.update(f"{key} {values[key].dtype} {values[key].shape}".encode())
        checksum.update(np.ascontiguousarray(values[key]).tobytes())
    return checksum.hexdigest()
