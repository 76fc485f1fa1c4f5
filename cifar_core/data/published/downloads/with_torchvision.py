"""The download of a published set, by torchvision's own code with our functions."""

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

from cifar_core.data.published.downloads.download import Download, Step
from cifar_core.data.published.downloads.transfer import Transfer
from cifar_core.data.published.places import find, folder_of, how_to_get, place
from cifar_core.data.published.published_set import PublishedSet
from cifar_core.disk import files
from cifar_core.disk.checks import MOST_CLASSES
from cifar_core.errors import DataError

MEGA = 1e6
UNFINISHED = ".unfinished"  # what the name of a draft ends in


def of_published(spec: PublishedSet) -> Download:
    """Return the download of a published set."""
    return Download(
        key=spec.key,
        title=spec.title,
        size=spec.size,
        bytes=round((spec.megabytes or 0) * MEGA),
        how_to_get=how_to_get(spec.key),
        obstacle=obstacle(spec),
        find=partial(find, spec.key),
        get=partial(get, spec),
    )


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


def get(spec: PublishedSet, store: Path, step: Step, timeout: float) -> None:
    """Download a set into its folder of a store; raises DataError or OSError."""
    folder = folder_of(spec.key, store)
    draft = folder.with_name(folder.name + UNFINISHED)
    expected = round((spec.megabytes or 0) * MEGA)
    transfer = Transfer(draft, expected, step, timeout)
    run_torchvision(spec, transfer)
    step(transfer.before, transfer.before, "Checking.")
    refuse_unless_here(spec, draft)
    transfer.finish()
    shutil.rmtree(folder, ignore_errors=True)  # incomplete, or it would have been found
    draft.rename(folder)
    files.sync_folder(folder.parent)


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
