"""Feeds images to the network in batches, augmented on the training device."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation import crops
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.augmentation.effects import Effects
from cifar_core.data.augmentation.source import Source
from cifar_core.data.uneven.orders import SHUFFLED, order_of

# positions of a batch in the order of an epoch -> those of its images that are read here
Share = Callable[[slice], slice]


def whole(batch: slice) -> slice:
    """Return all positions of a batch: one process reads all of it."""
    return batch


class Batches:
    """Batches of one set of images. Iterate over `epoch(number)`.

    Few images are kept as padded uint8 [n, S + 2p, S + 2p, 3] in channels-last order, which is the
    fastest for convolutions; of many, each batch is read from where they are. Nothing waits for the
    device between two batches. Order and augmentation are functions of (seed, epoch), so training
    can continue exactly from any position.

    Where several processes share each batch, order and augmentation are made for the whole batch,
    and each process reads only its `share` of it.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        part: NDArray[np.int64] | None = None,  # indices [n] of the images to use; None for all
        wider: NDArray[np.uint8] | None = None,  # as in Images
        batch_size: int,
        device: str = "cpu",
        augment: Augment | None = None,
        seed: int = 0,
        shuffle: bool = False,
        order: str = SHUFFLED,  # a key of ORDERS, of batches that are shuffled
        drop_last: bool = False,
        on_device: bool | None = None,
        share: Share = whole,
        before: int = 0,  # images of the batch just before the share that are read as well, 0 or 1
    ) -> None:
        part = np.arange(len(labels)) if part is None else part
        self.images, self.side = len(part), pixels.shape[1]
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.order, self.drop_last = shuffle, order, drop_last
        self.share, self.before = share, before
        self.truth = np.asarray(labels, np.int64)[part]  # the labels [n], on the host
        self.augment = augment or Augment()
        self.device = torch.device(device)
        source = Source(
            kept=pixels if wider is None else wider,
            side=self.side,
            part=part,
            padding=self.augment.padding(self.side),
            mode=self.augment.padding_mode,
        )
        self.crops = crops.store(
            source, self.device, least=self.augment.random_resized_crop, on_device=on_device
        )
        self.labels = torch.tensor(self.truth, device=self.device)

    def __len__(self) -> int:
        whole, rest = divmod(self.images, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images [n, 3, H, W] in [0, 1] and labels [n], from batch `start` on.

        n is 0 where a batch has fewer images than processes, and none of them is for this one.
        """
        order = np.arange(self.images)
        if self.shuffle:
            order = order_of(self.truth, self.order, seed=self.seed, epoch=number)
        return self._read(order, number, self._cut(len(order))[start : len(self)])

    def chosen(self, order: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield only the images of these indices, in this order, of a set that is not augmented."""
        return self._read(order, 0, self._cut(len(order)))

    def places(self, images: int) -> NDArray[np.int64]:
        """Return the positions [m] that are read here of an order of this many images, in turn."""
        return np.concatenate([self._places(batch) for batch in self._cut(images)])

    def _cut(self, images: int) -> list[slice]:
        size = self.batch_size
        return [slice(first, min(first + size, images)) for first in range(0, images, size)]

    def _places(self, batch: slice) -> NDArray[np.int64]:
        """Return the positions that are read here of a batch; its last is before its first."""
        own = self.share(batch)
        places = np.arange(own.start - self.before, own.stop)
        return np.where(places < batch.start, places + batch.stop - batch.start, places)

    def _read(
        self, order: NDArray[np.int64], number: int, batches: list[slice]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        draws = self.augment.draw(
            len(order), seed=self.seed, epoch=number, side=self.side, order=order
        )
        parts = batches
        if self.share is not whole:  # of all that was drawn, only what is read here
            read = [self._places(batch) for batch in batches]
            ends = np.cumsum([0, *map(len, read)]).tolist()
            parts = [slice(*pair) for pair in pairwise(ends)]
            chosen = np.concatenate(read) if read else np.empty(0, np.int64)
            order, draws = order[chosen], draws.of(chosen)
        labels = self.labels[torch.from_numpy(order).to(self.device)]
        effects = Effects(self.augment, draws)
        for part, pixels in zip(parts, self.crops.read(order, draws, parts), strict=True):
            yield effects(pixels, part), labels[part]
