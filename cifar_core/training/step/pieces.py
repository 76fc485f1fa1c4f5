"""Cuts a batch into pieces that pass the network one by one, if all of it would not fit."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

# images [n, ...], labels [n], and the piece's share of the batch as a scalar on the device, by
# which the gradient of its mean loss has to be multiplied; None means 1
Piece = tuple[Tensor, Tensor, Tensor | None]
Cut = Callable[[Tensor, Tensor], Iterator[Piece] | list[Piece]]


def sizes_of_pieces(micro_batch: int, batch_size: int) -> list[int]:
    """Return how many images the pieces of a batch have: at most `micro_batch`; 0 does not cut.

    They are as few as possible, but rather up to twice as many of one size, because each size
    needs kernels of its own, chosen or compiled. Where a batch cannot be divided so, or only into
    single images, the sizes differ by one image, so that none is too small for batch norm.
    """
    if not 0 < micro_batch < batch_size:
        return [batch_size]
    fewest = -(-batch_size // micro_batch)
    counts = range(fewest, min(2 * fewest, batch_size - 1) + 1)
    count = next((count for count in counts if batch_size % count == 0), fewest)
    size, rest = divmod(batch_size, count)
    return [size + 1] * rest + [size] * (count - rest)


def cutting(sizes: list[int]) -> Cut:
    """Return a function that cuts a batch into pieces of these sizes."""
    return partial(cut, sizes) if len(sizes) > 1 else whole


def whole(images: Tensor, labels: Tensor) -> list[Piece]:
    """Return the batch in one piece."""
    return [(images, labels, None)]


def cut(sizes: list[int], images: Tensor, labels: Tensor) -> Iterator[Piece]:
    """Yield the pieces of a batch."""
    for some_images, some_labels in zip(images.split(sizes), labels.split(sizes), strict=True):
        share = torch.full((), len(some_labels) / len(labels), device=labels.device)
        yield some_images, some_labels, share
