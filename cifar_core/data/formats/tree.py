"""Pictures in folders or an archive: the format of everything that no other one recognizes."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache, partial
from pathlib import Path

from cifar_core.data.contents import DAMAGED, Contents, PartOfSet, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.layout import refusals, synonyms
from cifar_core.data.layout.class_folders import OUTSIDE, Folder, FolderReading, read_folders
from cifar_core.data.layout.doubled import without_doubles
from cifar_core.data.layout.labeled import Label, Labeled
from cifar_core.data.layout.labels.label_tables import (
    NO_TABLE,
    UNUSED,
    LabelTable,
    by_tables,
    label_tables,
    together,
)
from cifar_core.data.layout.labels.patterns import by_pattern
from cifar_core.data.layout.listing import (
    NOT_PICTURES,
    Listing,
    Place,
    by_place,
    inner,
    list_source,
)
from cifar_core.data.layout.said import sentences
from cifar_core.data.layout.settle import settle
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.entry import ArchiveEntry
from cifar_core.data.sources.limits import MAX_FILE_BYTES, read_at_most, refuse_damage
from cifar_core.errors import DataError

FORMAT_KEY = "pictures"
UNKNOWN = (None, "")


def open_tree(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the pictures of a folder or archive; raises DataError if they do not make a set."""
    listing = list_source(path)
    if not listing.pictures:
        raise refusals.nothing_there(listing)
    reading = read(listing)
    labeled = label(listing, reading, options)
    items, classes = settle(labeled, listing, options, store)
    for why, names in labeled.left_out.items():
        listing.left_out.setdefault(why, []).extend(names)
    for name in listing.tables:
        if name not in labeled.used:
            table = synonyms.ending_of(name) in ("csv", "tsv", "tab")
            listing.leave_out(NO_TABLE if table else NOT_PICTURES, name)
    ignored = listing.ignored()
    places = [listing.pictures[item.name] for item in items]
    return Contents(
        format=FORMAT_KEY,
        items=items,
        classes=classes,
        pictures=partial(pictures, path, places),
        said=sentences(listing, reading, labeled, items, ignored),
        ignored=ignored,
        columns=labeled.columns,
    )


@lru_cache(maxsize=1024)
def as_folder(text: str) -> Folder:
    """Return the names in a path of a folder."""
    return tuple(text.split("/")) if text else ()


def folder_of(name: str) -> Folder:
    """Return the folders of a file."""
    return as_folder(name.rpartition("/")[0])


def read(listing: Listing) -> FolderReading:
    """Read the names of the folders; of two sets that are the same files, only one is taken."""
    reading = read_folders(Counter(map(folder_of, listing.pictures)))
    if reading.twice:
        without_doubles(listing, reading.twice)
        reading = read_folders(Counter(map(folder_of, listing.pictures)))
    return reading


def label(listing: Listing, reading: FolderReading, options: SetOptions) -> Labeled:
    """Return the classes of the pictures: by a pattern if one is given, a table, or folders."""
    if options.pattern:
        return by_pattern(options.pattern, listing, parts_of(listing, reading))
    labeled = by_folders(listing, reading)
    found = label_tables(listing, options)
    tables = together(found)
    asked = bool(options.file_column or options.label_column)
    more = named(tables) > len(labeled.pictures) or len(reading.labels()) == 1
    if tables and (asked or more):
        labeled = by_tables(tables, listing, parts_of(listing, reading))
        leave_out_tables(found, listing, labeled)
        return labeled
    if reading.twice:
        raise refusals.several_sets(listing.path, ["/".join(folder) for folder in reading.twice])
    if reading.alike and synonyms.are_versions(reading.labels()):
        raise refusals.side_by_side(listing.path, sorted(reading.labels()), reading.alike)
    if not labeled.pictures:
        places = {name.rpartition("/")[0] for name in listing.pictures} - {""}
        raise refusals.no_classes(listing, [*listing.pictures], places)
    leave_out_tables(found, listing, labeled)
    return labeled


def leave_out_tables(found: list[LabelTable], listing: Listing, labeled: Labeled) -> None:
    """Leave out the tables of labels that are not used."""
    for name in {one.table.name for one in found} - labeled.used:
        labeled.used.add(name)
        listing.leave_out(UNUSED, name)


def parts_of(listing: Listing, reading: FolderReading) -> dict[str, PartOfSet | None]:
    """Return the part of each picture that its folder means."""
    return {name: reading.found.get(folder_of(name), UNKNOWN)[0] for name in listing.pictures}


def named(tables: list[LabelTable]) -> int:
    """Return how many pictures have a row."""
    return sum(len(table.rows) for table in tables)


def by_folders(listing: Listing, reading: FolderReading) -> Labeled:
    """Label the pictures by their folders."""
    labeled = Labeled()
    known = {folder: Label(*found) for folder, found in reading.found.items() if found[1]}
    for name in listing.pictures:
        folder = folder_of(name)
        if folder in known:
            labeled.pictures[name] = known[folder]
        else:
            labeled.left_out[reading.beside.get(folder, OUTSIDE)].append(name)
    found: dict[str, list[str]] = {}
    for name, part_of_name in reading.parts.items():
        found.setdefault(part_of_name, []).append(name)
    if not found:
        labeled.said.append("Each folder is a class.")
    if reading.alike:
        inside = refusals.listed(reading.alike)
        labeled.said.append(
            f"Each of them has the folders {inside}, whose names are not used: if they are the "
            "classes, give one of the folders around them."
        )
    labeled.folders_of = {part: " and ".join(sorted(names)) for part, names in found.items()}
    return labeled


def pictures(path: Path, places: Sequence[Place], wanted: Set[int]) -> Iterator[tuple[int, Raw]]:
    """Yield the bytes of the wanted pictures; an archive is read once from start to end.

    Files that are larger than a picture may be are cut off, so that no memory is needed for them.
    """
    packed: dict[int, Place] = {}
    with refuse_damage(path):
        for index in sorted(wanted):
            file = places[index].file
            if isinstance(file, int):
                packed[index] = places[index]
                continue
            with open(file, "rb") as opened:  # noqa: PTH123
                data = read_at_most(opened, MAX_FILE_BYTES + 1)
            yield index, data
    for steps, files in by_place(packed).items():
        for number, entry in enumerate(inner(path, steps)):  # to the end, where damage shows
            if number in files:
                data = read_entry(entry)
                yield from ((index, data) for index in files[number])


def read_entry(entry: ArchiveEntry) -> bytes:
    """Return the bytes of a picture in an archive; DAMAGED where others can be read."""
    try:
        return entry.read()
    except DataError as error:
        if entry.alone and isinstance(error.__cause__, (zipfile.BadZipFile, zlib.error)):
            return DAMAGED
        raise


FORMAT = Format(
    key=FORMAT_KEY,
    title="Pictures",
    summary="Picture files in folders or an archive, with their classes in the folders' names, in "
    "a table or in the files' names.",
    recognizes=lambda path: True,
    open=open_tree,
)
