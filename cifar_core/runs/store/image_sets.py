"""Sets of images as things of a store: renamed, read differently, removed and restored.

Nothing of a folder or archive that lies elsewhere is ever deleted. Removing a set hides it and
deletes its decoded copy, which can be made again. Files that the store itself has, because they
were uploaded or downloaded, move to data/trash/, from where they are restored.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from cifar_core.data.cache import cache_folder
from cifar_core.data.decoding import reading_of, refusals
from cifar_core.data.decoding.draft import ENDING
from cifar_core.data.description import read_meta
from cifar_core.data.find import drawn_as, located
from cifar_core.data.hub.names import is_hub_name
from cifar_core.data.hub.names import place as hub_place
from cifar_core.data.layout.near import keep_near
from cifar_core.data.listing import kind_of, locate, title_of
from cifar_core.data.options import SetOptions, folder_of, keep_options, options_of
from cifar_core.data.published import places
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.uploads import sets as uploads
from cifar_core.disk import files, removal, space
from cifar_core.disk.files import is_there
from cifar_core.disk.os_errors import reason
from cifar_core.errors import CifarError, DataError
from cifar_core.numbers import counted
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store import sweep_files
from cifar_core.runs.store.store import Store

LONGEST_TITLE = 80  # characters
OWN = ("uploads", "published")  # folders of the store's data/ with files of its own
USUAL = ("synthetic", "cifar10")  # kinds that are always offered


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A set that was removed and can be restored."""

    source: str
    title: str
    at: float  # unix seconds


def rename(store: Store, source: str, title: str) -> None:
    """Give a set another title; an empty one is the title that it had at first."""
    title = " ".join(title.split())[:LONGEST_TITLE]
    was = title_of(source, store.root)
    with store.action(
        "rename it", "renamed the images", was, owner=owner_of(store, source)
    ) as line:
        options = options_of(store.root, source)
        line.skip = title == options.title
        if not line.skip:
            keep_options(store.root, source, replace(options, title=title))


def decide(store: Store, source: str, options: SetOptions) -> None:
    """Keep how a set is to be read; it is decoded again when it is opened next."""
    title = title_of(source, store.root)
    with store.action(
        "change how it is read", "changed how to read", title, owner=owner_of(store, source)
    ) as line:
        refuse_use(store, source, "read it in another way")
        line.skip = options == options_of(store.root, source)
        if not line.skip:
            keep_options(store.root, source, options)


def keep_together(store: Store, source: str, groups: Mapping[str, str]) -> None:
    """Draw the test images of a set again, with the pictures of a group all in one part.

    `groups` has the group of each picture by its name. The set is read again.
    """
    title, drawn = title_of(source, store.root), drawn_as(source, store.root)
    with store.action(
        "divide it again", "divided again", title, owner=owner_of(store, source)
    ) as line:
        refuse_use(store, source, "divide it again")
        line.skip = not drawn
        if drawn:
            keep_near(store.root, drawn, groups)
            options = options_of(store.root, source)
            keep_options(store.root, source, replace(options, keep_together=True))
            forget(store, source)


def confirm(store: Store, source: str) -> None:
    """Keep that a person has seen where the classes of a set come from; nothing is read again."""
    title = title_of(source, store.root)
    with store.action(
        "confirm how it is read", "confirmed how to read", title, owner=owner_of(store, source)
    ):
        options = options_of(store.root, source)
        keep_options(store.root, source, replace(options, confirmed=True))


def read_again(store: Store, source: str) -> None:
    """Delete the decoded copy of a set, so that it is read again when it is opened next."""
    title = title_of(source, store.root)
    with store.action("read it again", "had read again", title, owner=owner_of(store, source)):
        refuse_use(store, source, "read it again")
        forget(store, source)


def remove(store: Store, source: str) -> None:
    """Hide a set and delete its decoded copy; files of the store's own move to the trash.

    Raises DataError if it is one of the usual sets, the default, or in use by a run.
    """
    title = title_of(source, store.root)
    if kind_of(source) in USUAL:
        raise DataError(f"{title} is part of the program and cannot be removed.")
    if is_default(store, source):
        raise InUseError(
            f"{title} is what runs use by default, because $CIFAR_DATA names it. Change that "
            "first, then remove it."
        )
    with (
        store.action("remove it", "removed the images", title, owner=owner_of(store, source)),
        explained(source),
    ):
        refuse_use(store, source, "remove it")
        space.release_reserve(store.root)
        if (mine := own_files(store, source)) is not None and mine.exists():
            kept = trash_of(store, source)
            kept.parent.mkdir(parents=True, exist_ok=True)
            if kept.exists():  # of an earlier set of the same name
                removal.discard(kept)
            mine.rename(kept)
        options = options_of(store.root, source)
        keep_options(store.root, source, replace(options, removed=True))
        forget(store, source)


def is_default(store: Store, source: str) -> bool:
    """Whether runs use a set unless they name another."""
    try:
        return located("auto", store.root) == source
    except CifarError:  # $CIFAR_DATA names what is not there
        return False


