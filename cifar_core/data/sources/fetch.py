"""Downloads the official CIFAR-10 archive, in the terminal or behind the dashboard."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from cifar_core.background.processes import start_detached
from cifar_core.data.sources.cifar10 import BINARY_ARCHIVE, OFFICIAL
from cifar_core.data.sources.progress import (
    DownloadProgress,
    ProgressWriter,
    cancel,
    cancel_file,
    progress,
    take,
)
from cifar_core.disk.download import KEPT, TIMEOUT, RemoteFile, download
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM

__all__ = [
    "CIFAR10",
    "DownloadProgress",
    "RemoteFile",
    "cancel",
    "fetch_cifar10",
    "progress",
    "start_background",
]
CIFAR10 = RemoteFile(
    url=f"https://www.cs.toronto.edu/~kriz/{BINARY_ARCHIVE}",
    md5=OFFICIAL.archives[BINARY_ARCHIVE],
    bytes=170_052_171,
    name=BINARY_ARCHIVE,
)
CANCELLED = f"The download was canceled. {KEPT}"


class DownloadCancelledError(DataError):
    """The download was canceled."""


def fetch_cifar10(
    store: Path,
    *,
    url: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    archive: RemoteFile = CIFAR10,
    timeout: float = TIMEOUT,
    by: str = "",
) -> Path:
    """Return the path of the archive, downloaded unless it exists; raises DataError.

    `progress` gets the bytes downloaded so far and in total; `timeout` is in seconds; `by` names
    the person who asks for it.
    """
    descriptor = claim(store)
    if descriptor is None:
        raise DataError(
            f"{archive.name} is already being downloaded to {store}. Wait until it is complete, or "
            "cancel the download on the Data page."
        )
    try:
        return fetch_locked(store, at(archive, url), progress, timeout, by)
    finally:
        os.close(descriptor)


def claim(store: Path) -> int | None:
    """Take the lock of the store's downloads; None if a download runs; raises DataError."""
    try:
        descriptor = take(store)
        if descriptor is not None:
            cancel_file(store).unlink(missing_ok=True)  # it was meant for an earlier download
    except OSError as error:
        raise DataError(
            f"{store / 'data'} cannot be written ({error.strerror}). Check the permissions, or "
            "choose another store."
        ) from error
    return descriptor


def at(archive: RemoteFile, url: str | None) -> RemoteFile:
    """Return the same archive at another address."""
    return replace(archive, url=url) if url else archive


def fetch_locked(
    store: Path,
    archive: RemoteFile,
    progress: Callable[[int, int], None] | None = None,
    timeout: float = TIMEOUT,
    by: str = "",
) -> Path:
    """Download while the lock is held; report each step and the result."""
    report = ProgressWriter(store, archive.bytes, by)

    def step(done: int, total: int) -> None:
        if cancel_file(store).exists():
            raise DownloadCancelledError(CANCELLED)
        report.step(done)
        if progress is not None:
            progress(done, total)

    try:
        path = download(archive, store / "data", step, timeout=timeout)
    except (DownloadCancelledError, KeyboardInterrupt):
        report.write("cancelled", CANCELLED)
        raise
    except DataError as error:
        report.write("failed", str(error))
        raise
    report.write("finished", f"{archive.name} is complete and verified.")
    return path


def start_background(
    store: Path, url: str | None = None, *, archive: RemoteFile = CIFAR10, by: str = ""
) -> bool:
    """Download in a separate process that outlives this one; False if one already does.

    `by` names the person who asks for it.
    """
    descriptor = claim(store)
    if descriptor is None:
        return False
    try:
        ProgressWriter(store, archive.bytes, by).write("running", "Starting.")
        start_detached(
            command(store, at(archive, url), descriptor, by),
            store / "data" / "download.log",
            keep=(descriptor,),
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(
            f"The download could not be started ({reason(error)}). "
            f"{store / 'data' / 'download.log'} has details; '{PROGRAM} data fetch' does the same "
            "in the terminal."
        ) from error
    finally:
        os.close(descriptor)
    return True


def command(store: Path, archive: RemoteFile, descriptor: int, by: str) -> list[str]:
    """Return the command line of the child process."""
    options = ["--archive", json.dumps(asdict(archive)), "--lock", str(descriptor), f"--by={by}"]
    return [sys.executable, "-m", __name__, str(store.resolve()), *options]


def main(arguments: list[str] | None = None) -> int:
    """Download to a store; start_background runs this."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("url", nargs="?", help="another address of the same archive")
    parser.add_argument("--archive", help=argparse.SUPPRESS)
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--by", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    archive = RemoteFile(**json.loads(options.archive)) if options.archive else CIFAR10
    try:
        if options.lock is None:
            fetch_cifar10(options.store, url=options.url, archive=archive, by=options.by)
        elif os.fork() == 0:  # the parent ends, so that no zombie is left
            fetch_locked(options.store, at(archive, options.url), by=options.by)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
