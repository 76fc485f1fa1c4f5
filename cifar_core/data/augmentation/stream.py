"""Cuts batches out of images that stay where they are kept, ahead of their use, by threads."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import Draws
from cifar_core.data.augmentation.boxes import draw_boxes
from cifar_core.data.augmentation.resizing import resize_into
from cifar_core.data.augmentation.source import Source, read_ahead

BUFFERS = 3  # one is with the network, and two are being filled
AHEAD = 2  # batches between the request to read images from the disk and their use
MOST_THREADS = 4
Jobs = list[Future[None]]


@dataclass
class Buffer:
    """Memory of a batch, which is filled again and again."""

    pixels: Tensor  # uint8 [n, S, S, 3]
    sent: torch.cuda.Event | None = None  # when its copy to a GPU is complete

    def wait(self) -> None:
        """Wait until its last copy is complete."""
        if self.sent is not None and not self.sent.query():
            self.sent.synchronize()


class Streamed:
    """Images that are read from where they are kept, for sets of any size.

    A batch is a function of its images' indices, seed and epoch, with any number of threads: each
    image is cut out by one of them. Its memory is filled again once the next batch is asked for.
    """

    def __init__(self, source: Source, device: torch.device, *, least: float = 0.0) -> None:
        self.source, self.device = source, device
        self.least = least  # random_resized_crop: the smallest share of a picture, 0 for shifts
        self.threads = min(MOST_THREADS, torch.get_num_threads())

    def read(
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]:
        """Fill batches here; a GPU gets the next one while it computes."""
        filled = self._filled(order, draws, parts)
        if self.device.type == "cuda":
            return one_earlier(uploaded(filled, self.device), self.device)
        return (pixels.to(self.device) for _, pixels in filled)

    def _filled(
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[tuple[Buffer, Tensor]]:
        """Yield each buffer with its batch uint8 [n, S, S, 3], while others are being filled."""
        everything = np.arange(len(order))
        places = [everything[part] for part in parts]
        indices = self.source.part
        with (
            read_ahead(self.source.kept) as ask,
            ThreadPoolExecutor(self.threads, "batches", torch.set_num_threads, (1,)) as pool,
        ):

            def begin(number: int, buffer: Buffer) -> Jobs:
                later = places[number + AHEAD : number + AHEAD + 1]
                asked = [pool.submit(ask, indices[order[rows]]) for rows in later]
                shares = np.linspace(0, len(places[number]), self.threads + 1).astype(int)
                return asked + [
                    pool.submit(self._fill, buffer, slice(*ends), order, draws, places[number])
                    for ends in pairwise(shares.tolist())
                ]

            numbers = iter(range(len(places)))
            buffers = [self._buffer(len(places[0])) for _ in places[:BUFFERS]]
            waiting = deque((n, b, begin(n, b)) for b, n in zip(buffers, numbers, strict=False))
            while waiting:
                number, buffer, jobs = waiting.popleft()
                for job in jobs:
                    job.result()
                yield buffer, buffer.pixels[: len(places[number])]
                waiting.extend((n, buffer, begin(n, buffer)) for n in islice(numbers, 1))

    def _buffer(self, images: int) -> Buffer:
        side, pinned = self.source.side, self.device.type == "cuda"
        with torch.inference_mode(False):  # a mode of the caller's thread, but others fill it
            pixels = torch.empty(images, side, side, 3, dtype=torch.uint8, pin_memory=pinned)
        return Buffer(pixels)

    def _fill(
        self,
        buffer: Buffer,
        share: slice,
        order: NDArray[np.int64],
        draws: Draws,
        places: NDArray[np.int64],
    ) -> None:
        """Put a share of a batch, whose `places` in the order are given, into its buffer."""
        buffer.wait()
        here, out = places[share], buffer.pixels[share]
        if self.least:
            self._resized(out, order[here], draws.images[here], draws)
        else:
            self._shifted(out.numpy(), order[here], draws.rows[here], draws.columns[here])
        for number in np.flatnonzero(draws.flips[here]):
            out[number].copy_(out[number].flip(1))

    def _resized(
        self, out: Tensor, chosen: NDArray[np.int64], images: NDArray[np.int64], draws: Draws
    ) -> None:
        kept = self.source.kept
        boxes = draw_boxes(
            images, seed=draws.seed, epoch=draws.epoch, side=kept.shape[1], least=self.least
        )
        for place, index, box in zip(out, self.source.part[chosen], boxes.T, strict=True):
            top, left, height, width = box.tolist()
            resize_into(place, kept[index, top : top + height, left : left + width])

    def _shifted(
        self,
        out: NDArray[np.uint8],
        chosen: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> None:
        kept, side, before = self.source.kept, self.source.side, self.source.before
        tops, lefts = rows + before, columns + before
        room = kept.shape[1] - side
        inside = (np.minimum(tops, lefts) >= 0) & (np.maximum(tops, lefts) <= room)
        for place in np.flatnonzero(inside):
            top, left, index = tops[place], lefts[place], self.source.part[chosen[place]]
            out[place] = kept[index, top : top + side, left : left + side]
        others = np.flatnonzero(~inside)
        if len(others):
            for place, padded in zip(others, self.source.padded(chosen[others]), strict=True):
                top, left = rows[place], columns[place]
                out[place] = padded[top : top + side, left : left + side]


def uploaded(
    filled: Iterator[tuple[Buffer, Tensor]], device: torch.device
) -> Iterator[tuple[Tensor, torch.cuda.Event]]:
    """Begin to copy batches from pinned memory to a GPU, beside its computations."""
    beside = torch.cuda.Stream(device)
    for buffer, pixels in filled:
        buffer.sent = torch.cuda.Event()
        with torch.cuda.stream(beside):
            copied = pixels.to(device, non_blocking=True)
            buffer.sent.record(beside)
        yield copied, buffer.sent


def one_earlier(
    sent: Iterator[tuple[Tensor, torch.cuda.Event]], device: torch.device
) -> Iterator[Tensor]:
    """Yield batches that arrive on a GPU, each once the copy of the next one has begun."""
    coming = next(sent, None)
    while coming is not None:
        (pixels, arrived), coming = coming, next(sent, None)
        computing = torch.cuda.current_stream(device)
        computing.wait_event(arrived)
        pixels.record_stream(computing)  # so that its memory is not reused too early
        yield pixels
