"""Opens images without holding up the page: what is not decoded yet, a background job decodes."""

import time
from pathlib import Path

from app.session import store
from cifar_core.background.jobs import Job
from cifar_core.data import find
from cifar_core.data.dataset import Dataset
from cifar_core.data.decoding import Reading
from cifar_core.data.decoding.job import job_of, state_of
from cifar_core.data.listing import kind_of
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR
from cifar_core.runs.store.image_sets import USUAL

PATIENCE = 0.5  # seconds that a page waits for images; a small set is decoded in less
LOOK_SECONDS = 0.05


def opened(source: str, root: str) -> Dataset | None:
    """Return the images of a resolved source; None while they are not decoded.

    The first time, and after a change of their files, a background job begins to decode them. If
    it was canceled or failed, only a person starts it again. Raises DataError if they were
    refused, or nothing is there.
    """
    deadline = time.monotonic() + PATIENCE
    images = find.kept(source, Path(root))
    if images is not None:
        return images
    job = reading_job(source, root)
    if not job.error and state_of(job, source) is None:
        refuse_viewer(source)
        begin(job)
    while time.monotonic() < deadline and images is None and is_reading(source, root):
        time.sleep(LOOK_SECONDS)
        images = find.kept(source, Path(root))
    return images or find.kept(source, Path(root))


def begin(job: Job) -> None:
    """Begin to decode images because a page wants to show them."""
    job.start()


def refuse_viewer(source: str) -> None:
    """Raise DataError if a person who may start no runs would fill the disk with decoded images."""
    if kind_of(source) not in USUAL and not store().by.may(OPERATOR):
        raise DataError(
            "These images are not read yet, or have changed since they were read. Ask someone who "
            "may start runs to open them once."
        )


def reading_job(source: str, root: str) -> Job:
    """Return the job that decodes a source for the person of this session."""
    return job_of(source, Path(root), store().by.name)


def reading(source: str, root: str) -> Reading | None:
    """Return how far the decoding of a source is; None if no process decodes it."""
    return state_of(reading_job(source, root), source)


def is_reading(source: str, root: str) -> bool:
    """Whether the images of a source are being decoded now."""
    return reading(source, root) is not None
