"""Feeds images to the network in batches, augmented where they lie: on the training device."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data import augment as augmentation
from cifar_core.data.augment import Augment


class Batches:
    """Batches of one set of images. Iterate over `epoch(number)`.

    The images lie on the device as padded uint8 [N, H + 2p, W + 2p, 3]. A strided view of them
    has every crop as an entry, so that one index picks a whole batch of different crops; stored
    with the channels last, they are in the layout that convolutions are fastest in.
    Order and augmentation are functions of (seed, epoch): any position can be resumed exactly.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        device: str = "cpu",
        augment: Augment | None = None,
        seed: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
    ) -> None:
        self.images = len(labels)
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.drop_last = shuffle, drop_last
        self.augment = augment or Augment()
        self.device = torch.device(device)
        padded = augmentation.pad(pixels, self.augment.crop_padding, self.augment.padding_mode)
        self.side = pixels.shape[1]
        self.crops = every_crop(torch.from_numpy(padded).to(self.device), *pixels.shape[1:3])
        self.labels = torch.tensor(labels, dtype=torch.int64, device=self.device)

    def __len__(self) -> int:
        whole, rest = divmod(self.images, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images [n, 3, H, W] in [0, 1] and labels [n], from batch `start` on."""
        order = np.arange(self.images)
        if self.shuffle:
            order = augmentation.order(self.images, seed=self.seed, epoch=number)
        draws = self.augment.draw(
            self.images, seed=self.seed, epoch=number, side=self.side, order=order
        )
        where = self._to_device(np.stack([order, draws.rows, draws.columns]))
        flips, holes = self._to_device(draws.flips), self._to_device(draws.holes)
        for batch in range(start, len(self)):
            part = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            index, rows, columns = where[:, part]
            pixels = self.crops[index, rows, columns]  # [n, H, W, 3]
            if self.augment.flip:
                mirror = flips[part, None, None, None]
                pixels = torch.where(mirror, pixels.flip(2), pixels)
            if self.augment.cutout:
                cut_out(pixels, holes[:, part], self.augment.cutout)
            yield pixels.permute(0, 3, 1, 2).float().div_(255), self.labels[index]

    def _to_device(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self.device, non_blocking=True)


def every_crop(padded: Tensor, height: int, width: int) -> Tensor:
    """View images [N, H + 2p, W + 2p, 3] as their crops [N, 2p + 1, 2p + 1, H, W, 3], uncopied."""
    images, tall, wide, channels = padded.shape
    image, row, column, channel = padded.stride()
    return padded.as_strided(
        (images, tall - height + 1, wide - width + 1, height, width, channels),
        (image, row, column, row, column, channel),
    )


def cut_out(images: Tensor, holes: Tensor, side: int) -> None:
    """Blank a square of images [n, H, W, 3]; `holes` [2, n] has the top and the left of each."""
    tops, lefts = holes[:, :, None, None]
    here = torch.arange(images.shape[1], device=images.device)
    down, across = here[None, :, None] - tops, here[None, None, :] - lefts
    hole = (down >= 0) & (down < side) & (across >= 0) & (across < side)  # [n, H, W]
    for channel, value in enumerate(augmentation.MEAN_COLOUR):
        images[..., channel].masked_fill_(hole, value)
