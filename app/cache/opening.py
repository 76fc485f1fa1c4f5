"""Opens images without holding up the page: the first time, they are decoded in the background."""

from concurrent.futures import Future, wait
from pathlib import Path
from threading import Lock, Thread

from app.cache.results import dataset
from cifar_core import data
from cifar_core.data.dataset import Dataset

PATIENCE = 0.5  # seconds that a page waits for images; those that are decoded take far less
_lock = Lock()
_readings: "dict[tuple[str, str], Future[None]]" = {}


def opened(source: str, root: str) -> Dataset | None:
    """Return the images of a resolved source; None while they are decoded for the first time.

    An error is raised once; the next call tries again.
    """
    with _lock:
        reading = _readings.get((source, root)) or begin(source, root)
    if not reading.done():
        wait([reading], timeout=PATIENCE)
    if not reading.done():
        return None
    if reading.exception():
        _readings.pop((source, root), None)
    reading.result()
    return dataset(source, root)


def is_reading(source: str, root: str) -> bool:
    """Whether the images of a source are being decoded now."""
    reading = _readings.get((source, root))
    return reading is not None and not reading.done()


def begin(source: str, root: str) -> "Future[None]":
    """Decode images in a thread of their own; for one source there is one at a time."""
    reading: Future[None] = Future()
    _readings[source, root] = reading
    Thread(target=read, args=(reading, source, root), name="read images", daemon=True).start()
    return reading


def read(reading: "Future[None]", source: str, root: str) -> None:
    """Decode images and keep them on disk, where the next call finds them."""
    try:
        data.load(source, Path(root))
    except BaseException as error:
        reading.set_exception(error)
    else:
        reading.set_result(None)
