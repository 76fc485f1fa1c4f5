"""The ids of runs, which are the names of their folders and begin with their numbers."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.installation import PROGRAM
from cifar_core.registry import did_you_mean


def is_run(name: str) -> bool:
    """Whether a folder has the name of a run."""
    return name.split("-", 1)[0].isdecimal()


def run_names(folder: Path) -> list[str]:
    """Return the ids of the runs in a folder, without a look at any of them."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return [entry.name for entry in entries if is_run(entry.name)]
    return []


def number_of(id_: str) -> int:
    """Return the number at the start of a run's id."""
    return int(id_.split("-", 1)[0])


def find(ref: str, ids: Sequence[str], what: str) -> str:
    """Return the id of the run with a number or an id; RunError says which may have been meant."""
    ref = ref.strip().lstrip("#")
    if ref in ids:
        return ref
    same = sorted(id_ for id_ in ids if ref.isdecimal() and number_of(id_) == int(ref))
    if len(same) > 1:  # never one of them silently
        raise RunError(
            f"{len(same)} runs have the number {ref}: {', '.join(same)}. Give the id, or give the "
            f"copy a number of its own: {PROGRAM} renumber ID"
        )
    if same:
        return same[0]
    count = f"The store has {len(ids):,}." if ids else "The store has none yet."
    raise RunError(f"There is no {what} '{ref}'. {did_you_mean(ref, ids)}{count}")
