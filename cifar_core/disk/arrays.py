"""Arrays in a file with a checksum, because safetensors loads a flipped bit without a word."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.disk import files

Arrays = Mapping[str, NDArray[Any]]


def write(path: Path, values: Arrays, facts: Mapping[str, str]) -> None:
    """Write arrays, and words about them, beside their place and move them there."""
    from safetensors.numpy import save_file

    # safetensors takes the bytes of a view with gaps as if there were none
    values = {key: np.ascontiguousarray(value) for key, value in values.items()}
    path.parent.mkdir(exist_ok=True)
    with files.replacing(path) as draft:
        save_file(values, draft, metadata={**facts, "sha256": digest(values)})


def read(path: Path) -> tuple[Arrays, Mapping[str, str]] | None:
    """Return the arrays and the words if they are there and every byte is right.

    A file that is damaged is removed, so that it is made anew.
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
    """Return the checksum of arrays by their names."""
    whole = hashlib.sha256()
    for key in sorted(values):
        whole.update(f"{key} {values[key].dtype} {values[key].shape}".encode())
        whole.update(np.ascontiguousarray(values[key]).tobytes())
    return whole.hexdigest()
