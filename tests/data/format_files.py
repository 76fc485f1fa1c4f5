"""Files that hold whole sets, made for the tests of their formats."""

import contextlib
import gzip
import io
import struct
import tarfile
import zipfile
from collections import Counter

import numpy as np

from cifar_core.data.formats.formats import FORMATS
from cifar_core.data.options import SetOptions
from cifar_core.errors import DataError


def pictures(count, side=6, channels=0, seed=0):
    """Random pictures, uint8 [N, side, side] or [N, side, side, channels]."""
    shape = (count, side, side, channels) if channels else (count, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def labels(count, classes=3):
    return np.arange(count) % classes


def opened(path, tmp_path, **options):
    """What a source holds, by its format; published sets are opened by these formats too."""
    return FORMATS[key_of(path)].open(path, SetOptions(**options), tmp_path / "store")


def key_of(path):
    others = (each for each in FORMATS.values() if each.key != "published")
    return next(each.key for each in others if each.recognizes(path))


def counts(contents):
    return dict(Counter(item.part for item in contents.items))


def by_name(contents, wanted=None):
    """The raw form of each picture by its name."""
    wanted = set(range(len(contents.items))) if wanted is None else wanted
    found = dict(contents.pictures(wanted))
    assert set(found) == wanted
    return {contents.items[index].name: raw for index, raw in found.items()}


def idx(array):
    """An array as an idx file of bytes."""
    header = struct.pack(">HBB" + "I" * array.ndim, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def packed(path, files):
    """An archive of files, tar.gz or zip by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def saved(**arrays):
    """The bytes of a .npz."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def refuses_or_reads(path, tmp_path):
    """Open and read a source; only DataError may be raised."""
    with contextlib.suppress(DataError):
        contents = opened(path, tmp_path)
        for _ in contents.pictures(set(range(len(contents.items)))):
            pass


gz = gzip.compress
