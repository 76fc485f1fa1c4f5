"""The optimizers of the weights that Muon leaves out: biases, norms and the last layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from cifar_core.registry import Registry

BETAS = 0.9, 0.99  # of AdamW; runs with Muon are short, so they have few steps to average over
ADAMW_EPS = 1e-8

Memory = dict[str, Any]  # what is kept of one weight from step to step
# weights that have gradients, the memory of each, learning rate, weight decay: moves them once
Move = Callable[[list[nn.Parameter], list[Memory], float, float], None]


@dataclass(frozen=True, kw_only=True)
class RestSpec:
    """One optimizer for the rest; the factors multiply the run's learning rate."""

    key: str  # saved in config.json; never renamed
    title: str
    summary: str
    build: Callable[[Any, bool], Move]  # from TrainConfig and whether fused kernels exist
    factors: Callable[[Any], tuple[float, float]]  # of biases and norms, and of the last layer
    uses: tuple[str, ...]  # settings that only this choice reads
    factors_act_on_decay: bool  # or weight decay acts as fast as without them


def by_adamw(config: Any, fused: bool) -> Move:
    """Make steps of torch's AdamW."""

    def move(weights: list[nn.Parameter], kept: list[Memory], rate: float, decay: float) -> None:
        for weight, memory in zip(weights, kept, strict=True):
            if "step" not in memory:
                memory["step"] = torch.zeros((), device=weight.device if fused else None)
        adamw(
            list(weights),
            gradients(weights),
            means(weights, kept, "exp_avg"),
            means(weights, kept, "exp_avg_sq"),
            [],
            [memory["step"] for memory in kept],
            fused=fused,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=decay,
            eps=ADAMW_EPS,
            maximize=False,
        )

    return move


def by_sgd(config: Any, fused: bool) -> Move:
    """Make steps of torch's SGD, whose weight decay is a part of the gradient."""
    momentum, nesterov = config.rest_momentum, config.nesterov and config.rest_momentum > 0

    def move(weights: list[nn.Parameter], kept: list[Memory], rate: float, decay: float) -> None:
        buffers: list[Tensor | None] = [*means(weights, kept, "momentum_buffer")]
        sgd(
            list(weights),
            gradients(weights),
            buffers,
            fused=fused,
            lr=rate,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=decay,
            dampening=0.0,
            maximize=False,
        )

    return move


def gradients(weights: list[nn.Parameter]) -> list[Tensor]:
    """Return the gradients of weights that all have one."""
    return [w.grad for w in weights if w.grad is not None]


def means(weights: list[nn.Parameter], kept: list[Memory], name: str) -> list[Tensor]:
    """Return a running mean of each weight; it starts at 0, in the weight's memory order."""
    for weight, memory in zip(weights, kept, strict=True):
        if name not in memory:
            memory[name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
    return [memory[name] for memory in kept]


REST_OPTIMIZERS = Registry(
    "optimizer of the rest",
    [
        RestSpec(
            key="adamw",
            title="AdamW",
            summary="One rate for all of them; suits any network.",
            build=by_adamw,
            factors=lambda config: (config.adamw_share, config.adamw_share),
            uses=("adamw_share",),
            factors_act_on_decay=True,
        ),
        RestSpec(
            key="sgd",
            title="SGD",
            summary="A momentum and two rates of their own, as in the CIFAR-10 speed records.",
            build=by_sgd,
            factors=lambda config: (config.bias_share, config.head_share),
            uses=("rest_momentum", "bias_share", "head_share"),
            factors_act_on_decay=False,
        ),
    ],
)
