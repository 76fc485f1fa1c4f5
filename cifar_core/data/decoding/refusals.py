"""Sources that were refused, with the sentence that says why, until they change.

So a page that is opened again shows the sentence and begins no work.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from cifar_core.data.decoding.footprint import is_unchanged, watch
from cifar_core.data.options import folder_of
from cifar_core.disk import files
from cifar_core.disk.checks import LONGEST, Text, readable

NAME, WATCHED = "refused.json", "refused.txt"  # in the source's folder of data/sets


class Refusal(Struct, frozen=True, kw_only=True):
    """The entries of the file."""

    why: Text = ""
    source: Text = ""  # "" in files of earlier versions


def keep(store: Path, source: str, path: Path, names: Iterable[str], how: str, why: str) -> None:
    """Write down why a source is refused, and the state of some of its files and folders."""
    folder = folder_of(store, source)
    with contextlib.suppress(OSError):  # the caller says it anyway
        folder.mkdir(parents=True, exist_ok=True)
        watch(folder / WATCHED, path, names, how)
        files.write_json(folder / NAME, {"why": readable(why)[:LONGEST], "source": source})


def kept(store: Path, source: str, path: Path, how: str) -> str:
    """Return why a source was refused; empty if it was not, or has changed since."""
    folder = folder_of(store, source)
    if not is_unchanged(folder / WATCHED, path, how):
        return ""
    return files.read(folder / NAME, Refusal).why


def sources(store: Path) -> list[str]:
    """Return the sources that were refused when they were opened last."""
    found = (files.read(path, Refusal) for path in (store / "data" / "sets").glob(f"*/{NAME}"))
    return sorted({one.source for one in found if one.source})


def forget(store: Path, source: str) -> None:
    """Let a source be tried again."""
    with contextlib.suppress(OSError):
        (folder_of(store, source) / NAME).unlink(missing_ok=True)
