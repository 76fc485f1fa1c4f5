"""The formats in which sets of images come, the most particular first.

A new format is one module with a `FORMAT` and one line here.
"""

from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.data.formats import (
    cifar_binary,
    cifar_pickle,
    hugging_face,
    idx,
    mat,
    npz,
    parquet,
    pixel_csv,
    refused,
    stl10,
    tree,
    webdataset,
)
from cifar_core.data.options import SetOptions
from cifar_core.data.published import published
from cifar_core.registry import Registry

FORMATS = Registry(
    "format of images",
    [
        hugging_face.FORMAT,  # a folder of ours, read by one of the others
        published.FORMAT,
        *(idx.FORMAT, cifar_pickle.FORMAT, cifar_binary.FORMAT, stl10.FORMAT),
        webdataset.FORMAT,
        *(npz.FORMAT, mat.FORMAT, parquet.FORMAT, pixel_csv.FORMAT, refused.FORMAT),
        tree.FORMAT,  # recognizes everything
    ],
)


def open_source(path: Path, options: SetOptions, store: Path) -> Contents:
    """List what a folder or file holds, by the first format that recognizes it; raises DataError.

    `store` keeps the split that is drawn where a set has none.
    """
    chosen = next(format for format in FORMATS.values() if format.recognizes(path))
    return chosen.open(path, options, store)
