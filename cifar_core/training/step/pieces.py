"""Cuts a batch into pieces that pass the network one by one, if all of it would not fit."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from cifar_core.training.task.batch import Batch

# some images of a batch, and their share of it as a scalar on the device, by which the gradient
# of their mean loss has to be multiplied; None means 1
Piece = tuple[Batch, Tensor | None]
Cut = Callable[[Batch], Iterator[Piece] | list[Piece]]


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


def whole(batch: Batch) -> list[Piece]:
    """Return the batch in one piece."""
    return [(batch, None)]


def cut(sizes: list[int], batch: Batch) -> Iterator[Piece]:
    """Yield the pieces of a batch."""
    for piece in batch.split(sizes):
        yield piece, torch.full((), len(piece) / len(batch), device=batch.labels.device)
