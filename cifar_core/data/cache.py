"""Keeps decoded datasets as memory-mapped arrays, so that the next run starts at once.

One folder per dataset: meta.json and one .npy file per array. It is written under another name and
renamed when complete, under a lock of its own, so that a folder with the right name is always
complete, and no one waits for another dataset.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from cifar_core.data.dataset import SIZE, Dataset, Images
from cifar_core.disk import files, lock
from cifar_core.disk.checks import ClassNames, Text, Texts, Whole
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

FORMAT = 1  # part of every key: raise it when the same source would decode differently
Build = Callable[[], Dataset]
LOOK_SECONDS = 0.2  # between two looks at a lock that another process holds
NEEDED = {"train_pixels", "train_labels", "test_pixels", "test_labels"}


class Left(Struct, frozen=True, kw_only=True):
    """Files that were left out for one reason."""

    why: Text
    number: Whole


class Found(Struct, frozen=True, kw_only=True):
    """What was found out while a source was decoded; of defaults for the sets without files."""

    format: Text = ""  # the key of its entry in FORMATS
    said: Texts = []  # sentences: what was taken as what
    ignored: list[Left] = []
    unreadable: Whole = 0  # pictures that were left out because they could not be decoded
    val_images: Whole = 0  # of the training images, those that the set names as validation
    gray: dict[Text, Whole] = {}  # part -> pictures of one channel
    lossy: Whole = 0  # stored as JPEG
    scaled: Whole = 0  # of another size than the decoded images
    deepest: Whole = 0  # bits that are used of 16; 0 if no file stores 16
    columns: dict[Text, Text] = {}  # of a table of labels: what was taken as what


class MetaShape(Struct, frozen=True, kw_only=True):
    """The entries of meta.json.

    Names that no page can show are of a version that did not refuse them yet.
    """

    kind: Text
    title: Text
    source: Text
    classes: ClassNames
    fingerprint: Text
    note: Text
    train_images: Whole
    test_images: Whole
    bytes: dict[Text, Whole]
    side: Whole = SIZE  # pixels
    origin: Text = ""  # who made the images, and their license, where that is known
    found: Found = Found()


def cached(store: Path, name: str, identity: Any, build: Build) -> Dataset:
    """Open the dataset if it was decoded before, or else build and keep it.

    `identity` is plain data that changes whenever the source does.
    """
    folder = cache_folder(store) / key(name, identity)
    dataset = open_folder(folder)
    if dataset is None:
        with building(folder):
            dataset = open_folder(folder)  # another process may have built it meanwhile
            if dataset is None:
                commit(build(), folder)
                dataset = open_folder(folder)
                drop_older(folder)
    assert dataset is not None
    return dataset


def kept(store: Path, name: str, identity: Any) -> Dataset | None:
    """Open the dataset if it was decoded before; nothing is built."""
    return open_folder(cache_folder(store) / key(name, identity))


def cache_folder(store: Path) -> Path:
    """Return the folder of the decoded datasets."""
    return store / "data" / "cache"


def key(name: str, identity: Any) -> str:
    """Return a folder name that a person recognizes and that differs for other contents."""
    readable = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40]
    digest = hashlib.sha256(json.dumps([FORMAT, identity]).encode()).hexdigest()
    return f"{readable}-{digest[:16]}"


def lock_of(folder: Path) -> Path:
    """Return the file that is locked while a dataset is built."""
    return folder.parent / ".locks" / folder.name


@contextmanager
def building(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until no other process builds this dataset, and hold its lock.

    `waiting` is called now and then meanwhile. The kernel releases the lock when the process dies.
    """
    locks = folder.parent / ".locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        (locks / folder.name).touch()
    except OSError as error:
        raise DataError(
            f"The decoded images could not be kept in {folder.parent}: {reason(error)}. "
            "Choose a store that you may write to with --store or $CIFAR_STORE."
        ) from error
    while (descriptor := lock.take(lock_of(folder), wait=False)) is None:
        waiting()
        time.sleep(LOOK_SECONDS)
    try:
        for unfinished in folder.parent.glob("*.building"):
            if unfinished.stem == folder.name or not lock.is_locked(locks / unfinished.stem):
                shutil.rmtree(unfinished, ignore_errors=True)  # its writer has died
        yield
    finally:
        os.close(descriptor)


