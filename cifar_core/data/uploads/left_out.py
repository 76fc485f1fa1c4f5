"""The files of an upload that no disk can take under their names, which are left out and listed."""

from collections.abc import Iterable
from pathlib import Path

from cifar_core.data.sources.limits import shown

LEFT_OUT = "left_out.txt"  # a name in each line, beside the files of an upload
MOST_NAMES = 50  # that the record of a set keeps


def note(folder: Path, found: Iterable[str]) -> None:
    """Write down the names of files that an upload cannot keep, in a form fit for messages."""
    lines = "".join(f"{shown(name)}\n" for name in found)
    if lines:
        with (folder / LEFT_OUT).open("a", encoding="utf-8") as file:
            file.write(lines)


def noted(folder: Path) -> list[str]:
    """Return the names that were written down, each once, in order."""
    try:
        lines = (folder / LEFT_OUT).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return sorted(set(lines))
