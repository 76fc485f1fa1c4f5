"""The published sets of images that this lab knows, where they are, and how they are opened."""

import dataclasses
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from cifar_core.data.contents import PARTS, Contents, Ignored, Item, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.options import SetOptions
from cifar_core.data.published import digits, fine_grained, photographs, scenes
from cifar_core.data.published.files import Archive, Files, Folder
from cifar_core.data.published.published_set import Found, PublishedSet
from cifar_core.data.sources import cifar10
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM
from cifar_core.numbers import percent
from cifar_core.registry import Registry

PUBLISHED: Registry[PublishedSet] = Registry(
    "published set", [*photographs.SPECS, *digits.SPECS, *fine_grained.SPECS, *scenes.SPECS]
)
KEY = "published"  # of the format
SEVERAL = 5  # titles named in a sentence


def folder_of(key: str, store: Path) -> Path:
    """Return the folder of the store into which a set is downloaded; it need not exist."""
    return store / "data" / "published" / PUBLISHED[key].folder


def find(key: str, store: Path) -> Path | None:
    """Return the folder, or for CIFAR-10 perhaps the archive, of a set that is here."""
    if key == "cifar10":
        return cifar10.find(store)
    return place(PUBLISHED[key], folder_of(key, store))


def how_to_get(key: str) -> str:
    """Return a sentence about what it takes to have a set that is not on this machine."""
    spec = PUBLISHED[key]
    if spec.by_hand:
        return f"{spec.by_hand} Then name the folder."
    word = "" if key == "cifar10" else f" {key}"
    return f"Download them on the Data page or with: {PROGRAM} data fetch{word}"


def recognized(path: Path) -> list[tuple[PublishedSet, Path]]:
    """Return the sets whose files a path holds, each with the folder or archive of those.

    Only names are compared. Of sets that share their files, the first counts.
    """
    found: dict[str, tuple[PublishedSet, Path]] = {}
    try:
        for spec in PUBLISHED.values():
            where = place(spec, path)
            if where is not None and spec.folder not in found:
                found[spec.folder] = (spec, where)
    except (OSError, ValueError):  # not permitted, or not a path at all
        return []
    return list(found.values())


def recognize(path: Path) -> PublishedSet | None:
    """Return the set whose files a path holds; None if it holds none or several."""
    found = recognized(path)
    return found[0][0] if len(found) == 1 else None


def place(spec: PublishedSet, path: Path) -> Path | None:
    """Return where the files of a set are, at a path or below it; None if they are not there."""
    if path.is_file():
        if spec.archive and path.name in spec.files:
            return path
        marks = {mark for mark in spec.marks if "/" not in mark}
        if path.name.removesuffix(".gz") not in marks and path.name not in marks:
            return None
        path = path.parent
    return next((folder for folder in candidates(spec, path) if is_in(spec, folder)), None)


def candidates(spec: PublishedSet, path: Path) -> Iterator[Path]:
    """Yield the folders that may be those of a set, where a path names one of them or is above."""
    for base in spec.bases:
        steps = Path(base).parts
        for known in range(len(steps), -1, -1):  # how many of them the path itself has
            if path.parts[len(path.parts) - known :] == steps[:known]:
                yield path.joinpath(*steps[known:])


def is_in(spec: PublishedSet, folder: Path) -> bool:
    """Return True if a folder has the marks of a set."""
    return all(
        (folder / mark).exists() or (folder / f"{mark}.gz").exists() for mark in spec.marks
    ) and not any((folder / mark).exists() for mark in spec.absent)


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
    said: tuple[str, ...] = ()
    if not any(item.part == "test" for item in parts.values()):
        parts, said = with_test(parts, source, options, store)
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
        said=said,
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


def with_test(
    items: dict[int, Item], source: str, options: SetOptions, store: Path
) -> tuple[dict[int, Item], tuple[str, ...]]:
    """Return the items with some of every class as test images, and a sentence about that."""
    from cifar_core.data.layout.split_off import split_off

    training = [item for item in items.values() if item.part == "train"]
    test, is_written = split_off(training, options, store, source)
    parts = {
        index: dataclasses.replace(item, part="test") if item.name in test else item
        for index, item in items.items()
    }
    kept = ", and written down" if is_written else ""
    return parts, (
        f"{percent(options.test_share)} of the images of each class were set aside as test "
        f"images, drawn by seed {options.split_seed}{kept}.",
    )


FORMAT = Format(
    key=KEY,
    title="Published sets",
    summary="The files of a set that its authors published, as they or torchvision lay them out.",
    recognizes=lambda path: bool(recognized(path)),
    open=open_published,
)
