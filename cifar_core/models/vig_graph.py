"""The graph of a Vision GNN: the nearest neighbors of each node, and their aggregation.

Letters: N images, P nodes, Q keys (the nodes that can be neighbors), C channels, k neighbors.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BAG_DEVICES = ("cpu", "cuda", "meta")  # on which embedding_bag supports the maximum


class Nearest(nn.Module):
    """Finds the k nearest keys of each node. It has no weights.

    A module, so that a forward hook can read the graph. With a dilation d, every d-th of the k * d
    nearest is kept, which reaches further. If the nodes are their own keys, the first neighbor of
    a node is the node itself.
    """

    def __init__(self, k: int, dilation: int = 1) -> None:
        super().__init__()
        self.k, self.dilation = k, dilation

    @torch.no_grad()
    def forward(self, nodes: Tensor, keys: Tensor, distance: Tensor | None = None) -> Tensor:
        """Return the neighbors [N, P, k] of nodes [N, P, C] among keys [N, Q, C], nearest first.

        Nearness is twice the cosine of the features, minus `distance` [1, P, Q] if it is not None.
        Near ties are common and change the logits, so float32 is used under autocast too.
        """
        k = min(self.k, keys.shape[1])
        dilation = max(1, min(self.dilation, keys.shape[1] // k))
        with no_autocast(nodes.device.type):
            queries, candidates = (F.normalize(wide(x), dim=2) for x in (nodes, keys))
            nearness = torch.bmm(queries, candidates.transpose(1, 2)).mul_(2)  # [N, P, Q]
            if distance is not None:
                nearness -= distance
        return nearness.topk(k * dilation, dim=2).indices[..., ::dilation]


def no_autocast(device_type: str) -> AbstractContextManager[object]:
    """Return a context without autocast, which "meta" does not have anyway."""
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def wide(x: Tensor) -> Tensor:
    """Return the values in at least 32 bits."""
    return x if x.dtype == torch.float64 else x.float()


def max_relative(nodes: Tensor, keys: Tensor, neighbors: Tensor) -> Tensor:
    """Return the largest difference of each feature to a neighbor's; [N, P, C].

    max_j (key_j - node) = (max_j key_j) - node, exactly so in floating point as well, because
    rounding keeps the order.
    """
    return neighbor_max(keys, neighbors) - nodes


def neighbor_max(keys: Tensor, neighbors: Tensor) -> Tensor:
    """Return the largest value of each feature among the neighbors [N, P, k]; [N, P, C].

    An embedding bag takes the maximum without storing all [N, P, k, C] neighbors. Its gradient is
    not deterministic on a GPU, so plain indexing is used where determinism is required.
    """
    images, nodes, k = neighbors.shape
    first = torch.arange(images, device=keys.device).view(-1, 1, 1) * keys.shape[1]
    rows, which = keys.flatten(0, 1), (neighbors + first).view(-1, k)  # [N Q, C], [N P, k]
    if torch.are_deterministic_algorithms_enabled() or keys.device.type not in BAG_DEVICES:
        largest = rows.index_select(0, which.flatten()).view(*which.shape, -1).amax(dim=1)
    else:
        largest = F.embedding_bag(which, rows, mode="max")
    return largest.view(images, nodes, -1)


def relative_distance(channels: int, side: int, pool: int) -> Tensor:
    """Return the distance of nodes from keys, [1, P, Q], for a grid whose keys are pooled cells.

    The distance is the negative similarity of sine-cosine position codes, taken at the centers of
    the cells; between -2 and 2, smaller is nearer.
    """
    nodes = position_codes(channels, torch.arange(side))
    keys = position_codes(channels, (torch.arange(side // pool) + 0.5) * pool - 0.5)
    return -(2 * nodes @ keys.T / channels).float()[None]


def published_relative_distance(channels: int, side: int, pool: int) -> Tensor:
    """Return the table of the published pyramid networks, [1, P, Q].

    Their pooled cells get the full table squeezed along the flattened index of the keys, which
    blurs neighboring columns instead of taking the cells' centers; the weights are trained with it.
    """
    codes = position_codes(channels, torch.arange(side))
    table = (2 * codes @ codes.T / channels).float()[None, None]
    size = (side**2, (side // pool) ** 2)
    return -F.interpolate(table, size, mode="bicubic", align_corners=False)[0]


def position_codes(channels: int, at: Tensor) -> Tensor:
    """Return float64 codes [P, C] of a square grid whose rows and columns are `at` these positions.

    The first half of the channels encodes the column, the second half the row.
    """
    row, column = torch.meshgrid(at, at, indexing="ij")
    half = channels // 2
    return torch.cat([waves(half, column.flatten()), waves(half, row.flatten())], dim=1)


def waves(channels: int, at: Tensor) -> Tensor:
    """Return sines, then cosines, of positions [P] at falling frequencies; [P, C]."""
    rates = 10000 ** -(torch.arange(channels // 2, dtype=torch.float64) / (channels / 2))
    angles = at.double()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
