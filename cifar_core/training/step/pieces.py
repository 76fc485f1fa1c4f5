"""Cuts a batch into pieces that pass the network one by one, if all of it would not fit."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

# images [n, ...], labels [n], and the piece's share of the batch as a scalar on the device, by
# which the gradient of its mean loss has to be multiplied; None means 1
Piece = tuple[Tensor, Tensor, Tensor | None]
Cut = Callable[[Tensor, Tensor], Iterator[Piece] | list[Piece]]


def cutting(micro_batch: int, batch_size: int) -> Cut:
    """Return a function that cuts a batch into pieces of at most `micro_batch`; 0 does not cut."""
    if not 0 < micro_batch < batch_size:
        return whole
    return partial(cut, -(-batch_size // micro_batch))


def whole(images: Tensor, labels: Tensor) -> list[Piece]:
    """Return the batch in one piece."""
    return [(images, labels, None)]


def cut(count: int, images: Tensor, labels: Tensor) -> Iterator[Piece]:
    """Yield `count` pieces of about equal size, so that none is too small for batch norm."""
    pairs = zip(images.tensor_split(count), labels.tensor_split(count), strict=True)
    for some_images, some_labels in pairs:
        share = torch.full((), len(some_labels) / len(labels), device=labels.device)
        yield some_images, some_labels, share
