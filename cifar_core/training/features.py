"""Batches of kept features: the output of a frozen network, computed once, as input of its head."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.data.augmentation.augment import stream
from cifar_core.data.batches import Share, whole
from cifar_core.data.uneven.orders import SHUFFLED, order_of

VIEW = 2  # its stream of random numbers, separate from those of order and augmentation


class FeatureBatches:
    """Batches of features instead of images, with the order that `Batches` would have.

    Each image has the same number of views, and the next one is used in every epoch. Views and
    order are functions of (seed, epoch), so training can continue exactly from any position.
    """

    def __init__(
        self,
        views: Sequence[Tensor],  # of each view [N, D], float32
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        device: str = "cpu",
        seed: int = 0,
        shuffle: bool = False,
        order: str = SHUFFLED,  # a key of ORDERS, of batches that are shuffled
        drop_last: bool = False,
        share: Share = whole,
    ) -> None:
        self.views, self.images = list(views), len(labels)
        self.labels = torch.tensor(labels, dtype=torch.int64)
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.order, self.drop_last = shuffle, order, drop_last
        self.share = share
        self.truth = np.asarray(labels, np.int64)
        self.device = torch.device(device)

    def __len__(self) -> int:
        whole, rest = divmod(self.images, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features [n, D] and labels [n], from batch `start` on."""
        where = np.arange(self.images)
        if self.shuffle:
            where = order_of(self.truth, self.order, seed=self.seed, epoch=number)
        first = stream(self.seed, 0, VIEW).integers(0, len(self.views), self.images)
        which = torch.from_numpy((first[where] + number) % len(self.views))
        indices = torch.from_numpy(where)
        for batch in range(start, len(self)):
            begin = batch * self.batch_size
            part = self.share(slice(begin, min(begin + self.batch_size, self.images)))
            index = indices[part]
            yield self._sent(self._gather(index, which[part])), self._sent(self.labels[index])

    def _sent(self, tensor: Tensor) -> Tensor:
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()  # only such memory is copied without waiting
        return tensor.to(self.device, non_blocking=True)

    def _gather(self, index: Tensor, which: Tensor) -> Tensor:
        rows = self.views[0].index_select(0, index)  # three times as fast as [index]
        for number, view in enumerate(self.views[1:], start=1):
            here = (which == number).nonzero().flatten()
            rows[here] = view.index_select(0, index[here])
        return rows


class HeadOnFeatures(nn.Module):
    """A network's last layer, whose input is kept features."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.is_convolution = isinstance(head, nn.Conv2d)

    def forward(self, features: Tensor) -> Tensor:
        """Map features [N, D] to logits [N, K]."""
        if self.is_convolution:
            features = features[:, :, None, None]
        logits: Tensor = self.head(features).flatten(1)
        return logits


def width_of(head: nn.Module) -> int:
    """Return the number of input features of a last layer."""
    assert isinstance(head, nn.Linear | nn.Conv2d)
    return head.in_features if isinstance(head, nn.Linear) else head.in_channels
