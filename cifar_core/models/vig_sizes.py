"""The sizes of Vision GNN: small ones of this lab, and the published ones for 224 pixels.

The published numbers are those of https://arxiv.org/abs/2206.00272 and its authors' code.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import prod

from cifar_core.models.stems import patch_stems


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The dimensions of one Vision GNN."""

    depths: tuple[int, ...]  # blocks of each stage; the image is halved between two stages
    widths: tuple[int, ...]  # channels of each stage
    stem: tuple[tuple[int, int], ...]  # of each convolution: divisor of its width, stride
    pools: tuple[int, ...] = (1,)  # of each stage: side of the cells whose means are the keys
    neighbors: tuple[int, int] = (9, 9)  # of the first and of the last block
    distance: str = ""  # key of DISTANCES, if nearness includes positions
    dilated: bool = False  # neighbors are farther away every four blocks
    input_size: int = 32  # pixels a side
    head: int = 0  # width of the layer before the last, if there is one
    drop_path: float = 0.0  # share of images that skip the last block; rises from 0 at the first


TO_8 = ((2, 1), (1, 2), (1, 2))  # from 32 pixels to a grid of 8 x 8
NARROW_TO_8 = ((4, 1), (2, 2), (1, 2), (1, 1))  # narrow on the first, largest maps
TO_16 = ((2, 1), (1, 2), (1, 1))
ISOTROPIC = partial(
    Sizes,
    stem=((8, 2), (4, 2), (2, 2), (1, 2), (1, 1)),  # from 224 pixels to 14 x 14
    neighbors=(9, 18),
    dilated=True,
    input_size=224,
    head=1024,
    drop_path=0.1,
)
PYRAMID = partial(
    Sizes,
    stem=((2, 2), (1, 2), (1, 1)),  # from 224 pixels to 56 x 56
    pools=(4, 2, 1, 1),
    distance="published",
    dilated=True,
    input_size=224,
    head=1024,
    drop_path=0.1,
)
SIZES = {
    "vig_nano": Sizes(depths=(6,), widths=(64,), stem=TO_8),
    "vig_tiny": Sizes(depths=(8,), widths=(96,), stem=TO_8, drop_path=0.05),
    "vig_small": Sizes(
        depths=(12,), widths=(192,), stem=NARROW_TO_8, neighbors=(9, 18), drop_path=0.1
    ),
    "vig_pyramid": Sizes(
        depths=(2, 4, 2),
        widths=(48, 96, 192),
        stem=TO_16,
        pools=(2, 1, 1),
        distance="centers",
        drop_path=0.05,
    ),
    "vig_ti": ISOTROPIC(depths=(12,), widths=(192,)),
    "vig_s": ISOTROPIC(depths=(16,), widths=(320,)),
    "vig_b": ISOTROPIC(depths=(16,), widths=(640,)),
    "pvig_ti": PYRAMID(depths=(2, 2, 6, 2), widths=(48, 96, 240, 384)),
    "pvig_s": PYRAMID(depths=(2, 2, 6, 2), widths=(80, 160, 400, 640)),
    "pvig_m": PYRAMID(depths=(2, 2, 16, 2), widths=(96, 192, 384, 768)),
    "pvig_b": PYRAMID(depths=(2, 2, 18, 2), widths=(128, 256, 512, 1024)),
}


def halved_first(sizes: Sizes, count: int) -> Sizes:
    """Return the sizes with `count` more strided convolutions, narrow ones, before the stem's."""
    more = tuple((2 ** (count + 1 - number), 2) for number in range(count))
    return replace(sizes, stem=more + sizes.stem)


def node_stems(sizes: Sizes) -> tuple[str, ...]:
    """Return in words, for each number of halvings, how large a node is."""
    pixels = prod(stride for _, stride in sizes.stem)
    return tuple(f"a graph whose nodes are {words}" for words in patch_stems(pixels))
