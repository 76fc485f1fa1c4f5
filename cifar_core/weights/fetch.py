"""Downloads published weights into the store; goes on where it stopped, checks what came."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cifar_core.disk import lock
from cifar_core.disk.download import TIMEOUT, RemoteFile, download, size_at
from cifar_core.errors import DataError, WeightsError
from cifar_core.weights.catalogue import WEIGHTS, WeightsSpec
from cifar_core.weights.places import WeightsFile, find, folder_of

LIKELY = (0.8, 1.25)  # a file this much smaller or larger than published is another one


def fetch(
    key: str,
    store: Path,
    *,
    url: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = TIMEOUT,
    spec: WeightsSpec | None = None,
) -> WeightsFile:
    """Return the weights, downloaded unless they are on this machine; raises WeightsError.

    `progress` gets the bytes that are there and the bytes in all; `timeout` is in seconds.
    """
    found = find(key, store)
    if found is not None:
        return found
    spec = spec or WEIGHTS[key]
    spec = replace(spec, url=url or spec.url)
    try:
        path = download_locked(spec, folder_of(store), progress, timeout)
    except DataError as error:
        raise WeightsError(str(error)) from error
    found = find(key, store)
    if found is None:
        raise WeightsError(f"{path} came, but is gone or changed again. Try again.")
    return found


def download_locked(
    spec: WeightsSpec, folder: Path, progress: Callable[[int, int], None] | None, timeout: float
) -> Path:
    """Download while no other process does; raises DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(folder / f"{spec.file}.lock", wait=False)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror}). Check the permissions, or choose "
            "another store."
        ) from error
    if descriptor is None:
        raise DataError(f"{spec.file} is being downloaded already. Wait until it is there.")
    try:
        size = likely_size(spec, timeout)
        archive = RemoteFile(url=spec.url, sha256=spec.sha256, bytes=size, name=spec.file)
        return download(archive, folder, progress, timeout=timeout)
    finally:
        os.close(descriptor)


def likely_size(spec: WeightsSpec, timeout: float) -> int:
    """Return the file's bytes as the server says, if that can be the published file."""
    size = size_at(spec.url, spec.file, timeout=timeout)
    least, most = (share * spec.megabytes * 1e6 for share in LIKELY)
    if not least <= size <= most:
        raise DataError(
            f"{spec.url} has {size / 1e6:,.1f} MB, but {spec.file} has about "
            f"{spec.megabytes:,.1f} MB. It is another file or an error page: give the address of "
            "a correct copy."
        )
    return size
