"""Finds images by what a person calls them, and opens them."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from cifar_core.background.jobs import Report, quietly
from cifar_core.data import decoding, roots
from cifar_core.data.away import is_away, not_here
from cifar_core.data.contents import Contents
from cifar_core.data.dataset import Dataset
from cifar_core.data.hub import names as hub
from cifar_core.data.layout.glance import may_hold_images
from cifar_core.data.layout.split_off import SPLIT
from cifar_core.data.options import SetOptions, folder_of
from cifar_core.data.published import places, published
from cifar_core.data.published.downloads.offered import download_of
from cifar_core.data.published.places import PUBLISHED, keyed
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.data.sources import cifar10, synthetic
from cifar_core.data.sources.archive import REMEDY, shown
from cifar_core.disk.checks import Text, is_a
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError
from cifar_core.registry import did_you_mean

WORDS = ("auto", "synthetic", *PUBLISHED)
CHOICES = "a folder, an archive, 'auto', 'synthetic', or a published set such as cifar10 or mnist"
LONGEST_PATH = 300  # characters of a path in a message
OF_THE_SYSTEM = frozenset(map(Path, ("/proc", "/sys", "/dev")))  # no files, what looks like some


def located(wanted: str, store: Path) -> str:
    """Return the source that a text names, for `load` and for a run's record.

    It is 'synthetic', the key of a published set, a name of the hub or an absolute path. 'auto'
    means $CIFAR_DATA if it is set, or else the official CIFAR-10 if it is on this machine,
    or else the synthetic images. This is for the machine's own user; `permitted.resolve` asks
    what a person may use. Raises DataError.
    """
    wanted = wanted.strip()
    if wanted in ("auto", ""):
        return automatic(store)
    if is_folder_instead(wanted, store):
        return str(existing(wanted))
    return named(wanted, store) or str(existing(wanted))


def is_folder_instead(wanted: str, store: Path) -> bool:
    """Return True if a text names a folder or file, though a published set is called the same.

    A key means the set that is here, as runs record it; CIFAR-10's always means the set.
    """
    key = keyed(wanted)
    if not key or not Path(wanted).exists():
        return False
    return wanted != key or (key != "cifar10" and places.find(key, store) is None)


def downloadable(wanted: str) -> str:
    """Return the source of the set to download that a text names, by key, title or hub name.

    "" if it names none; DataError if it begins like a name of the hub and is none.
    """
    return hub.hub_name(wanted).source if hub.is_hub_name(wanted) else keyed(wanted)


def named(wanted: str, store: Path) -> str:
    """Return a source that has a name of its own, "" if a text names none; raises DataError."""
    if source := downloadable(wanted):
        if download_of(source).find(store) is None:
            raise DataError(absent(source))
        return source
    if synthetic.is_source(wanted) and synthetic.number_of(wanted) > synthetic.MOST:
        raise DataError(
            f"'{wanted}' is more than the program draws: choose at most {synthetic.MOST:,} "
            f"images, as in synthetic:{synthetic.MOST}."
        )
    if is_away(wanted):
        raise DataError(not_here(wanted))
    return wanted if synthetic.is_source(wanted) else ""


def existing(wanted: str) -> Path:
    """Return the absolute path of the images that a person named; DataError says what is wrong."""
    try:
        path = Path(wanted).expanduser().resolve()
        there = path.exists()
        of_system = not OF_THE_SYSTEM.isdisjoint((path, *path.parents))
        fits = of_system or not there or may_hold_images(path)
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
    if path == path.parent:
        raise DataError(
            f"{path} is the root of all files, far more than a set of images. Give the folder that "
            "has the images."
        )
    if of_system:
        raise DataError(
            f"{shown(path, LONGEST_PATH)} is made up by the operating system and holds no images. "
            f"{REMEDY}"
        )
    if not fits:
        raise DataError(
            f"{shown(path, LONGEST_PATH)} has no pictures and no files that hold some. {REMEDY}"
        )
    return path


def absent(source: str) -> str:
    """Say that a set that can be downloaded is not on this machine, and how to get it."""
    wanted = download_of(source)
    return f"{wanted.title} is not on this machine. {wanted.how_to_get}"


def is_downloadable(source: str) -> bool:
    """Return True for the source of a set that can be downloaded, as a run records it."""
    return source in PUBLISHED or hub.is_hub_name(source)


def automatic(store: Path) -> str:
    """Return the default source."""
    chosen = os.environ.get("CIFAR_DATA", "").strip()
    if chosen and chosen != "auto":
        try:
            return located(chosen, store)
        except DataError as error:
            raise DataError(f"{error} This is the value of $CIFAR_DATA.") from error
    return "cifar10" if cifar10.find(store) else "synthetic"


def load(
    source: str,
    store: Path,
    sizing: Sizing = USUAL,
    *,
    thorough: bool = False,
    report: Report = quietly,
) -> Dataset:
    """Open the images of a resolved source; the first time, they are decoded and kept on disk.

    Each size is kept by itself, and has the same pictures in the same order. Files that changed
    are decoded again. A quick check for that may miss a picture that was overwritten in place; a
    `thorough` one looks at every file. `report` is called with how many pictures are decoded, and
    of how many. Raises DataError.
    """
    if synthetic.is_source(source):
        return synthetic.load(source, store, sizing)
    path = files_of(source, store)
    if cifar10.is_official(path):
        return cifar10.load(path, store, sizing, source=source)
    return decoding.load(source_of(source, store, sizing), thorough=thorough, report=report)


def kept(source: str, store: Path, sizing: Sizing = USUAL) -> Dataset | None:
    """Open the images of a resolved source if they are decoded and a quick check finds no change.

    None if they must be decoded first. Raises DataError where that can only fail: nothing is
    there, or they were refused and are still the same.
    """
    if synthetic.is_source(source):
        return synthetic.kept(source, store, sizing)
    path = files_of(source, store)
    if cifar10.is_official(path):
        return cifar10.kept(path, store, sizing, source=source)
    if not path.exists():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    dataset = decoding.kept(source_of(source, store, sizing))
    if dataset is None and (why := refusal_of(source, store)):
        raise DataError(why)
    return dataset


def refusal_of(source: str, store: Path) -> str:
    """Return why a source was refused; empty if it was not, or has changed since."""
    return decoding.refusal_of(source_of(source, store))


def source_of(source: str, store: Path, sizing: Sizing = USUAL) -> decoding.Source:
    """Return the pictures of a resolved source, as they are decoded; raises DataError."""
    found = decoding.Source(path=files_of(source, store), store=store, sizing=sizing)
    if hub.is_hub_name(source):
        return replace(found, named=source)
    if source in PUBLISHED:
        return replace(found, named=source, open=partial(by_key, source))
    return found


def drawn_as(source: str, store: Path) -> str:
    """Return the name under which the draw of a set's test images is kept, "" if none was drawn.

    Raises DataError if the set is not here.
    """
    names = (source, str(files_of(source, store)))
    return next((name for name in names if (folder_of(store, name) / SPLIT).exists()), "")


def by_key(key: str, _path: Path, options: SetOptions, store: Path) -> Contents:
    """List a published set that is here."""
    return published.open_published(key, options, store)


def files_of(source: str, store: Path) -> Path:
    """Return the folder or file that holds a source's images; raises DataError."""
    if is_downloadable(source):
        place = download_of(source).find(store)
        if place is None:
            raise DataError(absent(source))
        return place
    if is_away(source):
        raise DataError(not_here(source))
    path = Path(source)
    roots.refuse_way_out(path)
    return path
