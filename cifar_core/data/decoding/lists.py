"""The lists of the files of a source that were left out, with the reasons, as CSV in the store.

They are written before a source is accepted or refused, so that a person can always read them.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.contents import Ignored
from cifar_core.data.options import folder_of
from cifar_core.disk import files
from cifar_core.disk.checks import readable
from cifar_core.disk.tables import as_csv

COLUMNS = ("file", "why")
NAMES = {"unreadable": "unreadable.csv", "ignored": "ignored.csv"}


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The files with the lists; None where nothing was left out."""

    unreadable: Path | None
    ignored: Path | None


def lists_of(store: Path, source: str) -> Lists:
    """Return what was left out when a source was read last."""
    folder = folder_of(store, source)
    found = {key: folder / name for key, name in NAMES.items()}
    return Lists(**{key: path if path.exists() else None for key, path in found.items()})


def keep_lists(
    store: Path, source: str, unreadable: Sequence[tuple[str, str]], ignored: Sequence[Ignored]
) -> None:
    """Write the lists: names with reasons, and the files that are not used; raises OSError."""
    folder = folder_of(store, source)
    keep(folder / NAMES["unreadable"], unreadable)
    others = [(name, group.why) for group in ignored for name in group.names]
    keep(folder / NAMES["ignored"], others)


def keep(path: Path, lines: Sequence[tuple[str, str]]) -> None:
    """Write a list; one without lines is removed."""
    if not lines:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [dict(zip(COLUMNS, map(readable, line), strict=True)) for line in lines]
    files.write_atomic(path, as_csv(rows, COLUMNS))
