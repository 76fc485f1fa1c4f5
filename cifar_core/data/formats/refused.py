"""Files that hold whole sets in forms that are not read: the sentence says what to do instead."""

from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.holding import holding_of
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import shown
from cifar_core.errors import DataError

INSTEAD = "Store the images as .npz (numpy.savez), as Parquet, or as files in one folder per class."
FORMS = {
    (".tfrecord", ".tfrecords", ".tfrec"): "TFRecord, whose fields only its own program knows",
    (".h5", ".hdf5", ".hdf"): "HDF5",
    (".arrow", ".feather"): "Arrow",
    (".rec", ".lmdb", ".mdb", ".beton"): "a database of another program",
    (".pt", ".pth"): "a file of PyTorch, which may run any program when it is loaded",
}


def recognizes(path: Path) -> bool:
    """Return True if files of such a form are there, and hardly any pictures."""
    return first(path) is not None


def first(path: Path) -> tuple[str, str] | None:
    """Return the name of a file of such a form, and the form; None if there is none."""
    holding = holding_of(path)
    for name in holding.names if holding else ():
        small = name.lower().split(".tfrecord-")[0]  # shards: train.tfrecord-00000-of-00004
        small += ".tfrecord" if ".tfrecord-" in name.lower() else ""
        for endings, form in FORMS.items():
            if small.endswith(endings):
                return name, form
    return None


def refuse(path: Path, options: SetOptions, store: Path) -> Contents:
    """Raise DataError with what to do instead."""
    found = first(path)
    assert found
    raise DataError(f"{path} has {shown(found[0])}, which is {found[1]}. {INSTEAD}")


FORMAT = Format(
    key="refused",
    title="Not read",
    summary="TFRecord, HDF5, Arrow and other forms that need a program of their own.",
    recognizes=recognizes,
    open=refuse,
)
