"""Chooses the images: finds them, opens them, and lists the datasets on this machine."""

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cifar_core.data import roots
from cifar_core.data.cache import cache_folder, read_meta
from cifar_core.data.dataset import Dataset
from cifar_core.data.known import BY_FOLDER, KNOWN
from cifar_core.data.sources import cifar10, folder, layout, synthetic
from cifar_core.data.sources.archive import REMEDY, shown
from cifar_core.data.uploads import sets as uploads
from cifar_core.disk.checks import Text, is_a
from cifar_core.disk.files import is_there
from cifar_core.disk.os_errors import reason
from cifar_core.errors import CifarError, DataError
from cifar_core.installation import PROGRAM
from cifar_core.people import OPERATOR, Person
from cifar_core.registry import did_you_mean

WORDS = ("auto", "synthetic", "cifar10")
ELSEWHERE = "elsewhere:"  # how the source of an imported run begins whose images are not here
UNSHIPPED = "unshipped:"  # the same of an example that is shipped without its images
CHOICES = f"a folder, an archive, or one of {', '.join(WORDS)}"
LONGEST_PATH = 300  # characters of a path in a message
MOST_GLANCES = 1000  # subfolders of a folder that may hold its train and test
FETCH = f"Download them on the Data page or with: {PROGRAM} data fetch"


def resolve(wanted: str, store: Path, by: Person | None = None) -> str:
    """Return 'synthetic', 'cifar10' or an absolute path, for `load` and for a run's record.

    'auto' means $CIFAR_DATA if it is set, or else the official CIFAR-10 if it is on this machine,
    or else the synthetic images. A person who does not use the machine itself chooses among the
    images that are listed and those in the folders of $CIFAR_DATA_ROOTS; None is the machine's
    own user. Raises DataError.
    """
    wanted = wanted.strip()
    if wanted in ("auto", ""):
        return automatic(store)
    if wanted == "cifar10" and cifar10.find(store) is None:
        raise DataError(f"The official CIFAR-10 images are not on this machine. {FETCH}")
    if synthetic.is_source(wanted) and synthetic.number_of(wanted) > synthetic.MOST:
        raise DataError(
            f"'{wanted}' is more than the program draws: choose at most {synthetic.MOST:,} "
            f"images, as in synthetic:{synthetic.MOST}."
        )
    if wanted.startswith(UNSHIPPED):
        raise DataError(not_here(wanted))
    if by is not None and not by.is_local:
        return among_listed(wanted, store, by)
    if synthetic.is_source(wanted) or wanted == "cifar10":
        return wanted
    if is_away(wanted):
        raise DataError(not_here(wanted))
    return str(existing(wanted))


def existing(wanted: str) -> Path:
    """Return the absolute path of the images that a person named; DataError says what is wrong."""
    try:
        path = Path(wanted).expanduser().resolve()
        there = path.exists()
        fits = not there or has_images(path)
    except (OSError, RuntimeError, ValueError) as error:  # no such user, a NUL, a name too long
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise DataError(
            f"'{shown(wanted)}' cannot be opened: {why[:1].lower() + why[1:]}. Give {CHOICES}."
        ) from error
    if not is_a(str(path), Text):
        raise DataError(
            f"The path {path} is not UTF-8, so that it could not be saved with a run. Rename the "
            "folder or archive, or give a link to it that has another name."
        )
    if not there:
        raise DataError(
            f"There are no images at {shown(path, LONGEST_PATH)}. "
            f"{did_you_mean(wanted, WORDS)}Give {CHOICES}."
        )
    if not fits:
        raise DataError(
            f"{shown(path, LONGEST_PATH)} has no {layout.SPLITS[0]}/<class>/ folder. {REMEDY}"
        )
    return path


def has_images(path: Path) -> bool:
    """Return False if a folder cannot be a dataset, as a glance at its subfolders shows."""
    if not path.is_dir() or cifar10.is_official(path):
        return True
    inside = [path, *islice((one for one in path.iterdir() if one.is_dir()), MOST_GLANCES)]
    return any((folder / layout.SPLITS[0]).is_dir() for folder in inside)


def among_listed(wanted: str, store: Path, by: Person) -> str:
    """Return the source that a person may use; DataError says the same of all others.

    Nothing is opened, so that no one learns what else is on the machine.
    """
    if wanted in {one.source for one in offered_to(by, store)}:
        return wanted
    if by.may(OPERATOR):  # who may start runs may have images decoded and kept
        if synthetic.is_source(wanted):
            return wanted
        path = roots.inside(wanted)
        if path is not None and path.exists():
            return str(path)
    raise DataError(
        f"'{shown(wanted)}' is not among the images that you may use here. Choose one of the "
        f"list, or ask an admin of this lab to add its folder to ${roots.VARIABLE}."
    )


def offered_to(by: Person, store: Path) -> list["DataStatus"]:
    """Return the sources that a person may choose, the default one first.

    People who may start no runs only see what needs no work: what is decoded, and the usual sets.
    """
    usual = ("synthetic", "cifar10")
    return [
        one for one in status(store)
        if by.may(OPERATOR) or one.decoded or one.default or one.source in usual
    ]  # fmt: skip


def elsewhere(source: str) -> str:
    """Return a source that stands for images that are not on this machine, or may not be used."""
    return ELSEWHERE + Path(source).name


