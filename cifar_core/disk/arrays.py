"""Arrays in a file with a checksum, because safetensors does not notice a flipped bit."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.disk import files, space

Arrays = Mapping[str, NDArray[Any]]
SUM = "sha256"  # the fact that has the checksum
WHAT = "a file of results"  # as an error names it when it cannot be saved


def write(path: Path, values: Arrays, facts: Mapping[str, str]) -> None:
    """Replace a file of arrays, and facts about them, in one move: no reader sees half of it.

    DiskFullError if it does not fit or would leave no space for small files.
    """
    from safetensors.numpy import save_file

    # safetensors would take the bytes of a view with gaps as if it had none
    values = {key: np.ascontiguousarray(value) for key, value in values.items()}
    size = sum(value.nbytes for value in values.values())
    with space.needed(size, path.parent.parent, WHAT):
        path.parent.mkdir(exist_ok=True)
        space.ensure(size, path.parent, WHAT)
    with files.replacing(path) as draft, space.needed(size, path.parent, WHAT):
        save_file(values, draft, metadata={**facts, SUM: digest(values, facts)})


def read(path: Path) -> tuple[Arrays, Mapping[str, str]] | None:
    """Return the arrays and the facts; None if the file is missing or a byte of it is wrong.

    A damaged file is deleted, so that it is computed again.
    """
    try:
        return sound(path)
    except OSError:
        return None
    except ValueError:
        path.unlink(missing_ok=True)
        return None


def sound(path: Path) -> tuple[Arrays, Mapping[str, str]]:
    """Return the arrays and the facts; ValueError if a byte is wrong, OSError if unreadable."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            facts = file.metadata() or {}
            values = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if facts.get(SUM) not in (digest(values, facts), digest(values)):  # earlier: arrays only
        raise ValueError("Its checksum differs.")
    return values, facts


def digest(values: Arrays, facts: Mapping[str, str] | None = None) -> str:
    """Return one checksum over arrays, their names and the facts about them.

    Without `facts` it is that of earlier versions, over the arrays and their names.
    """
    checksum = hashlib.sha256()
    for key in sorted(values):
        checksum.update(f"{key} {values[key].dtype} {values[key].shape}".encode())
        checksum.update(np.ascontiguousarray(values[key]).tobytes())
    if facts is not None:
        said = sorted((key, value) for key, value in facts.items() if key != SUM)
        checksum.update(json.dumps(said).encode())
    return checksum.hexdigest()
