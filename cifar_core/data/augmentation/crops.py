"""Keeps the images of a run, and reads batches of different crops from them."""

import os
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import Draws
from cifar_core.data.augmentation.source import Source
from cifar_core.data.augmentation.stream import Streamed

MOST_HELD = 350_000_000  # bytes of images that are copied into main memory, to be read the fastest
AT_ONCE = 50_000_000  # bytes of images that are copied to a device at once


class Crops(Protocol):
    """A store of images; `read` yields a batch [n, S, S, 3] in uint8 on the device for each part.

    `order` has the index of the image at each position of the epoch, `parts` a batch's positions.
    A batch may be overwritten once the next one is asked for.
    """

    def read(  # noqa: D102
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]: ...


class OnDevice:
    """Images in the device's memory, so that nothing is copied for a batch.

    A view of them has every crop as an entry, so that one index picks a whole batch.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        padded, side = source.padded_side, source.side
        images = torch.empty(len(source), padded, padded, 3, dtype=torch.uint8, device=device)
        for some in chunks_of(source):
            images[some] = torch.from_numpy(source.padded(some)).to(device)
        self.crops = images.unfold(1, side, 1).unfold(2, side, 1).permute(0, 1, 2, 4, 5, 3)
        self.device = device

    def read(
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]:
        """Pick the crops and mirror them on the device."""
        where = torch.from_numpy(np.stack([order, draws.rows, draws.columns])).to(self.device)
        flips = torch.from_numpy(draws.flips)[:, None, None, None].to(self.device)
        for part in parts:
            index, rows, columns = where[:, part]
            pixels = self.crops[index, rows, columns]
            yield torch.where(flips[part], pixels.flip(2), pixels) if draws.flips.any() else pixels


class OnHost:
    """Images in main memory.

    numpy picks crops several times as fast as torch does on a CPU, as it copies whole rows.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        padded = source.padded(slice(None))
        crops = sliding_window_view(padded, (source.side, source.side), axis=(1, 2))
        self.crops = crops.transpose(0, 1, 2, 4, 5, 3)
        self.device = device

    def read(
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]:
        """Pick the crops and mirror them here."""
        for part in parts:
            pixels = self.crops[order[part], draws.rows[part], draws.columns[part]]
            flips = draws.flips[part]
            if flips.any():
                pixels[flips] = torch.from_numpy(pixels[flips]).flip(2).numpy()
            yield torch.from_numpy(pixels).to(self.device)


def store(
    source: Source, device: torch.device, *, least: float = 0.0, on_device: bool | None = None
) -> Crops:
    """Keep images where batches of crops are read the fastest.

    If `on_device` is None, they are kept on a GPU if they fit into half of its free memory, and for
    a CPU in main memory if they are few. All others stay where they are, as do those from which
    random resized crops, of at least the share `least` of a picture, are taken.
    """
    if on_device is None:
        on_device = device.type != "cpu" and source.nbytes <= free_bytes(device) / 2
    if on_device and not least:
        return OnDevice(source, device)
    if least or device.type == "cuda" or source.nbytes > MOST_HELD:
        return Streamed(source, device, least=least)
    return OnHost(source, device)


def chunks_of(source: Source) -> Iterator[slice]:
    """Yield the places of a source's images a few at a time."""
    step = max(1, AT_ONCE // (source.padded_side**2 * 3))
    return (slice(first, first + step) for first in range(0, len(source), step))


def free_bytes(device: torch.device) -> float:
    """Return the free memory of a GPU; on a Mac, which shares its memory, all of it."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
