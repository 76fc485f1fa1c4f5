"""Feeds images to the network in batches, augmented on the training device."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation import crops
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.augmentation.effects import Effects
from cifar_core.data.augmentation.source import Source
from cifar_core.data.uneven.orders import SHUFFLED, order_of


class Batches:
    """Batches of one set of images. Iterate over `epoch(number)`.

    Few images are kept as padded uint8 [n, S + 2p, S + 2p, 3] in channels-last order, which is the
    fastest for convolutions; of many, each batch is read from where they are. Nothing waits for the
    device between two batches. Order and augmentation are functions of (seed, epoch), so training
    can continue exactly from any position.
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
    ) -> None:
        part = np.arange(len(labels)) if part is None else part
        self.images, self.side = len(part), pixels.shape[1]
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.order, self.drop_last = shuffle, order, drop_last
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
        """Yield images [n, 3, H, W] in [0, 1] and labels [n], from batch `start` on."""
        order = np.arange(self.images)
        if self.shuffle:
            order = order_of(self.truth, self.order, seed=self.seed, epoch=number)
        size = self.batch_size
        return self._read(order, number, range(start * size, len(self) * size, size))

    def chosen(self, order: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield only the images of these indices, in this order, of a set that is not augmented."""
        return self._read(order, 0, range(0, len(order), self.batch_size))

    def _read(
        self, order: NDArray[np.int64], number: int, starts: range
    ) -> Iterator[tuple[Tensor, Tensor]]:
        draws = self.augment.draw(
            len(order), seed=self.seed, epoch=number, side=self.side, order=order
        )
        labels = self.labels[torch.from_numpy(order).to(self.device)]
        effects = Effects(self.augment, draws)
        parts = [slice(first, first + self.batch_size) for first in starts]
        for part, pixels in zip(parts, self.crops.read(order, draws, parts), strict=True):
            yield effects(pixels, part), labels[part]
