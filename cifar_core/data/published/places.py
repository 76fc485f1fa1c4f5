"""Where the published sets are: in the store, or at a path that a person names."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cifar_core.data.published.entries import digits, fine_grained, photographs, scenes
from cifar_core.data.published.published_set import PublishedSet
from cifar_core.data.sources import cifar10
from cifar_core.installation import PROGRAM
from cifar_core.registry import Registry

PUBLISHED: Registry[PublishedSet] = Registry(
    "published set", [*photographs.SPECS, *digits.SPECS, *fine_grained.SPECS, *scenes.SPECS]
)
PACKED = ("-ubyte", "-int")  # files of these endings may have .gz after them


def folder_of(key: str, store: Path) -> Path:
    """Return the folder of the store into which a set is downloaded; it need not exist."""
    return store / "data" / "published" / PUBLISHED[key].folder


def find(key: str, store: Path) -> Path | None:
    """Return the folder, or for CIFAR-10 perhaps the archive, of a set that is here."""
    if key == "cifar10":
        return cifar10.find(store)
    return place(PUBLISHED[key], folder_of(key, store))


def keyed(word: str) -> str:
    """Return the key of the set that a person names by key or title, "" if there is none."""
    return "" if "/" in word else by_words().get(plain(word), "")


def plain(word: str) -> str:
    """Return a name without capitals, spaces and signs: CIFAR-100 and cifar100 are the same."""
    return "".join(letter for letter in word.lower() if letter.isalnum())


@cache
def by_words() -> dict[str, str]:
    """Return the keys of the sets by their keys and titles, both plain."""
    words = {plain(spec.title): key for key, spec in PUBLISHED.items()}
    return words | {plain(key): key for key in PUBLISHED}


def how_to_get(key: str) -> str:
    """Return a sentence about what it takes to have a set that is not on this machine."""
    spec = PUBLISHED[key]
    if spec.by_hand:
        return f"{spec.by_hand} Then name that folder."
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
    text = str(path)
    return next((Path(one) for one in candidates(spec, text) if is_in(spec, one)), None)


def candidates(spec: PublishedSet, path: str) -> Iterator[str]:
    """Yield the folders that may be those of a set, where a path names one of them or is above.

    Texts, not paths: this is done for every set of a list.
    """
    parts = Path(path).parts
    for base in spec.bases:
        steps = tuple(base.split("/")) if base else ()
        for known in range(len(steps), -1, -1):  # how many of them the path itself has
            if parts[len(parts) - known :] == steps[:known]:
                yield os.path.join(path, *steps[known:])  # noqa: PTH118


def is_in(spec: PublishedSet, folder: str) -> bool:
    """Return True if a folder has the marks of a set; MNIST's files may be packed."""
    return all(has(folder, mark) for mark in spec.marks) and not any(
        has(folder, mark) for mark in spec.absent
    )


def has(folder: str, mark: str) -> bool:
    """Return True if a folder has a file or folder of a name."""
    path = f"{folder}/{mark}"
    packed = mark.endswith(PACKED) and os.path.exists(f"{path}.gz")  # noqa: PTH110
    return packed or os.path.exists(path)  # noqa: PTH110
