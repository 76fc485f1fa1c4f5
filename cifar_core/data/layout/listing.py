"""Lists the files of a source by what their names say they are; nothing is decoded."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cifar_core.data.contents import Ignored
from cifar_core.data.layout import synonyms
from cifar_core.data.sources.archive import entries, entries_of
from cifar_core.data.sources.entry import TOO_LARGE, ArchiveEntry
from cifar_core.data.sources.limits import MAX_NAME, MAX_TOTAL_BYTES

MOST_TABLE_BYTES = 32 * 2**20  # of one table of labels
MOST_TABLES = 20  # read per source, of each ending
MOST_LINKS = 1000  # to folders, in an archive
CONTROLS = dict.fromkeys((*range(32), 127), "?")  # no page and no list could show them
LEFT_BEHIND = "were left behind by file managers and other programs"
HIDDEN = "are hidden"
NOT_PICTURES = "are not pictures"
NOT_OPENED = "are drawings, documents or camera files, which are not opened"
UNOPENED = "are archives that were not opened"
LONG_NAME = f"have names of more than {MAX_NAME:,} characters"
AGAIN = "come again later under the same name, as in an archive that was added to"
STRAY_LINK = "are links to files that are not pictures of the archive"
TABLE = "table"  # kinds of files that are no reason to leave them out
PICTURE = "picture"
ARCHIVE = "archive"
UNSURE = "unsure"


Steps = tuple[str | int, ...]  # a path in a folder, or numbers of entries of archives


class Place(NamedTuple):
    """Where the bytes of a file are."""

    archive: Steps  # () for the source itself; else the way to the archive in it
    file: str | int  # the path of a file; or the number of an entry of an archive, from 0


@dataclass(kw_only=True)
class Listing:
    """The files of a source; names are readable, composed (NFC), and have forward slashes."""

    path: Path
    pictures: dict[str, Place] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    tables: dict[str, bytes] = field(default_factory=dict)  # small files that may give labels
    archives: dict[str, Place] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # reason -> names

    def leave_out(self, why: str, name: str) -> None:
        """Note a file that is not used."""
        self.left_out.setdefault(why, []).append(name)

    def ignored(self) -> tuple[Ignored, ...]:
        """Return the files that were left out, the most frequent reason first."""
        found = sorted(self.left_out.items(), key=lambda one: -len(one[1]))
        return tuple(Ignored(why=why, names=tuple(sorted(names))) for why, names in found if names)

    def files(self) -> int:
        """Return the number of files of any kind."""
        others = sum(map(len, self.left_out.values()))
        return len(self.pictures) + len(self.tables) + len(self.archives) + others


def list_source(path: Path) -> Listing:
    """List a folder or archive; where it holds only archives, what they hold; raises DataError.

    A single archive stands for the folder around it. Several are like folders of their names, so
    that train.zip and test.zip are parts.
    """
    listing = Listing(path=path)
    add_all(listing, entries(path), steps=(), is_folder=path.is_dir())
    levels = 1 + path.is_dir()
    while listing.archives and not listing.pictures and levels:
        archives, listing.archives = listing.archives, {}
        levels -= 1
        for name, place in sorted(archives.items()):
            prefix = "" if len(archives) == 1 else stem_of(name) + "/"
            steps = (*place.archive, place.file)
            add_all(listing, inner(path, steps), prefix=prefix, steps=steps)
    for name in listing.archives:
        listing.leave_out(UNOPENED, name)
    return listing


def stem_of(name: str) -> str:
    """Return an archive's name without its ending."""
    return re.sub(r"(\.tar)?\.[^./]+$", "", name)


def inner(path: Path, steps: Steps) -> Iterator[ArchiveEntry]:
    """Yield the entries of a source, or of an archive that lies in it; raises DataError."""
    if not steps:
        yield from entries(path)
    elif isinstance(steps[-1], str):
        yield from entries(Path(steps[-1]))
    else:
        for number, entry in enumerate(inner(path, steps[:-1])):
            if number == steps[-1]:
                with entry.open() as file:
                    yield from entries_of(path / entry.name, file, MAX_TOTAL_BYTES)
                return


def add_all(
    listing: Listing,
    found: Iterator[ArchiveEntry],
    *,
    steps: Steps,
    is_folder: bool = False,
    prefix: str = "",
) -> None:
    """Add the files of a folder or archive; `prefix` goes before their names."""
    links: dict[str, str] = {}
    for number, entry in enumerate(found):
        name = prefix + clean(entry.name)
        if len(name) > MAX_NAME:
            listing.leave_out(LONG_NAME, name[:80] + "...")
        elif entry.link:
            links[name] = prefix + clean(entry.link)
        elif entry.is_folder:
            if not junk_in(name):
                listing.folders.add(name)
        else:
            add(listing, name, entry, Place(steps, entry.place if is_folder else number))
    follow(listing, links)