def restore(store: Store, source: str) -> None:
    """Show a removed set again, with the files that were moved to the trash."""
    title = title_of(source, store.root)
    with (
        store.action("restore it", "restored the images", title, owner=owner_of(store, source)),
        explained(source),
    ):
        kept, mine = trash_of(store, source), own_files(store, source)
        if mine is not None and kept.exists():
            if mine.exists():
                raise DataError(
                    f"There are images at {mine} again, so {title} cannot be put back there. "
                    "Remove those first."
                )
            mine.parent.mkdir(parents=True, exist_ok=True)
            kept.rename(mine)
        options = options_of(store.root, source)
        keep_options(store.root, source, replace(options, removed=False))


def removed(store: Store) -> list[Removed]:
    """List the removed sets whose files are still there, the one removed last first."""
    found = []
    for path in (store.root / "data" / "sets").glob("*/options.json"):
        source = files.read_json(path).get("source")
        if not isinstance(source, str) or not options_of(store.root, source).removed:
            continue
        if is_there(trash_of(store, source)) or locate(source, store.root)[0]:
            title = title_of(source, store.root)
            found.append(Removed(source=source, title=title, at=path.stat().st_mtime))
    return sorted(found, key=lambda one: one.at, reverse=True)


def refuse_use(store: Store, source: str, act: str) -> None:
    """Raise InUseError if a run, a search that may propose one, or a reading uses a set."""
    if reading_of(store.root, source) is not None:
        raise InUseError(
            f"{title_of(source, store.root)} is being read now. Wait until that ends, or cancel "
            f"it, then {act}."
        )
    using = [
        f"#{row.number}"
        for row in store.index.rows()
        if row.settings.get("data") == source and is_under_way(row.state, row.reason)
    ]
    searches = [
        f"the search {sweep.name or sweep.id}"
        for sweep in sweep_files.listed(store.root)
        if sweep.is_active and sweep.base.get("data") == source
    ]
    if using or searches:
        names = ", ".join([*using[:3], *searches[:2]])
        runs = counted(len(using), "run") if using else counted(len(searches), "search")
        verb = "uses" if len(using or searches) == 1 else "use"
        raise InUseError(
            f"{runs} {verb} {title_of(source, store.root)} now ({names}). Wait until that ends, or "
            f"stop it, then {act}."
        )


class InUseError(DataError):
    """A set of images is in use, so that it can be neither removed nor read in another way."""


def forget(store: Store, source: str) -> None:
    """Delete what was decoded from a set at any size; a process that has it open can still read it.

    One that was refused is tried again.
    """
    refusals.forget(store.root, source)
    for folder in cache_folder(store.root).glob("*/"):
        meta = read_meta(folder)
        if meta is not None and meta["source"] == source:
            removal.discard(folder)
    for begun in cache_folder(store.root).glob(f"{folder_of(store.root, source).name}*{ENDING}"):
        removal.discard(begun)


def own_files(store: Store, source: str) -> Path | None:
    """Return the folder or file in the store that holds a set; None if it lies elsewhere."""
    if is_hub_name(source):
        return hub_place(source, store.root)
    if source in PUBLISHED:
        return published_files(store, source)
    data = (store.root / "data").resolve()
    path = Path(source)
    for name in OWN:
        home = data / name
        if path.is_absolute() and path.is_relative_to(home) and path != home:
            return home / path.relative_to(home).parts[0]
    return None


def published_files(store: Store, key: str) -> Path | None:
    """Return the folder of a published set, here or not; None if other sets have the same."""
    folder = places.folder_of(key, store.root)
    sharing = [spec for spec in PUBLISHED.values() if spec.folder == folder.name]
    return folder if len(sharing) == 1 else None


def owner_of(store: Store, source: str) -> str:
    """Return who uploaded a set, and may change it with the admins; "" if anyone may."""
    record = record_of(store, source)
    known = files.read_if_there(record, uploads.UploadedSet) if record else None
    return known.owner if known else ""


def record_of(store: Store, source: str) -> Path | None:
    """Return the file with what is known of an upload; None for other sources."""
    home = (store.root / "data" / "uploads").resolve()
    path = Path(source)
    if not path.is_absolute() or not path.is_relative_to(home) or path == home:
        return None
    return home / uploads.RECORDS / f"{path.relative_to(home).parts[0]}.json"


def trash_of(store: Store, source: str) -> Path:
    """Return where the files of a removed set are kept."""
    return store.root / "data" / "trash" / folder_of(store.root, source).name


def old_trash(store: Store, now: float, seconds: float) -> Iterator[Path]:
    """Yield the files of sets that were removed more than this many seconds ago, and the rest."""
    kept = {trash_of(store, one.source): one for one in removed(store)}
    for path in (store.root / "data" / "trash").glob("*"):
        one = kept.get(path)
        if one is None or now - one.at > seconds:
            yield path
        if one is not None and now - one.at > seconds:  # a new set of the name begins without it
            yield from others_of(store, one.source)


def others_of(store: Store, source: str) -> Iterator[Path]:
    """Yield what is known and was decided of a set whose files are deleted."""
    yield folder_of(store.root, source)
    record = record_of(store, source)
    if record is not None and is_there(record):
        yield record


@contextlib.contextmanager
def explained(source: str) -> Iterator[None]:
    """Raise a DataError that says why the files of a set could not be moved."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The files of {Path(source).name} could not be moved: {reason(error)}. Check who "
            "owns them, then try again."
        ) from error
