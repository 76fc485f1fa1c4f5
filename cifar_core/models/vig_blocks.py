"""The parts of a Vision GNN's block: aggregation over the neighbors, then a network on each node.

Letters: N images, C channels, H W the grid of P = H * W nodes, Q keys among which the neighbors
are. All convolutions of 1 x 1 are linear layers on each node.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.models.vig_graph import Nearest, max_relative


class ViGBlock(nn.Module):
    """A grapher and a feed-forward network, each added to its input."""

    def __init__(
        self,
        channels: int,
        nearest: Nearest,
        *,
        pool: int = 1,
        relative_pos: Tensor | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.grapher = Grapher(channels, nearest, pool, relative_pos, drop_path)
        self.ffn = FFN(channels, drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape [N, C, H, W]."""
        mixed: Tensor = self.ffn(self.grapher(x))
        return mixed


class Grapher(nn.Module):
    """Builds the graph from the features and aggregates the neighbors of every node.

    The keys are means over cells of `pool` x `pool` nodes. `relative_pos` [1, P, Q] is their
    distance from the nodes: a constant, yet saved with the weights, as in the published files.
    """

    relative_pos: Tensor | None

    def __init__(
        self,
        channels: int,
        nearest: Nearest,
        pool: int,
        relative_pos: Tensor | None,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.fc1 = conv_norm(channels, channels)
        self.nearest = nearest
        self.conv = MaxRelative(channels)
        self.fc2 = conv_norm(2 * channels, channels)
        self.drop_path = DropPath(drop_path)
        self.register_buffer("relative_pos", relative_pos)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape [N, C, H, W]."""
        y = self.fc1(x)
        nodes = as_list(y)
        keys = nodes if self.pool == 1 else as_list(F.avg_pool2d(y, self.pool))
        neighbors = self.nearest(nodes, keys, self.relative_pos)
        return x + self.drop_path(self.fc2(self.conv(y, keys, neighbors)))


class MaxRelative(nn.Module):
    """Max-relative graph convolution: features and their largest differences, mixed in four heads.

    The two are interleaved, so that each head sees both of the same quarter of the channels.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.update = conv_norm(2 * channels, 2 * channels, groups=heads)

    def forward(self, x: Tensor, keys: Tensor, neighbors: Tensor) -> Tensor:
        """Map [N, C, H, W], keys [N, Q, C] and neighbors [N, P, k] to [N, 2C, H, W]."""
        nodes = as_list(x)
        both = torch.stack([nodes, max_relative(nodes, keys, neighbors)], dim=3)
        maps = both.flatten(2).transpose(1, 2).unflatten(2, x.shape[2:])  # [N, 2C, H, W]
        return F.gelu(self.update(maps))


class FFN(nn.Module):
    """Widens each node's features four-fold, activates and narrows them again."""

    def __init__(self, channels: int, drop_path: float) -> None:
        super().__init__()
        self.fc1 = conv_norm(channels, 4 * channels)
        self.fc2 = conv_norm(4 * channels, channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape [N, C, H, W]."""
        return x + self.drop_path(self.fc2(F.gelu(self.fc1(x))))


class DropPath(nn.Module):
    """Skips a branch for a random share of the images while training (stochastic depth)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps: zero for some images, the others scaled up to keep the mean."""
        if not self.training or self.share == 0:
            return x
        kept = 1 - self.share
        return x * x.new_empty(len(x), 1, 1, 1).bernoulli_(kept).div_(kept)


def as_list(x: Tensor) -> Tensor:
    """View maps [N, C, H, W] as nodes [N, H * W, C]."""
    return x.flatten(2).transpose(1, 2)


def conv_norm(
    channels_in: int, channels_out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolve, with the bias that the published weights have, and normalize."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups),
        nn.BatchNorm2d(channels_out),
    )