def clean(name: str) -> str:
    """Return a name as it is shown and kept: readable, composed, with forward slashes."""
    if not name.isascii():
        data = name.encode("utf-8", "surrogateescape")
        try:
            name = data.decode("utf-8")
        except UnicodeDecodeError:  # of an older system, most often in Western Europe
            name = data.decode("cp1252", "replace")
        name = synonyms.composed(name)
    if "\\" in name or "//" in name or name.startswith(("./", "/")) or name.endswith("/"):
        parts = name.replace("\\", "/").split("/")
        name = "/".join(part for part in parts if part not in ("", "."))
    return name if name.isprintable() else name.translate(CONTROLS)


def add(listing: Listing, name: str, entry: ArchiveEntry, place: Place) -> None:
    """Add a file to the pictures, tables or archives, or leave it out with a reason."""
    kind = kind_of(name)
    if entry.why and not (kind == ARCHIVE and entry.why == TOO_LARGE):
        kind = entry.why
    if kind == UNSURE:
        kind = PICTURE if synonyms.is_picture_start(entry.start(16)) else NOT_PICTURES
    if kind == PICTURE:
        name = once(listing, name, is_folder=isinstance(place.file, str))
        listing.pictures[name] = place
    elif kind == TABLE and may_read(listing, name):
        data = entry.start(MOST_TABLE_BYTES + 1)
        if len(data) <= MOST_TABLE_BYTES:
            listing.tables[name] = data
        else:
            listing.leave_out(NOT_PICTURES, name)
    elif kind == ARCHIVE:
        listing.archives[name] = place
    else:
        listing.leave_out(NOT_PICTURES if kind == TABLE else kind, name)


def may_read(listing: Listing, name: str) -> bool:
    """Return True if not too many tables of this ending were read: each picture may have one."""
    ending = synonyms.ending_of(name)
    return sum(synonyms.ending_of(other) == ending for other in listing.tables) < MOST_TABLES


def once(listing: Listing, name: str, *, is_folder: bool) -> str:
    """Return a name that no other picture has.

    Of two entries of an archive with one name the later one counts, as when it is unpacked.
    """
    if name in listing.pictures and not is_folder:
        listing.leave_out(AGAIN, name)
        return name
    free, number = name, 2
    while free in listing.pictures:  # names that differ only in their bytes
        free, number = f"{name} ({number})", number + 1
    return free


def kind_of(name: str) -> str:
    """Return what a file is by its name: one of the kinds, or the reason why it is left out."""
    folder, _, file = name.rpartition("/")
    ending = synonyms.ending_of(file)
    if junk_in(folder):
        return LEFT_BEHIND
    if ending in synonyms.PICTURES and not file.startswith((".", "~")):
        return PICTURE
    if synonyms.is_junk(file):
        return LEFT_BEHIND
    if file.startswith("."):
        return HIDDEN
    if ending in synonyms.TABLES:
        return TABLE
    if ending in synonyms.ARCHIVES or file.lower().endswith((".tar.gz", ".tar.bz2", ".tar.xz")):
        return ARCHIVE
    if ending in synonyms.PACKED:
        return UNOPENED
    if ending in synonyms.NOT_OPENED:
        return NOT_OPENED
    foreign = ending in synonyms.FOREIGN or file.casefold() in synonyms.FOREIGN_NAMES
    return NOT_PICTURES if foreign else UNSURE


@lru_cache(maxsize=1024)
def junk_in(folder: str) -> bool:
    """Return True if a folder, or one around it, was left behind by a program."""
    return any(map(synonyms.is_junk, folder.split("/")))


def follow(listing: Listing, links: Mapping[str, str]) -> None:
    """Add the links of an archive as the files and folders that they stand for."""
    left = MOST_LINKS
    for name, target in links.items():
        if target in listing.pictures and kind_of(name) in (PICTURE, UNSURE):
            listing.pictures.setdefault(name, listing.pictures[target])
            continue
        inside = target + "/"
        if left and target in listing.folders and not name.startswith(inside):
            left -= 1
            for file, place in list(listing.pictures.items()):
                if file.startswith(inside):
                    listing.pictures.setdefault(f"{name}/{file[len(inside) :]}", place)
        else:
            listing.leave_out(STRAY_LINK, name)


def by_place(places: Mapping[int, Place]) -> dict[Steps, dict[str | int, list[int]]]:
    """Return the pictures by archive and by file; several may stand for one file."""
    found: dict[Steps, dict[str | int, list[int]]] = {}
    for index, place in places.items():
        found.setdefault(place.archive, {}).setdefault(place.file, []).append(index)
    return found
