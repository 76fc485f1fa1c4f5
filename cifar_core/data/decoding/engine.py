"""Decodes the pictures of a source with threads, into the files of a draft.

Pillow and the disk release Python's lock, so threads use all cores without copying pixels between
processes. A thread takes a handful of files at a time, decodes them and writes their pixels to
their final place; nothing else is kept, so memory does not grow with the set.
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event, Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.background.jobs import Report, quietly
from cifar_core.data.contents import DAMAGED, Contents, Item, Raw
from cifar_core.data.decoding.draft import DECODED, Draft
from cifar_core.data.pictures.network_pixels import network_pixels
from cifar_core.data.sizing import Sizing
from cifar_core.devices.cpu import usable_cores
from cifar_core.errors import DataError, ImageError

MOST_AT_ONCE = 64  # pictures that a thread takes
MOST_BYTES = 4 * 2**20  # of their files, and of their pixels; a larger file comes alone
TICK = 0.25  # seconds between two reports
Batch = list[tuple[int, Raw]]


class Feed:
    """Hands the pictures of a source out to threads, a handful at a time."""

    def __init__(self, pictures: Iterator[tuple[int, Raw]], most: int) -> None:
        self._pictures, self._most = pictures, most
        self._lock = Lock()
        self.stopped = Event()

    def take(self) -> Batch:
        """Return the next pictures; none at the end, or when it was stopped."""
        with self._lock:
            batch: Batch = []
            size = 0
            while len(batch) < self._most and size < MOST_BYTES and not self.stopped.is_set():
                found = next(self._pictures, None)
                if found is None:
                    break
                batch.append(found)
                size += len(found[1]) if isinstance(found[1], bytes) else found[1].nbytes
            return batch


def decode(
    contents: Contents,
    draft: Draft,
    sizing: Sizing,
    *,
    threads: int = 0,
    report: Report = quietly,
) -> None:
    """Decode what a draft of images of a size lacks, and keep it if anything stops this.

    `threads` is 0 for as many as there are CPUs for this process. Raises DataError if the source
    cannot be read, and OSError if the pixels cannot be written.
    """
    missing, total = draft.missing, len(contents.items)
    threads = threads or usable_cores()
    most = max(1, min(MOST_AT_ONCE, MOST_BYTES // (draft.side**2 * 3)))
    feed = Feed(contents.pictures(missing), most)
    report(draft.done, total)
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
            works = [pool.submit(work, feed, draft, contents.items, sizing) for _ in range(threads)]
            try:
                while wait(works, timeout=TICK, return_when=FIRST_EXCEPTION).not_done:
                    draft.flush(now=False)
                    report(draft.done, total)
            finally:
                feed.stopped.set()
    finally:
        draft.flush()
    for one in works:
        one.result()
    report(draft.done, total)
    if left := len(draft.missing):
        raise DataError(
            f"{left:,} of {total:,} pictures were gone when they were to be read. Read the images "
            "again when no one changes them."
        )


def work(feed: Feed, draft: Draft, items: tuple[Item, ...], sizing: Sizing) -> None:
    """Decode pictures until there are none left, in a thread of its own."""
    try:
        while batch := feed.take():
            if all(is_ready(raw, draft.side) for _, raw in batch):
                put_ready(batch, draft)
            else:
                put_decoded(batch, draft, items, sizing)
    finally:
        feed.stopped.set()  # at the end there is nothing left; after an error no one goes on


def is_ready(raw: Raw, side: int) -> bool:
    """Return whether a picture is an array of the final size."""
    return isinstance(raw, np.ndarray) and raw.shape in ((side, side), (side, side, 3))


def put_ready(batch: Batch, draft: Draft) -> None:
    """Write arrays of the final size, all at once."""
    side = draft.side
    indices, order = sorted_indices(batch)
    pixels = np.empty((len(batch), side, side, 3), np.uint8)
    facts = np.zeros((len(batch), 6), np.int32)
    for place, i in enumerate(order):
        raw = np.asarray(batch[i][1])
        pixels[place] = raw if raw.ndim == 3 else raw[:, :, None]
        facts[place] = (DECODED, 0, raw.ndim == 2, 0, side, side)
    draft.put(indices, pixels, facts)


def sorted_indices(batch: Batch) -> tuple[NDArray[np.int64], list[int]]:
    """Return the sorted indices of some pictures, and the places in the batch in that order."""
    indices = np.array([index for index, _ in batch], np.int64)
    order = np.argsort(indices)
    return indices[order], order.tolist()


def put_decoded(batch: Batch, draft: Draft, items: tuple[Item, ...], sizing: Sizing) -> None:
    """Decode files, and write the pixels of those that can be decoded.

    They are put on one sheet, one below the other, since an array of many costs as much time as an
    array of one.
    """
    side = draft.side
    sheet = Image.new("RGB", (side, side * len(batch)))
    indices: list[int] = []
    facts: list[tuple[int, ...]] = []
    for index, raw in sorted(batch, key=lambda one: one[0]):
        if isinstance(raw, bytes) and raw == DAMAGED:
            draft.fail(index, f"{items[index].name} is damaged in its archive. Pack it again.")
            continue
        try:
            seen = network_pixels(raw, items[index].name, sizing)
        except ImageError as error:
            draft.fail(index, str(error))
            continue
        sheet.paste(seen.image, (0, side * len(indices)))  # gray becomes RGB
        indices.append(index)
        facts.append((DECODED, seen.depth, seen.gray, seen.lossy, seen.width, seen.height))
    if indices:
        pixels = np.asarray(sheet).reshape(-1, side, side, 3)[: len(indices)]
        draft.put(np.array(indices, np.int64), pixels, np.array(facts, np.int32))
