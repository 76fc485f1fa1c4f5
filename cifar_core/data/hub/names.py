"""Names of sets on the Hugging Face hub, `hf:owner/name` or `hf:owner/name@revision`.

One revision is downloaded into store/data/hf/<owner>--<name>/<commit>/ and read from there like any
folder; the hub is not asked again.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from cifar_core.data.sources.archive import shown
from cifar_core.disk import files
from cifar_core.disk.checks import Text
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM

PREFIX = "hf:"
NAME = re.compile(r"hf:([\w.-]{1,96}/)?([\w.-]{1,96})(?:@([\w./-]{1,200}))?\Z", re.A)
COMMIT = re.compile(r"[0-9a-f]{40}")
HOME = "hf"  # the folder of the store's data/ with the sets
ABOUT = "about.json"  # beside the folder of a revision
HUB = "https://huggingface.co"


class About(Struct, frozen=True, kw_only=True):
    """What was downloaded last, for each revision by which it was asked for, and its license."""

    commits: dict[str, Text] = {}  # "" is the newest
    license: Text = ""


@dataclass(frozen=True, kw_only=True)
class HubName:
    """A set on the hub."""

    repository: str  # "owner/name"
    revision: str  # a branch, tag or commit; "" for the newest

    @property
    def source(self) -> str:
        """What a person calls it, and a run records."""
        return PREFIX + self.title

    @property
    def title(self) -> str:
        """The repository, and the revision if one was asked for."""
        return f"{self.repository}@{self.revision}" if self.revision else self.repository

    @property
    def page(self) -> str:
        """The address of the page that describes it."""
        server = os.environ.get("HF_ENDPOINT") or HUB
        return f"{server}/datasets/{self.repository}"

    def folder(self, store: Path) -> Path:
        """Return the folder of all its revisions."""
        return store / "data" / HOME / self.repository.replace("/", "--")


def is_hub_name(source: str) -> bool:
    """Return True if a source names a set on the hub."""
    return source.startswith(PREFIX)


def hub_name(source: str) -> HubName:
    """Return what a source names; raises DataError."""
    match = NAME.match(source)
    if not match or ".." in source or "--" in source.partition("@")[0]:  # as the hub itself
        raise DataError(
            f"'{shown(source)}' does not name a set on the Hugging Face hub. Write "
            "hf:owner/name, or hf:owner/name@revision."
        )
    return HubName(repository=f"{match[1] or ''}{match[2]}", revision=match[3] or "")


def place(source: str, store: Path) -> Path | None:
    """Return the folder into which a set was downloaded, even if it has been moved since."""
    name = hub_name(source)
    folder = name.folder(store)
    commit = files.read(folder / ABOUT, About).commits.get(name.revision, name.revision)
    return folder / commit if COMMIT.fullmatch(commit) else None


def find(source: str, store: Path) -> Path | None:
    """Return the folder of a set that was downloaded; None if it was not. Raises DataError."""
    path = place(source, store)
    return path if path is not None and path.is_dir() else None


def downloaded(store: Path) -> Iterator[str]:
    """Yield the sources of the sets that are on this machine."""
    for path in sorted((store / "data" / HOME).glob(f"*/{ABOUT}")):
        for revision in files.read(path, About).commits:
            source = HubName(repository=repository_of(path.parent), revision=revision).source
            if NAME.match(source) and find(source, store):
                yield source


def repository_of(folder: Path) -> str:
    """Return the repository whose revisions are in a folder."""
    return folder.name.replace("--", "/")


def origin_of(path: Path) -> str:
    """Say from where the folder of a revision comes, and under which license."""
    license = files.read(path.parent / ABOUT, About).license
    return (
        f"{repository_of(path.parent)} from the Hugging Face hub, revision {path.name[:12]}; "
        + (f"license: {license}." if license else "its card states no license.")
    )


def how_to_get(source: str) -> str:
    """Return a sentence about what it takes to have a set that is not on this machine."""
    return f"Download it on the Data page or with: {PROGRAM} data fetch {source}"
