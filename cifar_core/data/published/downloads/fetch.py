"""Downloads a published set with torchvision's code, in the terminal or behind the dashboard.

One set at a time for each store. CIFAR-10 comes as the one archive of `sources/fetch.py`.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cifar_core.background.processes import start_detached
from cifar_core.data.published.downloads.transfer import Transfer
from cifar_core.data.published.places import PUBLISHED, find, folder_of, how_to_get, place
from cifar_core.data.published.published_set import PublishedSet
from cifar_core.data.sources import fetch as cifar10
from cifar_core.data.sources.fetch import CANCELLED, DownloadCancelledError, claim
from cifar_core.data.sources.progress import ProgressWriter, cancel_file, progress
from cifar_core.disk import files
from cifar_core.disk.checks import MOST_CLASSES
from cifar_core.disk.download import TIMEOUT
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM

MEGA = 1e6
UNFINISHED = ".unfinished"  # what the name of a draft ends in
Report = Callable[[int, int], None]  # bytes received, bytes in all


def obstacle(spec: PublishedSet) -> str:
    """Say why a set cannot be downloaded here, "" if it can."""
    if spec.by_hand:
        return how_to_get(spec.key)
    if spec.classes > MOST_CLASSES:
        return (
            f"It has {spec.classes:,} classes, and this lab takes at most {MOST_CLASSES:,}. "
            "Name a folder with some of its classes."
        )
    return ""


def busy(store: Path) -> DataError:
    """Return the error for a store to which a set is downloaded already."""
    now = progress(store)
    spec = PUBLISHED.get(now.key) if now else None
    return DataError(
        f"{spec.title if spec else 'Another set'} is already being downloaded to {store}. Wait "
        "until it is complete, or cancel the download on the Data page."
    )


def fetch(
    key: str, store: Path, *, url: str | None = None, report: Report | None = None, by: str = "",
    timeout: float = TIMEOUT,
) -> Path:  # fmt: skip
    """Return the place of a published set, downloaded unless it is here; raises DataError.

    `url` is another address of the archive of CIFAR-10; `report` gets the bytes received and in
    all; `by` names the person who asks; `timeout` is in seconds.
    """
    if key == "cifar10":
        return cifar10.fetch_cifar10(store, url=url, progress=report, by=by, timeout=timeout)
    spec = PUBLISHED[key]
    if url:
        raise DataError(
            f"{spec.title} comes from the addresses that torchvision has. An address of one's own "
            "can be given for CIFAR-10 only."
        )
    if (why := obstacle(spec)) and find(key, store) is None:
        raise DataError(f"{spec.title} cannot be downloaded. {why}")
    descriptor = claim(store)
    if descriptor is None:
        raise busy(store)
    try:
        return fetch_locked(spec, store, report, by, timeout)
    finally:
        os.close(descriptor)


def fetch_locked(
    spec: PublishedSet, store: Path, report: Report | None = None, by: str = "",
    timeout: float = TIMEOUT,
) -> Path:  # fmt: skip
    """Download while the lock is held; write down each step and the result."""
    there = find(spec.key, store)
    if there is not None:
        return there
    expected = round((spec.megabytes or 0) * MEGA)
    writer = ProgressWriter(store, expected, by, spec.key)
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

    folder = folder_of(spec.key, store)
    draft = folder.with_name(folder.name + UNFINISHED)
    try:
        transfer = Transfer(draft, expected, step, timeout)
        run_torchvision(spec, transfer)
        refuse_unless_here(spec, draft)
        transfer.finish()
        shutil.rmtree(folder, ignore_errors=True)  # incomplete, or it would have been found
        draft.rename(folder)
        files.sync_folder(folder.parent)
    except (DownloadCancelledError, KeyboardInterrupt):
        writer.write("cancelled", CANCELLED)
        raise
    except OSError as error:
        problem = DataError(
            f"{spec.title} could not be kept in {draft} ({reason(error)}). Check the permissions "
            "and the free space, or choose another store."
        )
        writer.write("failed", str(problem))
        raise problem from error
    except DataError as error:
        writer.write("failed", str(error))
        raise
    writer.total = writer.done = max(writer.done, transfer.before)
    writer.write("finished", f"{spec.title} is complete and verified.")
    there = find(spec.key, store)
    assert there is not None
    return there


def refuse_unless_here(spec: PublishedSet, draft: Path) -> None:
    """Raise DataError if the files of a set are not where its entry says."""
    if place(spec, draft) is None:
        raise DataError(
            f"The files of {spec.title} were downloaded, but are not laid out as expected. "
            "Its authors may have changed them: get them by hand, and name their folder."
        )


def run_torchvision(spec: PublishedSet, transfer: Transfer) -> None:
    """Let torchvision download and unpack a set with our functions; raises DataError or OSError."""
    from torchvision import datasets

    from cifar_core.data.published.downloads.in_torchvision import exchanged

    kind = getattr(datasets, spec.torchvision)
    transfer.begin()
    with exchanged(
        download_url=transfer.download_url,
        extract_archive=transfer.extract_archive,
        download_file_from_google_drive=transfer.download_file_from_google_drive,
    ):
        for call in spec.calls:
            try:
                with suppress(ImportError):  # of what reads the files, which are here by then
                    kind(str(transfer.draft), download=True, **call)
            except (DataError, OSError):
                raise
            except Exception as error:  # torchvision raises many kinds
                raise transfer.problem or DataError(
                    f"torchvision could not prepare {spec.title} ({error}). Try again; if that "
                    "does not help, get the files by hand, and name their folder."
                ) from error


def start_background(key: str, store: Path, *, by: str = "") -> bool:
    """Download in a separate process that outlives this one; False if one already does.

    `by` names the person who asks for it. Raises DataError.
    """
    if key == "cifar10":
        return cifar10.start_background(store, by=by)
    spec = PUBLISHED[key]
    if why := obstacle(spec):
        raise DataError(f"{spec.title} cannot be downloaded. {why}")
    descriptor = claim(store)
    if descriptor is None:
        return False
    log = store / "data" / "download.log"
    try:
        expected = round((spec.megabytes or 0) * MEGA)
        ProgressWriter(store, expected, by, key).write("running", "Starting.")
        start_detached(command(key, store, descriptor, by), log, keep=(descriptor,))
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(
            f"The download could not be started ({reason(error)}). {log} has details; "
            f"'{PROGRAM} data fetch {key}' does the same in the terminal."
        ) from error
    finally:
        os.close(descriptor)
    return True


def command(key: str, store: Path, descriptor: int, by: str) -> list[str]:
    """Return the command line of the child process."""
    options = ["--lock", str(descriptor), f"--by={by}"]
    return [sys.executable, "-m", __name__, str(store.resolve()), key, *options]


def main(arguments: list[str] | None = None) -> int:
    """Download to a store; start_background runs this."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("key", choices=list(PUBLISHED))
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--by", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.lock is None:
            fetch(options.key, options.store, by=options.by)
        elif os.fork() == 0:  # the parent ends, so that no zombie is left
            fetch_locked(PUBLISHED[options.key], options.store, by=options.by)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
