"""Finds the pictures that the cells of a table name, with or without folder and ending."""

from collections.abc import Iterable

from cifar_core.data.contents import PartOfSet
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.listing import clean


class FileNames:
    """The pictures of a source, by everything that a table may call them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.full: dict[str, str] = {}
        self.by_file: dict[str, list[str]] = {}
        self.by_stem: dict[str, list[str]] = {}
        for name in names:
            key = name.casefold()
            file = key.rpartition("/")[2]
            stem = file.rpartition(".")[0] or file
            self.full[key] = name
            self.by_file.setdefault(file, []).append(name)
            self.by_stem.setdefault(stem, []).append(name)
            if stem.isdecimal() and stem != (number := str(int(stem))):
                self.by_stem.setdefault(number, []).append(name)

    def named(self, cell: str, folder: str, part: PartOfSet | None) -> str:
        """Return the picture that a cell names; "" if none, or if it could be several.

        `folder` is the one in which the table lies, `part` the part that its name means.
        """
        key = clean(cell.strip()).casefold()
        if not key:
            return ""
        for whole in (folder.casefold() + key, key):
            if whole in self.full:
                return self.full[whole]
        file = key.rpartition("/")[2]
        found = self.by_file.get(file) or self.by_stem.get(file, [])
        if "/" in key and len(found) > 1:
            found = deepest(found, key)
        if len(found) > 1 and part:
            found = [name for name in found if part in map(synonyms.part_of, name.split("/")[:-1])]
        if len(found) > 1:
            found = [name for name in found if name.casefold().startswith(folder.casefold())]
        return found[0] if len(found) == 1 else ""


def deepest(names: Iterable[str], key: str) -> list[str]:
    """Return the names that share the most folders with a path, from its end on."""
    wanted = key.split("/")[-2::-1]
    shares = {}
    for name in names:
        folders = name.casefold().split("/")[-2::-1]
        pairs = zip(wanted, folders, strict=False)
        shares[name] = next(
            (i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(folders))
        )
    most = max(shares.values(), default=0)
    return [name for name, share in shares.items() if share == most]