def drop_older(folder: Path) -> None:
    """Remove what was decoded from the same source, at the same size, before it changed.

    A run that has it open can still read it: the disk is freed when the last reader closes it.
    """
    mine = read_meta(folder) or {}
    for other in folder.parent.glob("*/"):
        meta = read_meta(other)
        if other.name != folder.name and meta and is_of(meta, mine):
            shutil.rmtree(other, ignore_errors=True)


def is_of(meta: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two descriptions are of one source at one size."""
    return meta["source"] == other.get("source") and side_of(meta) == side_of(other)


def side_of(meta: dict[str, Any]) -> int:
    """Return how many pixels the images have on a side."""
    return int(meta.get("side", SIZE))


def commit(dataset: Dataset, folder: Path) -> None:
    """Write the dataset to a draft folder, flush it to the disk and rename the folder."""
    draft = folder.with_name(folder.name + ".building")
    shutil.rmtree(folder, ignore_errors=True)  # it could not be opened, or we would not be here
    try:
        draft.mkdir(parents=True)
        write(dataset, draft)
        draft.rename(folder)
        files.sync_folder(folder.parent)
    except OSError as error:
        raise DataError(
            f"The decoded images could not be kept in {folder.parent}: {reason(error)}. They need "
            f"{megabytes(dataset):.0f} MB: free some disk space, or choose another store."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def arrays_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """Return every array of a dataset by the name of its file."""
    arrays: dict[str, np.ndarray | None] = {
        "train_pixels": dataset.train.pixels,
        "train_labels": dataset.train.labels,
        "train_kept_back": dataset.train.kept_back,
        "train_masks": dataset.train_masks,
        "test_pixels": dataset.test.pixels,
        "test_labels": dataset.test.labels,
        "test_masks": dataset.test_masks,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def megabytes(dataset: Dataset) -> float:
    """Return the size of a dataset's arrays."""
    return sum(array.nbytes for array in arrays_of(dataset).values()) / 1e6


def write(dataset: Dataset, folder: Path) -> None:
    """Write arrays and description, flushed to the disk."""
    arrays = arrays_of(dataset)
    for name, array in arrays.items():
        save(folder / f"{name}.npy", array)
    describe(dataset, folder, list(arrays))


def save(path: Path, array: np.ndarray) -> None:
    """Write an array, flushed to the disk."""
    np.save(path, array, allow_pickle=False)
    files.sync_file(path)


def describe(dataset: Dataset, folder: Path, arrays: list[str], **more: Any) -> None:
    """Write the description of a dataset whose arrays are in the folder; `more` are entries."""
    meta = {
        "kind": dataset.kind,
        "title": dataset.title,
        "source": dataset.source,
        "classes": list(dataset.classes),
        "fingerprint": dataset.fingerprint,
        "note": dataset.note,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "bytes": {name: (folder / f"{name}.npy").stat().st_size for name in arrays},
        **more,
    }
    files.write_json(folder / "meta.json", meta)


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Read the description of a kept dataset; None if it is missing or incomplete."""
    meta = files.read_json(folder / "meta.json", MetaShape)
    try:
        sizes = {name: (folder / f"{name}.npy").stat().st_size for name in meta["bytes"]}
    except (OSError, KeyError):
        return None
    return meta if sizes == meta["bytes"] and sizes.keys() >= NEEDED else None


def open_folder(folder: Path) -> Dataset | None:
    """Open a kept dataset without reading its pixels; None if it must be built."""
    meta = read_meta(folder)
    if meta is None:
        return None
    try:
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in meta["bytes"]
        }
    except (OSError, ValueError):
        return None
    kept_back = arrays.get("train_kept_back")
    return Dataset(
        kind=meta["kind"],
        title=meta["title"],
        source=meta["source"],
        classes=tuple(meta["classes"]),
        train=Images(
            pixels=arrays["train_pixels"],
            labels=np.array(arrays["train_labels"]),
            kept_back=None if kept_back is None else np.array(kept_back),
        ),
        test=Images(pixels=arrays["test_pixels"], labels=np.array(arrays["test_labels"])),
        fingerprint=meta["fingerprint"],
        note=meta["note"],
        train_masks=arrays.get("train_masks"),
        test_masks=arrays.get("test_masks"),
    )
