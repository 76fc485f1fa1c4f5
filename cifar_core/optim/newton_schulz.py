"""Makes matrices nearly orthogonal by Newton-Schulz steps, many matrices at once."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Jordan's quintic polynomial, chosen to grow small singular values fast; they end near 1, not at 1
QUINTIC = (3.4445, -4.7750, 2.0315)
SMALLEST_NORM = 1e-7  # so that a matrix of zeros stays one

# Operations that a GPU does while the three kernels of a step are launched: about 15 microseconds
# at 200 TFLOP/s, an estimate. A CPU launches nothing.
OPERATIONS_OF_A_LAUNCH = {"cuda": 3e9}

Shape = tuple[int, int]  # rows, columns


def orthogonalized(matrices: Sequence[Tensor], steps: int) -> list[Tensor]:
    """Bring the singular values of matrices [rows, columns] near 1; the shapes may differ."""
    wide = [m.mT if is_tall(m) else m for m in matrices]
    limit = OPERATIONS_OF_A_LAUNCH.get(matrices[0].device.type, 0.0)
    found: dict[int, Tensor] = {}
    for frame, members in batches([(len(m), m.shape[1]) for m in wide], limit):
        stacked = torch.stack([padded(wide[i], frame) for i in members])
        found |= zip(members, newton_schulz(stacked, steps), strict=True)
    ends = [found[i][: len(m), : m.shape[1]] for i, m in enumerate(wide)]
    return [end.mT if is_tall(m) else end for end, m in zip(ends, matrices, strict=True)]


def newton_schulz(matrices: Tensor, steps: int) -> Tensor:
    """Take the steps with matrices [k, rows, columns] that have at most as many rows as columns.

    Rows and columns of zeros stay zeros and change nothing else.
    """
    a, b, c = QUINTIC
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + SMALLEST_NORM)
    for _ in range(steps):
        square = x @ x.mT
        factor = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, factor, x, beta=a)
    return x.to(matrices.dtype)


def batches(shapes: Sequence[Shape], limit: float) -> list[tuple[Shape, list[int]]]:
    """Group matrices, by index, into batches padded to one shape each, the largest first.

    A matrix joins a larger shape if that takes at most `limit` more operations a step than a
    batch of its own would; with 0 a batch has one shape.
    """
    found: list[tuple[Shape, list[int]]] = []
    for i in sorted(range(len(shapes)), key=lambda i: shapes[i], reverse=True):
        rows, columns = shapes[i]
        for frame, members in found:
            fits = rows <= frame[0] and columns <= frame[1]
            if fits and operations(frame) - operations(shapes[i]) <= limit:
                members.append(i)
                break
        else:
            found.append((shapes[i], [i]))
    return found


def operations(shape: Shape) -> int:
    """Return the floating-point operations of one step with a matrix."""
    rows, columns = shape
    return 4 * rows**2 * columns + 2 * rows**3


def padded(matrix: Tensor, shape: Shape) -> Tensor:
    """Add rows and columns of zeros at the ends, as far as the matrix is smaller."""
    rows, columns = matrix.shape
    if (rows, columns) == shape:
        return matrix
    return F.pad(matrix, (0, shape[1] - columns, 0, shape[0] - rows))


def is_tall(matrix: Tensor) -> bool:
    """Return True for a matrix with more rows than columns."""
    return matrix.shape[0] > matrix.shape[1]
