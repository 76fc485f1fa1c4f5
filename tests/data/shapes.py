"""Sets of images as people have them, made of names: {name: bytes}, or a list of names."""

import io
import os
import tarfile
import zipfile
from collections import Counter

from PIL import Image

from cifar_core.data.formats.tree import open_tree
from cifar_core.data.options import SetOptions


def png(side=2):
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, "PNG")
    return file.getvalue()


PNG = png()


def each(folders, count=5, ending="png"):
    """Name pictures in folders: '{cat,dog}' stands for several."""
    return [
        f"{folder}/{i}.{ending}" for one in folders for folder in spread(one) for i in range(count)
    ]


def spread(text):
    """Return the texts that braces stand for."""
    before, brace, rest = text.partition("{")
    if not brace:
        return [text]
    inside, _, after = rest.partition("}")
    return [before + one + end for one in inside.split(",") for end in spread(after)]


def as_files(shape):
    return shape if isinstance(shape, dict) else dict.fromkeys(shape, PNG)


def make(folder, *shapes):
    """Write files into a folder; a name that ends with a slash is an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for shape in shapes:
        for name, data in as_files(shape).items():
            path = folder / name
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def zipped(path, shape):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in as_files(shape).items():
            info = zipfile.ZipInfo("x")
            info.filename = name  # unchanged, with its backslashes
            archive.writestr(info, data)
    return path


def tarred(path, shape, *more, kind="w:gz"):
    with tarfile.open(path, kind) as archive:
        for name, data in as_files(shape).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return path


def opened(path, store=None, **options):
    return open_tree(path, SetOptions(**options), store or path.parent / "store")


def counts(contents):
    """Return the number of items of each part."""
    return dict(Counter(item.part for item in contents.items))


def of_class(contents, label):
    return dict(Counter(item.part for item in contents.items if item.label == label))


def text(contents):
    return " ".join(contents.said)


def is_root():
    return os.geteuid() == 0
