"""Pictures in folders or an archive: the format of everything that no other one recognizes."""

from pathlib import Path

from cifar_core.data.contents import PARTS, Contents, Item
from cifar_core.data.formats.format import Format
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import entries
from cifar_core.data.sources.layout import located


def open_tree(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the pictures of a folder or archive."""
    found = list(located(path, entries(path)))
    items, seen = [], set()
    for _, location in found:
        if location.file:
            name = "/".join((location.split, location.label, location.file))
            items.append(Item(name=name, part=location.split, label=location.label))  # type: ignore[arg-type]
            seen.add(location.top)
    items.sort(key=lambda item: (PARTS.index(item.part), item.label, item.name))
    index = {item.name: number for number, item in enumerate(items)}

    def pictures(wanted):  # type: ignore[no-untyped-def]
        for entry, location in located(path, entries(path)):
            name = "/".join((location.split, location.label, location.file))
            if location.file and index[name] in wanted:
                yield index[name], entry.read()

    classes = tuple(sorted({item.label for item in items}))
    return Contents(format="pictures", items=tuple(items), classes=classes, pictures=pictures)


FORMAT = Format(
    key="pictures",
    title="Pictures",
    summary="Picture files in folders or an archive, with their classes in the folders' names, in "
    "a table or in the files' names.",
    recognizes=lambda path: True,
    open=open_tree,
)
