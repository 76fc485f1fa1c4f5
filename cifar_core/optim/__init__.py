"""The optimizers. To add one: add an entry; if it needs code, give that its own file here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from cifar_core.optim.yogi import Yogi
from cifar_core.registry import Registry

Groups = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """One optimizer; `build(groups, rate, config, fused)` makes it."""

    key: str
    title: str
    summary: str
    # parameter groups, learning rate, TrainConfig, whether fused kernels exist -> optimizer
    build: Callable[[Groups, float, Any, bool], Optimizer]
    usual_rate: float  # where to start without a learning-rate finder
    uses: tuple[str, ...] = ()  # the settings that only this optimizer reads
    paper: str = ""


def decay_groups(model: nn.Module, weight_decay: float) -> Groups:
    """Split the trainable weights in two: matrices and filters decay, norms and biases do not."""
    return decaying([p for p in model.parameters() if p.requires_grad], weight_decay)


def decaying(weights: list[nn.Parameter], weight_decay: float) -> Groups:
    """Split weights in those that decay, matrices and filters, and the others."""
    return [
        {"params": [p for p in weights if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
    ]


def sgd(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make SGD; Nesterov's correction needs momentum, which the config has checked."""
    return torch.optim.SGD(
        groups, lr=rate, momentum=config.momentum, nesterov=config.nesterov, fused=fused
    )


def adam(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adam, whose weight decay is an L2 term in the gradient."""
    return torch.optim.Adam(groups, lr=rate, betas=(config.beta1, config.beta2), fused=fused)


def adamw(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make AdamW, whose weight decay is apart from the gradient."""
    return torch.optim.AdamW(groups, lr=rate, betas=(config.beta1, config.beta2), fused=fused)


def yogi(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Yogi, which is Adam but for how it follows the squared gradient."""
    return Yogi(groups, lr=rate, betas=(config.beta1, config.beta2), fused=fused)


OPTIMIZERS = Registry(
    "optimizer",
    [
        OptimizerSpec(
            key="sgd",
            title="SGD",
            summary="Slow to tune, hard to beat: most CIFAR-10 records are set with it.",
            build=sgd,
            usual_rate=0.1,
            uses=("momentum", "nesterov"),
        ),
        OptimizerSpec(
            key="adam",
            title="Adam",
            summary="Scales every weight's step by its recent gradients; forgiving of a bad rate.",
            build=adam,
            usual_rate=1e-3,
            uses=("beta1", "beta2"),
            paper="https://arxiv.org/abs/1412.6980",
        ),
        OptimizerSpec(
            key="adamw",
            title="AdamW",
            summary="Adam with a weight decay that does not depend on the gradients.",
            build=adamw,
            usual_rate=1e-3,
            uses=("beta1", "beta2"),
            paper="https://arxiv.org/abs/1711.05101",
        ),
        OptimizerSpec(
            key="yogi",
            title="Yogi",
            summary="Adam whose step size grows only slowly, so rare large gradients do less harm.",
            build=yogi,
            usual_rate=1e-2,
            uses=("beta1", "beta2"),
            paper="https://papers.nips.cc/paper/8186",
        ),
    ],
)
