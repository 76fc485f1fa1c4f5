"""Adafactor without waiting for the device: torch's reads two norms of every weight at each step.

Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235. The result is torch's but for rounding,
and so is the state.
"""

from typing import Any

import torch
from torch import Tensor


class Adafactor(torch.optim.Adafactor):
    """torch's Adafactor, whose norms stay on the device."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once."""
        for group in self.param_groups:
            lists: list[list[Any]] = [[] for _ in range(6)]
            self._init_group(group, *lists)
            for weight, gradient, rows, columns, squares, count in zip(*lists, strict=True):
                count += 1
                move(weight, gradient, rows, columns, squares, count.item(), group)


def move(
    weight: Tensor,
    gradient: Tensor,
    rows: Tensor | None,
    columns: Tensor | None,
    squares: Tensor | None,
    count: float,
    group: dict[str, Any],
) -> None:
    """Move a weight at its step number `count`; the running means change in place.

    A matrix has means of the squared gradient along its `rows` [..., m, 1] and `columns`
    [..., 1, n], a vector has them for each of its numbers, in `squares`.
    """
    small, least = group["eps"]
    small = small or torch.finfo(weight.dtype).eps
    newest = count ** group["beta2_decay"]  # the share of the newest gradient in the means
    length = rms(weight).clamp_min(least) * min(group["lr"], count**-0.5)
    weight.mul_(1 - group["lr"] * group["weight_decay"])
    if rows is not None and columns is not None:
        rows.lerp_(gradient.square().mean(dim=-1, keepdim=True), newest)
        columns.lerp_(gradient.square().mean(dim=-2, keepdim=True), newest)
        expected = rows @ columns / rows.mean(dim=-2, keepdim=True).clamp_min(small)
    else:
        assert squares is not None
        expected = squares.lerp_(gradient.square(), newest)
    update = expected.clamp_min(small * small).rsqrt_().mul_(gradient)
    weight.sub_(update * (length / (rms(update) / group["d"]).clamp_min(1.0)))


def rms(tensor: Tensor) -> Tensor:
    """Return the root of the mean square, as a scalar on the tensor's device."""
    return tensor.norm() / tensor.numel() ** 0.5
