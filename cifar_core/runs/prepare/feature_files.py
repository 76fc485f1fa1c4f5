"""Keeps the features of frozen networks on disk, so that the next run with them starts at once.

features/<key>/
    features.npy   float32 [N, D], written row by row in its final layout
    meta.json      what they were computed from, and how many rows are safely on disk; atomic
    lock           held by the process that computes them; the kernel releases it at its death
"""

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.disk import files, lock, removal
from cifar_core.errors import CifarError

FORMAT = 1  # part of every key: raise it when the same settings would give other features
COMMIT_SECONDS = 10.0  # of work that a killed process loses at most
LIMIT_GIGABYTES = 10.0
LIMIT_VARIABLE = "CIFAR_FEATURES_GB"
WAIT_SECONDS = 0.2
Compute = Callable[[int], Iterator[NDArray[np.float32]]]  # from row `start` on, batch by batch


def limit_bytes() -> float:
    """Return how many bytes all features may take: $CIFAR_FEATURES_GB, or 10 GB."""
    word = os.environ.get(LIMIT_VARIABLE, "")
    try:
        gigabytes = float(word) if word else LIMIT_GIGABYTES
    except ValueError as error:
        raise CifarError(
            f"${LIMIT_VARIABLE} is '{word}', but it must be a number of gigabytes, such as 10."
        ) from error
    return gigabytes * 1e9


@dataclass(frozen=True)
class FeatureFile:
    """The features of one set of images, on disk or to be computed."""

    folder: Path
    rows: int
    width: int
    identity: dict[str, Any]

    @property
    def size(self) -> int:
        """The bytes of the whole array."""
        return 4 * self.rows * self.width

    @property
    def path(self) -> Path:
        """The array's file."""
        return self.folder / "features.npy"

    @property
    def done(self) -> int:
        """How many rows are safely on disk."""
        meta = files.read_json(self.folder / "meta.json")
        done = meta.get("done", 0) if meta.get("rows") == self.rows else 0
        try:
            whole = self.path.stat().st_size >= len(self.header()) + 4 * self.width * done
        except FileNotFoundError:
            return 0
        return int(done) if whole else 0

    def header(self) -> bytes:
        """Return the beginning of the .npy file, which gives shape and format."""
        beginning = io.BytesIO()
        about = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self.width)}
        np.lib.format.write_array_header_1_0(beginning, about)
        return beginning.getvalue()

    def commit(self, done: int) -> None:
        """Record how many rows are safely on disk."""
        files.sync_file(self.path)
        meta = {"rows": self.rows, "width": self.width, "done": done, "used_at": time.time()}
        files.write_json(self.folder / "meta.json", {**meta, "identity": self.identity})

    def open(self) -> NDArray[np.float32]:
        """Return the whole array [N, D] as a memory map, and record this use."""
        self.commit(self.rows)
        # copy-on-write, because torch wants writable memory; nothing is written
        array: NDArray[np.float32] = np.load(self.path, mmap_mode="c", allow_pickle=False)
        return array


def entry(root: Path, identity: Mapping[str, Any], rows: int, width: int) -> FeatureFile:
    """Return the file of the features that the plain values of `identity` describe."""
    described = {"format": FORMAT, "width": width, **identity}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    folder = root / "features" / f"{identity.get('model', 'features')}-{digest[:16]}"
    return FeatureFile(folder, rows, width, described)


def fill(features: FeatureFile, compute: Compute) -> Iterator[int]:
    """Compute the missing features; yield how many rows exist after each batch.

    While another process computes the same, this one waits for it, and takes over if it dies.
    """
    while features.done < features.rows:
        features.folder.mkdir(parents=True, exist_ok=True)
        mine = lock.take(features.folder / "lock", wait=False)
        if mine is None:
            time.sleep(WAIT_SECONDS)
            yield features.done
            continue
        try:
            yield from append(features, compute)
        finally:
            os.close(mine)


def append(features: FeatureFile, compute: Compute) -> Iterator[int]:
    """Append the missing rows, with a commit now and then."""
    start = done = features.done
    features.path.touch()
    with features.path.open("r+b") as file:
        file.write(features.header())
        file.truncate(len(features.header()) + 4 * features.width * start)
        file.seek(0, os.SEEK_END)
        saved_at = time.monotonic()
        try:
            for batch in compute(start):
                file.write(batch.astype("<f4", copy=False).tobytes())
                done += len(batch)
                if time.monotonic() - saved_at > COMMIT_SECONDS:
                    file.flush()
                    features.commit(done)
                    saved_at = time.monotonic()
                yield done
        finally:  # also when the reader stops early, as on a request to stop
            file.flush()
            features.commit(done)


def make_room(root: Path, needed: list[FeatureFile]) -> None:
    """Delete the least recently used features until the needed ones have room."""
    keep = {features.folder for features in needed}
    room = limit_bytes() - sum(features.size for features in needed)
    others = [folder for folder in (root / "features").glob("*") if folder not in keep]
    for folder in sorted(others, key=used_at, reverse=True):
        size = sum(path.stat().st_size for path in folder.iterdir())
        if size <= room:
            room -= size
        elif not lock.is_locked(folder / "lock"):
            with contextlib.suppress(OSError):
                removal.discard(folder)


def used_at(folder: Path) -> float:
    """Return when the features were last used, in unix seconds."""
    return float(files.read_json(folder / "meta.json").get("used_at", 0.0))
