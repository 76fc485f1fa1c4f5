"""Yogi at about the speed of Adam: torch's fused Adam takes the step, after Yogi's own rule.

The running mean v of the squared gradient moves by a share of the *newest* square, up or down,
where Adam's moves by a share of the difference:

    v <- v - (1 - beta2) * sign(v - g**2) * g**2

The rest is Adam. Fused Adam with `amsgrad` divides by the larger of two running means, its own and
the maximum so far; with minus infinity as its own, it divides by v. The work is done in blocks that
stay in a core's cache, because memory is the bottleneck, not arithmetic.

Zaheer, Reddi, Sachan, Kale and Kumar, "Adaptive Methods for Nonconvex Optimization", 2018,
https://papers.nips.cc/paper/8186
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from cifar_core.optim.blocks import Block, cut, make_blocks

START = 1e-6  # of both running means, as in torch-optimizer


class Yogi(Optimizer):
    """Equal to torch-optimizer's Yogi but for rounding, and with the same state.

    Weight decay is an L2 term in the gradient. Without `fused` it works on any device, in several
    passes over the memory; the same holds for weights with gaps in memory.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        fused: bool = True,
    ) -> None:
        self.fused = fused
        self.blocks: dict[tuple[int, ...], list[Block]] = {}  # by the tensors' addresses
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once; the closure is not used."""
        blocks = {}
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if not weights:
                continue
            memory = [self._remember(w) for w in weights]
            means, squares = [m["exp_avg"] for m in memory], [m["exp_avg_sq"] for m in memory]
            gradients, steps = [w.grad for w in weights], [m["step"] for m in memory]
            key = tuple(t.data_ptr() for t in (*weights, *means, *squares))
            if self.fused and key not in self.blocks:
                self.blocks[key] = make_blocks(weights, means, squares)
            blocks[key] = self.blocks.get(key, [])
            if blocks[key]:
                fused_step(blocks[key], cut(gradients, weights), steps, group)
            else:
                plain_step(weights, gradients, means, squares, steps, group)
        self.blocks = blocks

    def _remember(self, weight: Tensor) -> dict[str, Any]:
        """Return the weight's state after counting the step."""
        memory: dict[str, Any] = self.state[weight]
        if not memory:
            memory["step"] = 0
            memory["exp_avg"] = torch.full_like(weight, START)
            memory["exp_avg_sq"] = torch.full_like(weight, START)
        memory["step"] += 1
        return memory


def plain_step(
    weights: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[int],
    group: dict[str, Any],
) -> None:
    """Move weights in any memory order, applying each operation to all of them."""
    beta1, beta2 = group["betas"]
    if group["weight_decay"]:
        gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
    newest = torch._foreach_mul(gradients, gradients)
    signs = torch._foreach_sub(squares, newest)
    torch._foreach_sign_(signs)
    torch._foreach_addcmul_(squares, signs, newest, beta2 - 1)
    torch._foreach_lerp_(means, gradients, 1 - beta1)
    scales = torch._foreach_sqrt(squares)
    torch._foreach_div_(scales, [math.sqrt(1 - beta2**step) for step in steps])
    torch._foreach_add_(scales, group["eps"])
    rates = [-group["lr"] / (1 - beta1**step) for step in steps]
    torch._foreach_addcdiv_(weights, means, scales, rates)


def fused_step(
    blocks: list[Block], gradients: Iterator[Tensor], steps: list[int], group: dict[str, Any]
) -> None:
    """Move the weights block by block; `gradients` are cut like the weights."""
    beta1, beta2 = group["betas"]
    device = blocks[0].scratch.device
    counts = {step: torch.full((), float(step), device=device) for step in set(steps)}
    for block in blocks:
        newest = [next(gradients) for _ in block.weights]
        torch._foreach_copy_(block.newest, newest)
        if group["weight_decay"]:
            torch._foreach_add_(block.newest, block.weights, alpha=group["weight_decay"])
        block.scratch.mul_(block.scratch)
        torch._foreach_copy_(block.signs, block.squares)
        block.sign_scratch.sub_(block.scratch).sign_()
        torch._foreach_addcmul_(block.squares, block.signs, block.newest, beta2 - 1)
        torch._fused_adam_(
            block.weights, newest, block.means, block.nothing, block.squares,
            [counts[steps[owner]] for owner in block.owners],
            lr=group["lr"], beta1=beta1, beta2=beta2, eps=group["eps"],
            weight_decay=group["weight_decay"], amsgrad=True, maximize=False,
        )  # fmt: skip
