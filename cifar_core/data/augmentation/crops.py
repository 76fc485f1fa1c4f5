"""Stores the padded images, and reads batches of different crops from them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import Draws

T = TypeVar("T")
S = TypeVar("S")


class Crops(Protocol):
    """A store of images; `read` yields a batch [n, H, W, 3] in uint8 on the device for each part.

    `order` has the index of the image at each position of the epoch, `parts` a batch's positions.
    """

    def read(  # noqa: D102
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]: ...


class OnDevice:
    """Images in the device's memory, so that nothing is copied for a batch.

    A view of them has every crop as an entry, so that one index picks a whole batch.
    """

    def __init__(self, padded: NDArray[np.uint8], side: int, device: torch.device) -> None:
        images = torch.tensor(padded, device=device)
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
    """Images in main memory: for a CPU, or if they are too large for a GPU's memory.

    numpy picks crops several times as fast as torch does on a CPU, as it copies whole rows.
    """

    def __init__(self, padded: NDArray[np.uint8], side: int, device: torch.device) -> None:
        crops = sliding_window_view(padded, (side, side), axis=(1, 2))
        self.crops = crops.transpose(0, 1, 2, 4, 5, 3)
        self.device = device

    def read(
        self, order: NDArray[np.int64], draws: Draws, parts: Sequence[slice]
    ) -> Iterator[Tensor]:
        """Pick the crops and mirror them here; a GPU gets the next batch while it computes."""

        def pick(part: slice) -> Tensor:
            pixels = self.crops[order[part], draws.rows[part], draws.columns[part]]
            flips = draws.flips[part]
            if flips.any():
                pixels[flips] = torch.from_numpy(pixels[flips]).flip(2).numpy()
            return torch.from_numpy(pixels)

        if self.device.type == "cuda":
            return uploaded(pick, parts, self.device)
        return (pick(part).to(self.device) for part in parts)


def uploaded(
    pick: Callable[[T], Tensor], parts: Iterable[T], device: torch.device
) -> Iterator[Tensor]:
    """Copy the picked images to a GPU, in parallel with its computations and a batch ahead."""
    beside = torch.cuda.Stream(device)

    def upload(part: T) -> tuple[Tensor, torch.cuda.Event]:
        pinned = pick(part).pin_memory()  # only such memory is copied without waiting
        with torch.cuda.stream(beside):
            return pinned.to(device, non_blocking=True), beside.record_event()

    for pixels, arrived in one_ahead(upload, parts):
        computing = torch.cuda.current_stream(device)
        computing.wait_event(arrived)
        pixels.record_stream(computing)  # so that its memory is not reused too early
        yield pixels


def one_ahead(work: Callable[[T], S], items: Iterable[T]) -> Iterator[S]:
    """Yield work(item) for each item, while a thread already works on the next one."""
    with ThreadPoolExecutor(1) as thread:
        upcoming: Future[S] | None = None
        for item in items:
            current, upcoming = upcoming, thread.submit(work, item)
            if current is not None:
                yield current.result()
        if upcoming is not None:
            yield upcoming.result()


def store(
    padded: NDArray[np.uint8], side: int, device: torch.device, *, on_device: bool | None = None
) -> Crops:
    """Store images [N, side + 2p, side + 2p, 3] where batches of crops are read the fastest.

    If `on_device` is None, they are stored on a GPU if they fit into half of its free memory.
    """
    if on_device is None:
        on_device = device.type != "cpu" and padded.nbytes <= free_bytes(device) / 2
    return (OnDevice if on_device else OnHost)(padded, side, device)


def free_bytes(device: torch.device) -> float:
    """Return the free memory of a GPU; infinite on a Mac, which shares its memory."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else float("inf")
