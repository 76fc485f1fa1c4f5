"""Muon: momentum whose updates are made orthogonal, so that all directions change equally."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cifar_core.optim.newton_schulz import SMALLEST_NORM, is_tall, orthogonalized
from cifar_core.optim.rest import REST_OPTIMIZERS, Move, RestSpec, gradients, means
from cifar_core.optim.spec import Groups, OptimizerSpec


class Muon(Optimizer):
    """Muon for groups with `orthogonal`, `move_rest` for the others.

    A filter bank [out, in, h, w] is taken as the matrix [out, in * h * w]. An update has singular
    values of about 1 times max(1, out / in)^1/2, so that a rate means the same for any width.
    Weight decay is decoupled; normalized weights are scaled to the norm out^1/2 before each step
    instead. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; torch.optim.Muon
    takes matrices only.
    """

    def __init__(
        self,
        groups: Groups,
        lr: float,
        *,
        momentum: float,
        nesterov: bool,
        steps: int,
        normalized: bool,
        move_rest: Move,
        fused: bool = False,
    ) -> None:
        # from "fused", torch knows the device for a restored AdamW's step count
        defaults = {"lr": lr, "weight_decay": 0.0, "orthogonal": True, "fused": fused}
        super().__init__(groups, {**defaults, "momentum": momentum})
        self.nesterov, self.steps, self.normalized = nesterov, steps, normalized
        self.move_rest = move_rest

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once."""
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if weights and group["orthogonal"]:
                self._move_orthogonally(weights, group)
            elif weights:
                kept = [self.state[w] for w in weights]
                self.move_rest(weights, kept, group["lr"], group["weight_decay"])

    def _move_orthogonally(self, weights: list[nn.Parameter], group: dict[str, Any]) -> None:
        rate, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        tensors: list[Tensor] = list(weights)
        memories = means(weights, [self.state[w] for w in weights], "momentum_buffer")
        torch._foreach_mul_(memories, momentum)
        torch._foreach_add_(memories, gradients(weights))
        directions = memories
        if self.nesterov:
            directions = list(torch._foreach_add(gradients(weights), memories, alpha=momentum))
        moves = orthogonalized([d.flatten(1) for d in directions], self.steps)
        moves = [m * (len(m) / m.shape[1]) ** 0.5 if is_tall(m) else m for m in moves]
        if self.normalized:
            normalize(tensors)
        else:
            torch._foreach_mul_(tensors, 1 - rate * decay)
        shaped = [move.view_as(w) for move, w in zip(moves, weights, strict=True)]
        torch._foreach_add_(tensors, shaped, alpha=-rate)


def normalize(weights: list[Tensor]) -> None:
    """Scale weights [out, ...] so that the squares of each sum to `out`, in place."""
    norms = list(torch._foreach_norm(weights))
    torch._foreach_clamp_min_(norms, SMALLEST_NORM)
    torch._foreach_div_(norms, [len(w) ** 0.5 for w in weights])
    torch._foreach_div_(weights, norms)


def split_by_shape(groups: Groups, rate: float, rest: RestSpec, config: Any) -> Groups:
    """Separate each group's matrices and filters from the rest, whose rates have two factors.

    The last matrix of the first group computes the logits and belongs to the rest, with the second
    factor: its rows are classes, which need not change equally.
    """
    last = [w for w in groups[0]["params"] if w.ndim >= 2][-1]
    parts = []
    for group in groups:
        own = group.get("share", 1.0)
        hidden = [w for w in group["params"] if is_matrix(w) and w is not last]
        names = {id(w) for w in [*hidden, last]}
        others = [w for w in group["params"] if id(w) not in names]
        head = [w for w in group["params"] if w is last]
        parts.append({**group, "params": hidden, "orthogonal": True, "share": own})
        for weights, factor in zip((others, head), rest.factors(config), strict=True):
            decay = group["weight_decay"] / (1 if rest.factors_act_on_decay else factor)
            rates = {"lr": rate * factor, "share": own * factor, "weight_decay": decay}
            parts.append({**group, "params": weights, "orthogonal": False, **rates})
    return [group for group in parts if group["params"]]


def is_matrix(weight: Tensor) -> bool:
    """Return True for matrices and filters; biases, tokens and positions have 1 or 3 axes."""
    return weight.ndim in (2, 4)


def muon(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Muon for hidden matrices and filters, with another for biases and the last layer."""
    rest = REST_OPTIMIZERS[config.rest_optimizer]
    return Muon(
        split_by_shape(groups, rate, rest, config),
        rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        steps=config.newton_schulz_steps,
        normalized=config.normalized_weights,
        move_rest=rest.build(config, fused),
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
        uses=(
            "momentum",
            "nesterov",
            "newton_schulz_steps",
            "normalized_weights",
            "rest_optimizer",
        ),
        paper="https://kellerjordan.github.io/posts/muon/",
    )
]
