"""A small source of pictures in part/class/file, listed without the rules of any format."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_core.data import decoding
from cifar_core.data.contents import PARTS, Contents, Ignored, Item

CLASSES = ("bird", "cat", "dog")


def picture(seed, size=(32, 32), kind="PNG"):
    """Return the bytes of a picture of noise."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def small_set(kind="PNG", *, train=4, test=2, val=0):
    """Return the files of a tiny set by name."""
    counts = {"train": train, "val": val, "test": test}
    names = [
        f"{part}/{label}/{number}.{kind.lower()}"
        for part, count in counts.items() for label in CLASSES for number in range(count)
    ]  # fmt: skip
    return {name: picture(seed, kind=kind) for seed, name in enumerate(names)}


def as_folder(path, files):
    """Write files into a folder."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def items_of(names):
    """Return the pictures with these names, in the order that formats promise."""
    items = [Item(name=n, part=n.split("/")[0], label=n.split("/")[1]) for n in names]
    return tuple(sorted(items, key=lambda i: (PARTS.index(i.part), i.label, i.name)))


def listed(path, options, store):
    """List a folder: everything in part/class/ is a picture, all else is ignored."""
    files = [
        str((Path(top) / name).relative_to(path))
        for top, _, names in os.walk(path) for name in names
    ]  # fmt: skip
    items = items_of([name for name in files if name.count("/") == 2])

    def pictures(wanted):
        for index in sorted(wanted):
            yield index, (path / items[index].name).read_bytes()

    others = tuple(name for name in files if name.count("/") != 2)
    ignored = (Ignored(why="are not pictures", names=others),) if others else ()
    return Contents(
        format="pictures", items=items, classes=tuple(sorted({i.label for i in items})),
        pictures=pictures, said=("Folders are classes.",), ignored=ignored, origin="A friend.",
    )  # fmt: skip


def source(path, tmp_path, open=listed, **more):
    """Return a folder as a source whose store is beside it."""
    return decoding.Source(path=path, store=tmp_path / "store", open=open, **more)
