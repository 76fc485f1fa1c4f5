"""Opens the published sets: lists what their files hold, as every format does."""

import dataclasses
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from cifar_core.data.contents import PARTS, Contents, Ignored, Item, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.layout.set_aside import set_aside
from cifar_core.data.options import SetOptions
from cifar_core.data.published.files import Archive, Files, Folder
from cifar_core.data.published.places import PUBLISHED, find, how_to_get, recognized
from cifar_core.data.published.published_set import Found, PublishedSet
from cifar_core.errors import DataError

KEY = "published"  # of the format
SEVERAL = 5  # titles named in a sentence


def open_published(wanted: str | Path, options: SetOptions, store: Path) -> Contents:
    """List a set that is here, by its key or by a path of its files; raises DataError."""
    if isinstance(wanted, str):
        spec, where = PUBLISHED[wanted], find(wanted, store)
        if where is None:
            raise DataError(f"{spec.title} is not on this machine. {how_to_get(wanted)}")
    else:
        spec, where = the_one(wanted)
    if spec.open is not None:
        contents = spec.open(where, options, store, spec.names)
    else:
        contents = from_lists(spec, where, str(wanted), options, store)
    said = (spec.split, *contents.said)
    return dataclasses.replace(
        contents, format=KEY, title=spec.title, origin=spec.origin, said=said
    )


def the_one(path: Path) -> tuple[PublishedSet, Path]:
    """Return the set whose files a path holds, and where; raises DataError if it is not one."""
    found = recognized(path)
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(f"{path} holds none of the published sets that are known here.")
    titles = ", ".join(spec.title for spec, _ in found[:SEVERAL])
    raise DataError(
        f"{path} holds several sets: {titles}. Name the folder of one, such as {found[0][1]}."
    )


def from_lists(
    spec: PublishedSet, where: Path, source: str, options: SetOptions, store: Path
) -> Contents:
    """List a set that is read here, not by another format; raises DataError."""
    assert spec.read is not None
    files = Archive(where, spec.bases, spec.marks) if where.is_file() else Folder(where)
    found = spec.read(files)
    parts, ignored = present(files, found)
    trained = {item.label for item in parts.values() if item.part == "train"}
    classes = tuple(label for label in found.classes if label in trained)
    if len(classes) < 2:
        raise DataError(
            f"{where} has the lists of {spec.title}, but images to train on of "
            f"{len(classes)} of {spec.classes:,} classes. Download the set again, or unpack all "
            "of it."
        )
    parts = {index: item for index, item in parts.items() if item.label in trained}
    whole, said = set_aside(list(parts.values()), options, store, source)
    parts = dict(zip(parts, whole, strict=True))
    numbers = {label: number for number, label in enumerate(classes)}
    order = sorted(parts, key=lambda index: sort_key(parts[index], numbers))

    def pictures(wanted: Set[int]) -> Iterator[tuple[int, Raw]]:
        if found.pictures is not None:
            back = {order[index]: index for index in wanted}
            for index, raw in found.pictures(back.keys()):
                yield back[index], raw
            return
        names = {parts[order[index]].name: index for index in wanted}
        for name, data in files.pictures(names.keys()):
            yield names[name], data

    return Contents(
        format=KEY,
        items=tuple(parts[index] for index in order),
        classes=classes,
        pictures=pictures,
        said=tuple(said),
        ignored=ignored,
    )


def present(files: Files, found: Found) -> tuple[dict[int, Item], tuple[Ignored, ...]]:
    """Return the items whose files are there, by their places, and the names of the others."""
    if found.pictures is not None:
        return dict(enumerate(found.items)), ()
    names, once = set(files.names), {item.name: index for index, item in enumerate(found.items)}
    items = {index: found.items[index] for name, index in once.items() if name in names}
    missing = tuple(sorted(name for name in once if name not in names))
    why = "are in the lists of the set, but are not there"
    return items, (Ignored(why=why, names=missing),) if missing else ()


def sort_key(item: Item, numbers: Mapping[str, int]) -> tuple[int, int, str]:
    """Return what orders items: the part, the class, the name."""
    return PARTS.index(item.part), numbers[item.label], item.name


FORMAT = Format(
    key=KEY,
    title="Published sets",
    summary="The files of a set that its authors published, as they or torchvision lay them out.",
    recognizes=lambda path: bool(recognized(path)),
    open=open_published,
)
