"""How alike the pictures of a set are: candidates by exact search, then checked pair by pair."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Report

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32  # gray pixels at which a pair is checked
CELLS = 8  # gray cells a side by which candidates are found
NEAREST = 3  # candidates of an image, and as many of its mirror image
ALIKE = 0.85  # correlation at 8 x 8 below which nothing is a candidate
SAME = 0.92  # correlation of gray pixels from which a pair counts
SAME_DETAIL = 0.6  # and of what is left of them without their blurred copy
SHIFT = 2  # pixels of SIDE
BLUR = 5  # pixels of SIDE that are averaged
SEARCHED = 256  # images compared with all others at once
CHECKED = 2048  # pairs checked at once
GRAY = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
PLAIN = 3.0  # a picture whose gray varies less is of one color: it is like any other such

Pair = tuple[int, int, float]  # two numbers of images, the smaller first, and their distance


class Likeness:
    """Finds the pairs of nearly the same picture in uint8 arrays [N, S, S, 3], numbered through."""

    def __init__(self, parts: Sequence[NDArray[np.uint8]]) -> None:
        self.gray = np.concatenate([gray_of(part) for part in parts])  # uint8 [N, 32, 32]

    def pairs(self, report: Report) -> list[Pair]:
        """Return the pairs; the distance is 1 minus the correlation. Each pair comes once."""
        found: list[Pair] = []
        for turn, mirrored in enumerate((False, True)):
            wanted = self.candidates(mirrored, turn, report)
            found += self.checked(wanted, mirrored)
        return found

    def candidates(self, mirrored: bool, turn: int, report: Report) -> NDArray[np.int64]:
        """Return pairs [M, 2] of each image and the most similar ones, the smaller first."""
        import torch

        vectors = torch.from_numpy(cells_of(self.gray))
        queries = torch.from_numpy(cells_of(self.gray[:, :, ::-1])) if mirrored else vectors
        found = []
        for start in range(0, len(queries), SEARCHED):
            likeness = queries[start : start + SEARCHED] @ vectors.T  # [B, N]
            own = torch.arange(len(likeness))
            likeness[own, start + own] = -2
            best, which = likeness.topk(min(NEAREST, likeness.shape[1]), dim=1)
            row, place = torch.nonzero(best >= ALIKE, as_tuple=True)
            found.append(torch.stack([start + row, which[row, place]], 1).numpy())
            report(turn * len(queries) + min(start + SEARCHED, len(queries)), 2 * len(queries))
        return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)

    def checked(self, pairs: NDArray[np.int64], mirrored: bool) -> Iterator[Pair]:
        """Yield those candidates that are the same picture."""
        for start in range(0, len(pairs), CHECKED):
            some = pairs[start : start + CHECKED]
            one, other = (self.gray[some[:, side]].astype(np.float32) for side in (0, 1))
            other = other[:, :, ::-1] if mirrored else other
            likeness, detail = compared(one, other)
            for number in np.flatnonzero((likeness >= SAME) & (detail >= SAME_DETAIL)):
                a, b = some[number].tolist()
                yield a, b, float(1 - min(1.0, likeness[number]))


def gray_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return gray pixels [N, 32, 32] of images [N, S, S, 3], averaged if they are larger."""
    import torch

    gray = np.empty((len(pixels), SIDE, SIDE), np.uint8)
    for start in range(0, len(pixels), SEARCHED):
        some = np.asarray(pixels[start : start + SEARCHED], np.float32) @ np.array(GRAY, np.float32)
        if some.shape[1:] != (SIDE, SIDE):
            small = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(some), SIDE)
            some = small.numpy()
        gray[start : start + SEARCHED] = np.rint(some)
    return gray


def cells_of(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return vectors [N, 64] of length 1: the cells' gray without its mean; zero if it is plain."""
    step = SIDE // CELLS
    cells = gray.reshape(-1, CELLS, step, CELLS, step).mean((2, 4), dtype=np.float32)
    flat = cells.reshape(len(gray), -1)
    flat = flat - flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length >= PLAIN, flat / np.maximum(length, PLAIN), 0).astype(np.float32)


def compared(
    one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the correlations [M] of pairs [M, 32, 32] at their best shift: of gray, of detail."""
    fine_one, fine_other = detail_of(one), detail_of(other)
    inner = slice(SHIFT, SIDE - SHIFT)
    fixed, fixed_fine = (centered(image[:, inner, inner]) for image in (one, fine_one))
    best, detail = np.full(len(one), -1, np.float32), np.full(len(one), -1, np.float32)
    for down in range(2 * SHIFT + 1):
        for across in range(2 * SHIFT + 1):
            moved = (slice(None), slice(down, down + SIDE - 2 * SHIFT),
                     slice(across, across + SIDE - 2 * SHIFT))  # fmt: skip
            likeness = np.einsum("np,np->n", fixed, centered(other[moved]))
            better = np.flatnonzero(likeness > best)
            best[better] = likeness[better]
            fine = centered(fine_other[better][moved])
            detail[better] = np.einsum("np,np->n", fixed_fine[better], fine)
    return best, detail


def centered(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images [M, h, w] as vectors [M, h * w] without their mean, of length 1."""
    flat = images.reshape(len(images), images.shape[1] * images.shape[2])
    flat = flat - flat.mean(1, keepdims=True)
    length = np.sqrt(np.einsum("np,np->n", flat, flat))[:, None]
    return flat / np.maximum(length, 1e-3)


def detail_of(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images [M, 32, 32] without their blurred copies."""
    import torch

    padded = torch.nn.functional.pad(torch.from_numpy(np.ascontiguousarray(images)[:, None]),
                                     [BLUR // 2] * 4, mode="replicate")  # fmt: skip
    blurred: Tensor = torch.nn.functional.avg_pool2d(padded, BLUR, stride=1)[:, 0]
    return images - blurred.numpy()
