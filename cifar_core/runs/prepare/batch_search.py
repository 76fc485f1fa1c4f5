"""Finds the largest batch whose step fits into memory, by real steps with growing batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

FIRST, MULTIPLE, FEWEST = 16, 8, 2
LEAST_TRIED = 3  # batches before anything is extrapolated, however long they take
FINE = 16  # the search ends when the limit is known to 1 part in 16

# takes real steps with a batch size; returns their peak in megabytes, None if memory was refused
Attempt = Callable[[int], float | None]


@dataclass(frozen=True, kw_only=True)
class BatchLimit:
    """The largest batch that fits, up to the size that was asked for."""

    largest: int  # images; 0 if not even the smallest fits
    tried: int  # the largest batch with which steps were really taken
    megabytes_per_image: float
    at_most: int  # the largest size asked for
    limit_megabytes: float


def search(
    attempt: Attempt,
    *,
    limit_megabytes: float,
    at_most: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> BatchLimit:
    """Double the batch until memory is refused or would be, then close in on the limit.

    A batch that would exceed the limit at the growth seen so far is never tried. When the time is
    up, the limit is extrapolated from the batches that were tried.
    """
    start, late = clock(), False
    peaks: dict[int, float] = {}  # megabytes of the batches that fitted
    batch, too_large = min(FIRST, at_most), at_most + 1
    while batch and not late:
        peak = attempt(batch) if predicted(peaks, batch) <= limit_megabytes else None
        if peak is None or peak > limit_megabytes:
            too_large = batch
        else:
            peaks[batch] = peak
        late = clock() - start > seconds and len(peaks) >= LEAST_TRIED and growth(peaks) > 0
        batch = following(max(peaks, default=0), too_large, at_most)
    tried, slope = max(peaks, default=0), growth(peaks)
    largest = tried
    if batch:  # there was no time to close in on the limit
        more = tried + int((limit_megabytes - peaks[tried]) / slope)
        largest = max(tried, min(down(more), too_large - 1, at_most))
    return BatchLimit(
        largest=largest,
        tried=tried,
        megabytes_per_image=slope,
        at_most=at_most,
        limit_megabytes=limit_megabytes,
    )


def following(fits: int, too_large: int, at_most: int) -> int:
    """Return the batch to try next, 0 when the limit is known precisely enough."""
    if too_large > at_most:
        return min(2 * fits, at_most) if fits < at_most else 0
    if not fits:
        return too_large // 2 if too_large // 2 >= FEWEST else 0
    if too_large - fits <= max(MULTIPLE, fits // FINE):
        return 0
    middle = down((fits + too_large) // 2)
    return middle if fits < middle < too_large else 0


def down(batch: int) -> int:
    """Return the multiple of 8 at or below a batch size."""
    return batch - batch % MULTIPLE if batch > MULTIPLE else batch


def growth(peaks: dict[int, float]) -> float:
    """Return the megabytes per image where they grew fastest; 0 with fewer than two batches."""
    batches = sorted(peaks)
    slopes = [(peaks[b] - peaks[a]) / (b - a) for a, b in pairwise(batches)]
    return max(slopes, default=0.0)


def predicted(peaks: dict[int, float], batch: int) -> float:
    """Return what a batch will take at this growth, in megabytes; 0 before the first is tried."""
    last = max(peaks, default=0)
    return peaks.get(last, 0.0) + growth(peaks) * (batch - last)


def piece(batch: int, largest: int) -> int:
    """Return the size of the largest equal pieces of a batch that fit."""
    pieces = -(-batch // largest)
    return -(-batch // pieces)
