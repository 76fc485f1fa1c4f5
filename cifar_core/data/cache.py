"""Keeps decoded datasets as memory-mapped arrays, so that the next run starts at once.

One folder per dataset: meta.json and one .npy file per array. It is written under another name and
renamed when complete, under a lock of its own, so that a folder with the right name is always
complete, and no one waits for another dataset.
"""

import errno
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.description import describe, read_meta, sizing_of, usual_fingerprint
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.disk import files, lock, space
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

FORMAT = 1  # part of every key: raise it when the same source would decode differently
Build = Callable[[], Dataset]
LOOK_SECONDS = 0.2  # between two looks at a lock that another process holds


def cached(store: Path, name: str, identity: Any, build: Build, sizing: Sizing = USUAL) -> Dataset:
    """Open the dataset if it was decoded before, or else build and keep it.

    `identity` is plain data that changes whenever the source or the size does. `build` returns
    images of `sizing.stored` pixels a side; arrays of it may be in `draft_of` already.
    """
    folder = folder_of(store, name, identity)
    dataset = open_folder(folder)
    if dataset is None:
        with building(folder):
            dataset = open_folder(folder)  # another process may have built it meanwhile
            if dataset is None:
                commit(build, folder, sizing)
                dataset = open_folder(folder)
                drop_older(folder)
    assert dataset is not None
    return dataset


def kept(store: Path, name: str, identity: Any) -> Dataset | None:
    """Open the dataset if it was decoded before; nothing is built."""
    return open_folder(folder_of(store, name, identity))


def folder_of(store: Path, name: str, identity: Any) -> Path:
    """Return the folder in which a dataset is kept, or will be."""
    return cache_folder(store) / key(name, identity)


def draft_of(folder: Path) -> Path:
    """Return the folder in which a dataset is written before it is complete."""
    return folder.with_name(folder.name + ".building")


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
    """Remove what was decoded from the same source before it changed.

    A run that has it open can still read it: the disk is freed when the last reader closes it.
    """
    mine = read_meta(folder) or {}
    for other in folder.parent.glob("*/"):
        meta = read_meta(other)
        if other.name != folder.name and meta and is_older(meta, mine):
            shutil.rmtree(other, ignore_errors=True)


def is_older(meta: dict[str, Any], newest: dict[str, Any]) -> bool:
    """Return whether a description is of the same source as the newest one, and out of date.

    Other sizes stay as long as they are of the same pictures.
    """
    same_pictures = usual_fingerprint(meta) == usual_fingerprint(newest)
    return meta["source"] == newest.get("source") and (
        not same_pictures or sizing_of(meta) == sizing_of(newest)
    )


def commit(build: Build, folder: Path, sizing: Sizing) -> None:
    """Write a dataset to a draft folder, flush it to the disk and rename the folder."""
    draft = draft_of(folder)
    shutil.rmtree(folder, ignore_errors=True)  # it could not be opened, or we would not be here
    needed = ""
    try:
        dataset = build()
        needed = f"They need {megabytes(dataset):.0f} MB: free"
        draft.mkdir(parents=True, exist_ok=True)
        write(dataset, draft, sizing)
        draft.rename(folder)
        files.sync_folder(folder.parent)
    except OSError as error:
        raise DataError(
            f"The decoded images could not be kept in {folder.parent}: {reason(error)}. "
            f"{needed or 'Free'} some disk space, or choose another store."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def reserved(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a new array in a file whose room on the disk is taken now; raises OSError.

    Where it was not, a disk that is full later would end the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if space.free_bytes(path.parent) < math.prod(shape) * np.dtype(dtype).itemsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def arrays_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """Return every array of a dataset by the name of its file."""
    arrays: dict[str, np.ndarray | None] = {
        "train_pixels": dataset.train.kept,
        "train_labels": dataset.train.labels,
        "train_kept_back": dataset.train.kept_back,
        "train_masks": dataset.train_masks,
        "test_pixels": dataset.test.kept,
        "test_labels": dataset.test.labels,
        "test_masks": dataset.test_masks,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def megabytes(dataset: Dataset) -> float:
    """Return the size of a dataset's arrays."""
    return sum(array.nbytes for array in arrays_of(dataset).values()) / 1e6


def write(dataset: Dataset, folder: Path, sizing: Sizing) -> None:
    """Write arrays and description, flushed to the disk."""
    arrays = arrays_of(dataset)
    for name, array in arrays.items():
        save(folder / f"{name}.npy", array)
    describe(dataset, folder, list(arrays), sizing)


def save(path: Path, array: np.ndarray) -> None:
    """Write an array, flushed to the disk; one that is in the file already is only flushed."""
    if isinstance(array, np.memmap) and Path(array.filename or "") == path.resolve():
        array.flush()
    else:
        np.save(path, array, allow_pickle=False)
    files.sync_file(path)


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
    sizing = sizing_of(meta)
    train_masks, test_masks = (
        sizing.centers(arrays[name]) if name in arrays else None
        for name in ("train_masks", "test_masks")
    )
    return Dataset(
        kind=meta["kind"],
        title=meta["title"],
        source=meta["source"],
        classes=tuple(meta["classes"]),
        train=Images(
            pixels=sizing.centers(arrays["train_pixels"]),
            labels=np.array(arrays["train_labels"]),
            kept_back=None if kept_back is None else np.array(kept_back),
            wider=arrays["train_pixels"] if sizing.is_wider else None,
        ),
        test=Images(
            pixels=sizing.centers(arrays["test_pixels"]),
            labels=np.array(arrays["test_labels"]),
            wider=arrays["test_pixels"] if sizing.is_wider else None,
        ),
        fingerprint=meta["fingerprint"],
        note=meta["note"],
        train_masks=train_masks,
        test_masks=test_masks,
        fingerprint_at_32=meta.get("fingerprint_at_32", ""),
    )
