"""The optimizers that most papers use: torch's own, and Yogi."""

from typing import Any

import torch
from torch.optim import Optimizer

from cifar_core.optim.adafactor import Adafactor
from cifar_core.optim.spec import Groups, OptimizerSpec
from cifar_core.optim.yogi import Yogi

BETAS = ("beta1", "beta2")


class NAdam(torch.optim.NAdam):
    """torch's NAdam, whose running product of momenta stays on the CPU also when it is restored.

    The program reads it at every step. torch moves it to the weight's device, and then waits for
    the device once for each weight.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state_dict)
        for memory in self.state.values():
            memory["mu_product"] = memory["mu_product"].cpu()


def betas(config: Any) -> tuple[float, float]:
    """Return the decay rates of the mean gradient and of the squared gradient."""
    return config.beta1, config.beta2


def sgd(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make SGD; Nesterov's correction needs momentum, which the config has checked."""
    return torch.optim.SGD(
        groups, lr=rate, momentum=config.momentum, nesterov=config.nesterov, fused=fused
    )


def adam(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adam, whose weight decay is an L2 term in the gradient."""
    return torch.optim.Adam(groups, lr=rate, betas=betas(config), fused=fused)


def adamw(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make AdamW, whose weight decay is decoupled from the gradient."""
    return torch.optim.AdamW(groups, lr=rate, betas=betas(config), fused=fused)


def yogi(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Yogi, which differs from Adam in its running mean of the squared gradient."""
    return Yogi(groups, lr=rate, betas=betas(config), fused=fused)


def nadam(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make NAdam with decoupled weight decay."""
    return NAdam(groups, lr=rate, betas=betas(config), decoupled_weight_decay=True, foreach=True)


def radam(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make RAdam with decoupled weight decay."""
    return torch.optim.RAdam(
        groups, lr=rate, betas=betas(config), decoupled_weight_decay=True, foreach=True
    )


def adamax(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adamax."""
    return torch.optim.Adamax(groups, lr=rate, betas=betas(config), foreach=True)


def rmsprop(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make RMSprop."""
    return torch.optim.RMSprop(groups, lr=rate, foreach=True)


def adagrad(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adagrad."""
    return torch.optim.Adagrad(groups, lr=rate, foreach=True)


def adadelta(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adadelta."""
    return torch.optim.Adadelta(groups, lr=rate, foreach=True)


def adafactor(groups: Groups, rate: float, config: Any, fused: bool) -> Optimizer:
    """Make Adafactor."""
    return Adafactor(groups, lr=rate)


STANDARD = [
    OptimizerSpec(
        key="sgd",
        title="SGD",
        summary="Slow to tune, hard to beat: most CIFAR-10 records are set with it.",
        build=sgd,
        usual_rate=0.1,
        uses=("momentum", "nesterov"),
        paper="https://proceedings.mlr.press/v28/sutskever13.html",
    ),
    OptimizerSpec(
        key="adam",
        title="Adam",
        summary="Scales each weight's step by its recent gradients; tolerates a poor rate.",
        build=adam,
        usual_rate=1e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1412.6980",
    ),
    OptimizerSpec(
        key="adamw",
        title="AdamW",
        summary="Adam with a weight decay that does not depend on the gradients.",
        build=adamw,
        usual_rate=1e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1711.05101",
    ),
    OptimizerSpec(
        key="yogi",
        title="Yogi",
        summary="Adam whose step size grows only slowly, so rare large gradients do less harm.",
        build=yogi,
        usual_rate=1e-2,
        uses=BETAS,
        paper="https://papers.nips.cc/paper/8186",
    ),
    OptimizerSpec(
        key="nadam",
        title="NAdam",
        summary="Adam with Nesterov momentum.",
        build=nadam,
        usual_rate=2e-3,
        uses=BETAS,
        paper="https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
    ),
    OptimizerSpec(
        key="radam",
        title="RAdam",
        summary="Adam with smaller first steps, while it has few gradients; needs no warm-up.",
        build=radam,
        usual_rate=5e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1908.03265",
    ),
    OptimizerSpec(
        key="adamax",
        title="Adamax",
        summary="Adam that divides by the largest recent gradient instead of their mean square.",
        build=adamax,
        usual_rate=3e-3,
        uses=BETAS,
        paper="https://arxiv.org/abs/1412.6980",
    ),
    OptimizerSpec(
        key="rmsprop",
        title="RMSprop",
        summary="Divides each step by the size of recent gradients; Adam without momentum.",
        build=rmsprop,
        usual_rate=1e-3,
        paper="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    ),
    OptimizerSpec(
        key="adagrad",
        title="Adagrad",
        summary="Divides each step by all gradients so far, so its steps only get smaller.",
        build=adagrad,
        usual_rate=1e-2,
        paper="https://jmlr.org/papers/v12/duchi11a.html",
    ),
    OptimizerSpec(
        key="adadelta",
        title="Adadelta",
        summary="Scales its steps by its own recent steps, so that the rate can stay near 1.",
        build=adadelta,
        usual_rate=1.0,
        paper="https://arxiv.org/abs/1212.5701",
    ),
    OptimizerSpec(
        key="adafactor",
        title="Adafactor",
        summary="Keeps means of rows and columns, not of each weight: little memory, slower steps.",
        build=adafactor,
        usual_rate=3e-2,
        paper="https://arxiv.org/abs/1804.04235",
    ),
]