def is_away(source: str) -> bool:
    """Return True if a source stands for images that are not on this machine."""
    return source.startswith((ELSEWHERE, UNSHIPPED))


def not_here(source: str) -> str:
    """Say that a run's images are elsewhere, and what to do."""
    if source.startswith(UNSHIPPED):
        return (
            f"The images '{shown(source.removeprefix(UNSHIPPED))}' are not shipped with this "
            "example. Its network can be asked about pictures of your own."
        )
    name = shown(source.removeprefix(ELSEWHERE))
    return (
        f"The images '{name}' of this run, which was imported, are not available here. On this "
        f"machine itself, import the run again and name them: {PROGRAM} import RUN.zip --data PATH"
    )


def automatic(store: Path) -> str:
    """Return the default source."""
    chosen = os.environ.get("CIFAR_DATA", "").strip()
    if chosen and chosen != "auto":
        try:
            return resolve(chosen, store)
        except DataError as error:
            raise DataError(f"{error} This is the value of $CIFAR_DATA.") from error
    return "cifar10" if cifar10.find(store) else "synthetic"


def load(source: str, store: Path) -> Dataset:
    """Open the images of a resolved source; the first time, they are decoded and kept on disk."""
    if synthetic.is_source(source):
        return synthetic.load(source, store)
    if source == "cifar10":
        official = cifar10.find(store)
        if official is None:
            raise DataError(f"The official CIFAR-10 images are not on this machine. {FETCH}")
        return cifar10.load(official, store, source=source)
    if is_away(source):
        raise DataError(not_here(source))
    path = Path(source)
    roots.refuse_way_out(path)
    if cifar10.is_official(path):
        return cifar10.load(path, store, source=source)
    return folder.load(path, store)


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """One dataset that is, or could be, on this machine."""

    source: str  # value for --data
    kind: str  # "synthetic", "cifar10" or "folder"
    title: str
    where: str
    ready: bool  # a run can start with it now
    decoded: bool  # it is kept decoded, so that a run starts immediately
    default: bool  # 'auto' means this one
    classes: tuple[str, ...] = ()
    train_images: int = 0  # 0 if unknown because it was never decoded
    test_images: int = 0
    megabytes: float = 0.0  # decoded, on disk
    fingerprint: str = ""
    note: str = ""
    origin: str = ""  # who made the images, and their license, if that is known
    split: str = ""  # who or what divided them into training and test images
    action: str = ""  # what to do next, if anything


def status(store: Path) -> list[DataStatus]:
    """List the datasets, the default one first; reads descriptions only, no images."""
    chosen = os.environ.get("CIFAR_DATA", "")
    try:
        default, problem = resolve("auto", store), ""
    except CifarError as error:
        default, problem = chosen, str(error)
    kept = {meta["source"]: meta for meta in decoded(store)}
    found = [*map(str, roots.offered()), *uploads.sources(store)]
    sources = dict.fromkeys([default, "cifar10", *kept, *found, "synthetic"])
    rows = [describe(source, store, kept.get(source, {})) for source in sources]
    first = dataclasses.replace(rows[0], default=True)
    if problem:
        first = dataclasses.replace(first, ready=False, action=problem)
    return [first, *rows[1:]]


def decoded(store: Path) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of the datasets that are kept decoded, the newest last."""
    folders = (path for path in cache_folder(store).glob("*/") if path.suffix != ".building")
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        meta = read_meta(path)
        if meta is not None:
            yield meta


def describe(source: str, store: Path, meta: dict[str, Any]) -> DataStatus:
    """Return the status of one source; `meta` describes its decoded images, if there are any."""
    kind = kind_of(source)
    about = {"title": title_of(source), **KNOWN.get(kind, {}), **meta}
    if kind == "synthetic":
        about["train_images"], about["test_images"] = synthetic.sizes_of(source)
    where, action = locate(source, store)
    return DataStatus(
        source=source,
        kind=kind,
        title=about["title"],
        where=where,
        ready=bool(where),
        decoded=bool(meta),
        default=False,
        classes=tuple(about.get("classes", ())),
        train_images=about.get("train_images", 0),
        test_images=about.get("test_images", 0),
        megabytes=sum(about.get("bytes", {}).values()) / 1e6,
        fingerprint=about.get("fingerprint", ""),
        note=about.get("note", ""),
        origin=about.get("origin", ""),
        split=about.get("split", BY_FOLDER),
        action=action,
    )


def title_of(source: str) -> str:
    """Return the title of a source's images, without opening them."""
    known = KNOWN.get(kind_of(source), {}).get("title")
    return str(known or folder.title(Path(source.removeprefix(ELSEWHERE))))


def kind_of(source: str) -> str:
    """Return the kind of dataset of a source."""
    if synthetic.is_source(source):
        return "synthetic"
    official = source == "cifar10" or cifar10.is_official(Path(source))
    return "cifar10" if official else "folder"


def locate(source: str, store: Path) -> tuple[str, str]:
    """Return the location of a source and "", or "" and what to do if it is missing."""
    if synthetic.is_source(source):
        return "drawn by the program", ""
    if source == "cifar10":
        official = cifar10.find(store)
        return (str(official), "") if official else ("", FETCH)
    if is_away(source):
        return "", not_here(source)
    if is_there(Path(source)):
        return source, ""
    return "", f"{source} no longer exists. Put it back to train on it again."
