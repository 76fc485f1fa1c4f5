"""Downloads published weights into the store; resumes where it stopped, and verifies the file."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cifar_core.disk import lock
from cifar_core.disk.download import TIMEOUT, RemoteFile, download, size_at
from cifar_core.disk.files import sha256_of, write_json
from cifar_core.errors import DataError, WeightsError
from cifar_core.weights import hub
from cifar_core.weights.catalogue import WEIGHTS
from cifar_core.weights.locations import WeightsFile, download_record, find, folder_of
from cifar_core.weights.spec import WeightsSpec

LIKELY = (0.8, 1.25)  # a size outside this range of the published one is another file's


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

    `progress` gets the bytes downloaded so far and in total; `timeout` is in seconds.
    """
    if (weights := find(key, store)) is not None:
        return weights
    spec = spec or WEIGHTS[key]
    spec = replace(spec, url=url or spec.url)
    try:
        path = download_locked(spec, folder_of(store), progress, timeout)
    except DataError as error:
        raise WeightsError(str(error)) from error
    if (weights := find(key, store)) is None:
        raise WeightsError(f"{path} was removed or changed after the download. Try again.")
    return weights


def download_locked(
    spec: WeightsSpec, folder: Path, progress: Callable[[int, int], None] | None, timeout: float
) -> Path:
    """Download unless another process does; raises DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(folder / f"{spec.file}.lock", wait=False)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror}). Check the permissions, or choose "
            "another store."
        ) from error
    if descriptor is None:
        raise DataError(f"{spec.file} is already being downloaded. Wait until it is complete.")
    try:
        remote = remote_file(spec, timeout)
        path = download(remote, folder, progress, timeout=timeout)
        if not spec.sha256:
            remember(spec, path, remote)
        return path
    finally:
        os.close(descriptor)


def remote_file(spec: WeightsSpec, timeout: float) -> RemoteFile:
    """Return the file as its server describes it; the hub also says the checksum."""
    if not spec.sha256 and hub.is_on_hub(spec.url):
        return hub.look(spec.url, spec.file, timeout)
    size = likely_size(spec, timeout)
    return RemoteFile(url=spec.url, sha256=spec.sha256, bytes=size, name=spec.file)


def remember(spec: WeightsSpec, path: Path, remote: RemoteFile) -> None:
    """Write down the checksum of a file that the catalogue knows none of, and its license."""
    about = {
        "weights": spec.key,
        "origin": remote.url,
        "sha256": remote.sha256 or sha256_of(path),
        "source": spec.source,
    }
    write_json(download_record(spec, path.parent), about)


def likely_size(spec: WeightsSpec, timeout: float) -> int:
    """Return the file's size in bytes from the server, if it can be the published file's."""
    size = size_at(spec.url, spec.file, timeout=timeout)
    least, most = (share * spec.megabytes * 1e6 for share in LIKELY)
    if not least <= size <= most:
        raise DataError(
            f"{spec.url} has {size / 1e6:,.1f} MB, but {spec.file} has about "
            f"{spec.megabytes:,.1f} MB. It is another file or an error page: give the address of "
            "an exact copy."
        )
    return size
