"""Vision GNN: patches are the nodes of a graph, whose edges join the most similar ones.

Han et al. 2022, https://arxiv.org/abs/2206.00272. Its parts are in `vig_blocks`, its graph in
`vig_graph`, its sizes in `vig_sizes`; `vig_keys` reads the published weights.
"""

from functools import partial

import torch
from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import SMALL, ModelSpec
from cifar_core.models.stems import halvings
from cifar_core.models.vig_blocks import ViGBlock, conv_norm
from cifar_core.models.vig_graph import Nearest, published_relative_distance, relative_distance
from cifar_core.models.vig_sizes import SIZES, Sizes, halved_first, node_stems

DISTANCES = {"centers": relative_distance, "published": published_relative_distance}


class ViG(nn.Module):
    """A stem of convolutions, a learned position for every node, the blocks and a head."""

    def __init__(
        self, sizes: Sizes, num_classes: int, *, resolution: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        side = resolution
        for _, stride in sizes.stem:
            side = halved(side, stride)
        self.stem = make_stem(sizes)
        self.pos_embed = nn.Parameter(torch.zeros(1, sizes.widths[0], side, side))
        self.blocks = make_blocks(sizes, side)
        self.head = make_head(sizes, num_classes, dropout)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                assert module.bias is not None
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W] of the network's resolution to logits [N, K]."""
        x = self.blocks(self.stem(x) + self.pos_embed)
        logits: Tensor = self.head(x.mean(dim=(2, 3), keepdim=True)).flatten(1)
        return logits


def halved(side: int, stride: int) -> int:
    """Return the side of the maps after a padded 3 x 3 convolution."""
    return (side - 1) // stride + 1


def make_stem(sizes: Sizes) -> nn.Sequential:
    """Return the convolutions from 3 channels to the first width, activated in between."""
    layers: list[nn.Module] = []
    channels = 3
    for share, stride in sizes.stem:
        width = sizes.widths[0] // share
        layers += [*conv_norm(channels, width, 3, stride=stride), nn.GELU()]
        channels = width
    return nn.Sequential(*layers[:-1])


def make_blocks(sizes: Sizes, side: int) -> nn.Sequential:
    """Return the blocks of all stages, with a strided convolution between two stages."""
    depth = sum(sizes.depths)
    counts = neighbor_counts(sizes.neighbors, depth)
    smallest = side
    for _ in sizes.depths[1:]:
        smallest = halved(smallest, 2)
    furthest = max(1, smallest**2 // max(counts)) if sizes.dilated else 1
    layers: list[nn.Module] = []
    number = 0
    for stage, (blocks, width) in enumerate(zip(sizes.depths, sizes.widths, strict=True)):
        if stage:
            layers.append(conv_norm(sizes.widths[stage - 1], width, 3, stride=2))
            side = halved(side, 2)
        pool = sizes.pools[stage]
        table = DISTANCES[sizes.distance](width, side, pool) if sizes.distance else None
        for _ in range(blocks):
            nearest = Nearest(counts[number], min(number // 4 + 1, furthest))
            skip = sizes.drop_path * number / (depth - 1)
            own = None if table is None else table.clone()  # saved files share no memory
            layers.append(ViGBlock(width, nearest, pool=pool, relative_pos=own, drop_path=skip))
            number += 1
    return nn.Sequential(*layers)


def neighbor_counts(ends: tuple[int, int], depth: int) -> list[int]:
    """Return the number of neighbors in each block, growing evenly, rounded down."""
    first, last = ends
    return [first + (last - first) * number // (depth - 1) for number in range(depth)]


def make_head(sizes: Sizes, num_classes: int, dropout: float) -> nn.Sequential:
    """Return the layers from pooled features [N, C, 1, 1] to logits [N, K, 1, 1]."""
    width = sizes.widths[-1]
    if not sizes.head:
        return nn.Sequential(nn.Dropout(dropout), nn.Conv2d(width, num_classes, 1))
    return nn.Sequential(
        *conv_norm(width, sizes.head),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Conv2d(sizes.head, num_classes, 1),
    )


def build(sizes: Sizes, num_classes: int, *, side: int = 32, dropout: float = 0.0) -> nn.Module:
    """Return a fresh network for images of `side` pixels, whose nodes grow with the image."""
    at_side = halved_first(sizes, halvings(side))
    return Scaled(ViG(at_side, num_classes, resolution=side, dropout=dropout))


def build_published(
    sizes: Sizes, num_classes: int, *, side: int = 32, resolution: int = 224, dropout: float = 0.0
) -> nn.Module:
    """Return a fresh network of a published size, which enlarges smaller images to `resolution`."""
    body = ViG(sizes, num_classes, resolution=max(side, resolution), dropout=dropout)
    half = (0.5, 0.5, 0.5)
    enlarged = resolution if resolution > side else None
    return Scaled(body, mean=half, std=half, resolution=enlarged)


def entry(key: str, title: str, summary: str, *, cam_block: int) -> ModelSpec:
    """Return the entry of one size."""
    sizes = SIZES[key]
    small = sizes.input_size == SMALL
    return ModelSpec(
        key=key,
        title=title,
        summary=summary,
        family="Graph",
        build=partial(build if small else build_published, sizes),
        cam_layer=f"body.blocks.{cam_block}",
        input_size=sizes.input_size,
        stems=node_stems(sizes) if small else (),
        paper="https://arxiv.org/abs/2206.00272",
    )


SPECS = [
    entry(
        "vig_nano",
        "ViG nano",
        "Six graph blocks, 8 x 8 nodes at 32 pixels: a Vision GNN that a laptop can train.",
        cam_block=5,
    ),
    entry(
        "vig_tiny",
        "ViG tiny",
        "Eight graph blocks, half as wide again: the graph network to start with.",
        cam_block=7,
    ),
    entry(
        "vig_small",
        "ViG small",
        "The published ViG-Ti's twelve blocks, 8 x 8 nodes at 32 pixels; for a GPU.",
        cam_block=11,
    ),
    entry(
        "vig_pyramid",
        "Pyramid ViG",
        "Three graphs, 16 x 16 to 4 x 4 nodes at 32 pixels, near ones preferred.",
        cam_block=6,
    ),
    entry(
        "vig_ti",
        "ViG-Ti",
        "The published tiny size: twelve blocks; smaller images are enlarged to 224 pixels.",
        cam_block=11,
    ),
    entry(
        "vig_s",
        "ViG-S",
        "The published small size, sixteen blocks, made for 224 pixels; for a GPU.",
        cam_block=15,
    ),
    entry(
        "vig_b",
        "ViG-B",
        "The published base size, twice as wide as ViG-S; for a large GPU.",
        cam_block=15,
    ),
    entry(
        "pvig_ti",
        "Pyramid ViG-Ti",
        "The published tiny pyramid: four graphs, 56 x 56 to 7 x 7 nodes at 224 pixels.",
        cam_block=11,
    ),
    entry(
        "pvig_s",
        "Pyramid ViG-S",
        "The published small pyramid, made for 224 pixels; for a GPU.",
        cam_block=11,
    ),
    entry(
        "pvig_m",
        "Pyramid ViG-M",
        "The published medium pyramid, with sixteen blocks in its third stage.",
        cam_block=21,
    ),
    entry(
        "pvig_b",
        "Pyramid ViG-B",
        "The published base pyramid, the largest network of the lab.",
        cam_block=23,
    ),
]
