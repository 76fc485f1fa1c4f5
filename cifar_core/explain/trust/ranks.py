"""Rank correlation, for many rows at once."""

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Return the ranks [..., N] of values [..., N] within each row; equal values share their mean.

    Without the mean, the zeros of two maps would be ranked by their position, which looks like
    agreement.
    """
    ordered = values.sort(dim=-1).values.contiguous()
    values = values.contiguous()
    below = torch.searchsorted(ordered, values)
    up_to = torch.searchsorted(ordered, values, right=True)
    return (below + up_to).double() / 2


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """Return Spearman's rank correlation [...] of rows [..., N]; 0 where a row is constant."""
    first, second = (r - r.mean(dim=-1, keepdim=True) for r in (ranks(first), ranks(second)))
    size = first.norm(dim=-1) * second.norm(dim=-1)
    return (first * second).sum(dim=-1) / size.where(size > 0, 1)
