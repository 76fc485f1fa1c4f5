"""Downloads a set of images, in the terminal or behind the dashboard.

One set at a time for each store. CIFAR-10 comes as the one archive of `sources/fetch.py`.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from cifar_core.background.processes import start_detached
from cifar_core.data.options import keep_options, options_of
from cifar_core.data.published.downloads.download import Download
from cifar_core.data.published.downloads.offered import download_of, title_of
from cifar_core.data.sources import fetch as cifar10
from cifar_core.data.sources.fetch import CANCELLED, DownloadCancelledError, claim
from cifar_core.data.sources.progress import ProgressWriter, cancel_file, progress
from cifar_core.disk.download import TIMEOUT
from cifar_core.disk.os_errors import reason
from cifar_core.errors import CifarError, DataError
from cifar_core.installation import PROGRAM

Report = Callable[[int, int], None]  # bytes received, bytes in all


def busy(store: Path) -> DataError:
    """Return the error for a store to which a set is downloaded already."""
    now = progress(store)
    return DataError(
        f"{title_of(now.key) if now else 'Another set'} is already being downloaded to {store}. "
        "Wait until it is complete, or cancel the download on the Data page."
    )


def fetch(
    source: str, store: Path, *, url: str | None = None, report: Report | None = None,
    by: str = "", timeout: float = TIMEOUT,
) -> Path:  # fmt: skip
    """Return the place of a set, downloaded unless it is here; raises CifarError.

    `url` is another address of the archive of CIFAR-10; `report` gets the bytes received and in
    all; `by` names the person who asks; `timeout` is in seconds.
    """
    if source == "cifar10":
        return cifar10.fetch_cifar10(store, url=url, progress=report, by=by, timeout=timeout)
    wanted = download_of(source)
    if url:
        raise DataError(
            f"{wanted.title} comes from the addresses that its authors gave. An address of one's "
            "own can be given for CIFAR-10 only."
        )
    if wanted.obstacle and wanted.find(store) is None:
        raise refusal(wanted)
    descriptor = claim(store)
    if descriptor is None:
        raise busy(store)
    try:
        return fetch_locked(wanted, store, report, by, timeout)
    finally:
        os.close(descriptor)


def refusal(wanted: Download) -> DataError:
    """Return the error for a set that cannot be downloaded."""
    return DataError(f"{wanted.title} cannot be downloaded. {wanted.obstacle}")


def fetch_locked(
    wanted: Download, store: Path, report: Report | None = None, by: str = "",
    timeout: float = TIMEOUT,
) -> Path:  # fmt: skip
    """Download while the lock is held; write down each step and the result."""
    there = wanted.find(store)
    if there is not None:
        return there
    writer = ProgressWriter(store, wanted.bytes, by, wanted.key)
    last = ""

    def step(done: int, total: int, words: str) -> None:
        nonlocal last
        if cancel_file(store).exists():
            raise DownloadCancelledError(CANCELLED)
        writer.total = total
        if words != last:
            writer.samples.clear()  # the time of unpacking would count as slow downloading
            writer.done, last = done, words
            writer.write("running", words)
        writer.step(done, words)
        if report is not None:
            report(done, total)

    try:
        wanted.get(store, step, timeout)
    except (DownloadCancelledError, KeyboardInterrupt):
        writer.write("cancelled", CANCELLED)
        raise
    except OSError as error:
        problem = DataError(
            f"{wanted.title} could not be kept in {store / 'data'} ({reason(error)}). Check the "
            "permissions and the free space, or choose another store."
        )
        writer.write("failed", str(problem))
        raise problem from error
    except DataError as error:
        writer.write("failed", str(error))
        raise
    show_again(wanted.key, store)
    writer.total = writer.done
    writer.write("finished", f"{wanted.title} is complete.")
    there = wanted.find(store)
    assert there is not None
    return there


def show_again(source: str, store: Path) -> None:
    """List a set again that was removed before it was downloaded once more."""
    options = options_of(store, source)
    if options.removed:
        keep_options(store, source, replace(options, removed=False))


def start_background(source: str, store: Path, *, by: str = "") -> bool:
    """Download in a separate process that outlives this one; False if one already does.

    `by` names the person who asks for it. Raises CifarError.
    """
    if source == "cifar10":
        return cifar10.start_background(store, by=by)
    wanted = download_of(source)
    if wanted.obstacle:
        raise refusal(wanted)
    descriptor = claim(store)
    if descriptor is None:
        return False
    log = store / "data" / "download.log"
    try:
        ProgressWriter(store, wanted.bytes, by, source).write("running", "Starting.")
        start_detached(command(source, store, descriptor, by), log, keep=(descriptor,))
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(
            f"The download could not be started ({reason(error)}). {log} has details; "
            f"'{PROGRAM} data fetch {source}' does the same in the terminal."
        ) from error
    finally:
        os.close(descriptor)
    return True


def command(source: str, store: Path, descriptor: int, by: str) -> list[str]:
    """Return the command line of the child process."""
    options = ["--lock", str(descriptor), f"--by={by}"]
    return [sys.executable, "-m", __name__, str(store.resolve()), source, *options]


def main(arguments: list[str] | None = None) -> int:
    """Download to a store; start_background runs this."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("source", help="the key of a published set, or hf:owner/name")
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--by", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.lock is None:
            fetch(options.source, options.store, by=options.by)
        elif os.fork() == 0:  # the parent ends, so that no zombie is left
            fetch_locked(download_of(options.source), options.store, by=options.by)
    except CifarError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
