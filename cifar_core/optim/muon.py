"""Muon: momentum whose updates are made orthogonal, so that all directions change equally."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw

from cifar_core.optim.spec import Groups, OptimizerSpec

# Jordan's quintic polynomial, chosen to grow small singular values fast; they end near 1, not at 1
QUINTIC = (3.4445, -4.7750, 2.0315)
STEPS = 5
BETAS = 0.9, 0.99  # of AdamW; runs with Muon are short, so they have few steps to average over
ADAMW_EPS = 1e-8


class Muon(Optimizer):
    """Muon for groups with `orthogonal`, AdamW for the others; weight decay is decoupled in both.

    A filter bank [out, in, h, w] is taken as the matrix [out, in * h * w]. An update has singular
    values of about 1 times max(1, out / in)^1/2, so that a rate means the same for any width.
    Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; torch.optim.Muon takes
    matrices only.
    """

    def __init__(
        self, groups: Groups, lr: float, *, momentum: float, nesterov: bool, fused: bool = False
    ) -> None:
        # from "fused", torch knows the device for a restored AdamW's step count
        defaults = {"lr": lr, "weight_decay": 0.0, "orthogonal": True, "fused": fused}
        super().__init__(groups, {**defaults, "momentum": momentum})
        self.nesterov, self.fused = nesterov, fused

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once."""
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if group["orthogonal"]:
                for batch in of_one_shape(weights):
                    self._muon(batch, group)
            elif weights:
                self._adamw(weights, group["lr"], group["weight_decay"])

    def _muon(self, weights: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Move weights of one shape, orthogonalizing all their updates at once."""
        rate, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        gradients = [w.grad for w in weights if w.grad is not None]
        memories = [self._memory(w, "momentum_buffer") for w in weights]
        tensors: list[Tensor] = list(weights)
        torch._foreach_mul_(memories, momentum)
        torch._foreach_add_(memories, gradients)
        directions: list[Tensor] = memories
        if self.nesterov:
            directions = list(torch._foreach_add(gradients, memories, alpha=momentum))
        updates = orthogonalized(torch.stack(directions).flatten(2))  # [k, out, in * h * w]
        rows, columns = updates.shape[1:]
        torch._foreach_mul_(tensors, 1 - rate * decay)
        moves = [update.view_as(w) for update, w in zip(updates, weights, strict=True)]
        torch._foreach_add_(tensors, moves, alpha=-rate * max(1.0, rows / columns) ** 0.5)

    def _adamw(self, weights: list[nn.Parameter], rate: float, decay: float) -> None:
        """Move the others with torch's own AdamW."""
        counts = []
        for weight in weights:
            memory = self.state[weight]
            if "step" not in memory:
                where = weight.device if self.fused else None
                memory["step"] = torch.zeros((), device=where)
            counts.append(memory["step"])
        adamw(
            list(weights),
            [w.grad for w in weights if w.grad is not None],
            [self._memory(w, "exp_avg") for w in weights],
            [self._memory(w, "exp_avg_sq") for w in weights],
            [],
            counts,
            fused=self.fused,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=decay,
            eps=ADAMW_EPS,
            maximize=False,
        )

    def _memory(self, weight: nn.Parameter, name: str) -> Tensor:
        """Return a running mean of a weight; it starts at 0, in the weight's memory order."""
        memory = self.state[weight]
        if name not in memory:
            memory[name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        mean: Tensor = memory[name]
        return mean


def of_one_shape(weights: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Group the weights that can be computed as one batch."""
    ordered = sorted(weights, key=lambda w: tuple(w.shape))
    for _, batch in groupby(ordered, key=lambda w: w.shape):
        yield list(batch)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices [k, rows, columns] near 1, by Newton-Schulz steps."""
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x.bfloat16() if x.is_cuda else x.float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def split_by_shape(groups: Groups, rate: float, share: float) -> Groups:
    """Separate each group's matrices and filters from the rest, which gets a share of the rate.

    The last matrix of the first group computes the logits and belongs to the rest: its rows are
    classes, which need not change equally.
    """
    matrices = [w for w in groups[0]["params"] if w.ndim >= 2]
    parts = []
    for group in groups:
        hidden = [w for w in group["params"] if is_matrix(w) and w is not matrices[-1]]
        names = {id(w) for w in hidden}
        rest = [w for w in group["params"] if id(w) not in names]
        own = group.get("share", 1.0)
        of_rest = {"lr": rate * share, "share": own * share}
        parts.append({**group, "params": hidden, "orthogonal": True, "share": own})
        parts.append({**group, "params": rest, "orthogonal": False, **of_rest})
    return [group for group in parts if group["params"]]


def is_matrix(weight: Tensor) -> bool:
    """Return True for matrices and filters; biases, tokens and positions have 1 or 3 axes."""
    return weight.ndim in (2, 4)


def muon(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Muon for hidden matrices and filters, with AdamW for biases and the last layer."""
    return Muon(
        split_by_shape(groups, rate, config.adamw_share),
        rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        fused=fused,
    )


SPECS = [
    OptimizerSpec(
        key="muon",
        title="Muon",
        summary="Makes each layer's step orthogonal, so that all directions change equally; in "
        "the latest speed records.",
        build=muon,
        usual_rate=0.05,
        uses=("momentum", "nesterov", "adamw_share"),
        paper="https://kellerjordan.github.io/posts/muon/",
    )
]
