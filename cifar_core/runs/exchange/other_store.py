"""Gives the runs of another store, from which an imported run comes, ids that no run here has.

Every store counts its runs from 1, so 1-simple-cnn is another run in another store. Such runs get
the number 0. A run that is here too keeps its id: its checkpoint has the same weights.
"""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cifar_core.disk import files
from cifar_core.runs.record.checkpoints import MANIFEST, MODEL
from cifar_core.runs.record.family.ancestors import ELSEWHERE, FOLDER, Ancestor, folder_of
from cifar_core.runs.record.records import About, Environment

LONGEST = 40  # of the old id's part in the new one


def rename_ancestors(folder: Path, runs: Path) -> None:
    """Rename what the run in a folder comes from, unless it is among these `runs`."""
    about = files.read(folder / "about.json", About)
    here = {one.run for one in named_in(about) if is_same(folder, runs, one)}
    ids: dict[str, str] = {}

    def name(id_: str) -> str:
        return id_ if id_ in here else ids.setdefault(id_, elsewhere(id_))

    for path in (folder, *folder.glob(f"{FOLDER}/*")):
        if path.name not in here:
            rename_in(path, name)
    for path in list(folder.glob(f"{FOLDER}/*")):
        path.rename(path.with_name(name(path.name)))


def rename_in(folder: Path, name: Callable[[str], str]) -> None:
    """Rename the runs that the files of a run name."""

    def renamed(one: Any) -> Any:
        return replace(one, run=name(one.run))

    if files.is_there(folder / "about.json"):
        about = files.read(folder / "about.json", About)
        start = renamed(about.start) if about.start else None
        teachers = [renamed(one) for one in about.teachers]
        files.write_json(folder / "about.json", replace(about, start=start, teachers=teachers))
    known = files.read(folder / "environment.json", Environment)
    if known.teachers:
        there = {"teachers": [files.plain_of(renamed(one)) for one in known.teachers]}
        files.edit(folder / "environment.json", Environment, lambda _: there)


def named_in(about: About) -> list[Ancestor]:
    """List the runs that a run comes from."""
    return [*([about.start] if about.start else []), *about.teachers]


def is_same(folder: Path, runs: Path, ancestor: Ancestor) -> bool:
    """Whether a run here is the very one that an imported run comes from."""
    copies = folder_of(folder, ancestor), runs / ancestor.run
    there, here = (sha256_of(copy / "checkpoints" / ancestor.checkpoint) for copy in copies)
    return bool(there) and there == here


def sha256_of(checkpoint: Path) -> str:
    """Return the checksum of a checkpoint's weights; empty if there is none."""
    listed = files.read_json(checkpoint / MANIFEST).get("files", {})
    return str(listed.get(MODEL, {}).get("sha256", ""))


def elsewhere(id_: str) -> str:
    """Return an id for a run of another store, which has the number 0; it may have one already."""
    if id_.startswith(ELSEWHERE):
        return id_
    words = re.sub(r"\A\d+-", "", id_)[:LONGEST]
    return f"{ELSEWHERE}{words}-{secrets.token_hex(4)}"
