"""LAMB, LARS and NovoGrad: the step of a layer depends on the norms of its weights and gradient.

They equal torch-optimizer's but for rounding, and continue from its state. That one asks of every
layer whether a norm is 0, for which a GPU has to be waited for; here the norms stay on the device.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from cifar_core.optim.spec import Groups

LARGEST_NORM = 10.0  # of a layer's weights, in LAMB
TRUST = 0.01  # share of a layer's weights that a gradient moves at a rate of 1, in LARS


class Layerwise(Optimizer):
    """Moves all weights of a group at once, by `move`."""

    def __init__(self, groups: Groups, lr: float, **settings: Any) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, **settings})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once."""
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if weights:
                self.move(weights, [w.grad for w in weights], group)

    def move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Move weights along their gradients, with the settings of their group."""
        raise NotImplementedError

    def memories(
        self, weights: list[Tensor], name: str, make: Callable[[Tensor], Tensor] = torch.zeros_like
    ) -> list[Tensor]:
        """Return a running mean of each weight; it starts at 0, in the weight's memory order."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = make(weight)
        return [self.state[weight][name] for weight in weights]


class Lamb(Layerwise):
    """Adam whose steps are as long as the layer's weights, as in version 3 of the paper.

    You et al. 2019, https://arxiv.org/abs/1904.00962. Nothing corrects the first means for their
    start at 0.
    """

    def __init__(
        self, groups: Groups, lr: float, betas: tuple[float, float], eps: float = 1e-6
    ) -> None:
        super().__init__(groups, lr, betas=betas, eps=eps)

    def move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Move weights along their gradients, with the settings of their group."""
        beta1, beta2 = group["betas"]
        means, squares = self.memories(weights, "exp_avg"), self.memories(weights, "exp_avg_sq")
        torch._foreach_mul_(means, beta1)
        torch._foreach_add_(means, gradients, alpha=1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_add_(scales, group["eps"])
        steps = list(torch._foreach_div(means, scales))
        torch._foreach_add_(steps, weights, alpha=group["weight_decay"])
        size, length = norms(weights).clamp_max(LARGEST_NORM), norms(steps)
        ratio = torch.where((size > 0) & (length > 0), size / length, 1.0)
        torch._foreach_mul_(steps, list(ratio.unbind()))
        torch._foreach_add_(weights, steps, alpha=-group["lr"])


class Lars(Layerwise):
    """SGD with momentum whose gradients are scaled to a share of the layer's weights.

    You, Gitman and Ginsburg 2017, https://arxiv.org/abs/1708.03888. Weights that do not decay keep
    their gradients as they are.
    """

    def __init__(self, groups: Groups, lr: float, momentum: float, eps: float = 1e-8) -> None:
        super().__init__(groups, lr, momentum=momentum, eps=eps)

    def move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Move weights along their gradients, with the settings of their group."""
        decay, momentum = group["weight_decay"], group["momentum"]
        if decay:
            size, slope = norms(weights), norms(gradients)
            ratio = TRUST * size / (slope + size * decay + group["eps"])
            ratio = torch.where(size > 0, ratio, 1.0)
            ratio = torch.where(slope > 0, ratio, 0.0)  # not even decay moves a layer at rest
            gradients = list(torch._foreach_add(gradients, weights, alpha=decay))
            torch._foreach_mul_(gradients, list(ratio.unbind()))
        if momentum:
            means = self.memories(weights, "momentum_buffer")
            torch._foreach_mul_(means, momentum)
            torch._foreach_add_(means, gradients)
            gradients = means
        torch._foreach_add_(weights, gradients, alpha=-group["lr"])


class NovoGrad(Layerwise):
    """Momentum of gradients that are divided by a running mean of the layer's gradient norm.

    Ginsburg et al. 2019, https://arxiv.org/abs/1905.11286.
    """

    def __init__(
        self, groups: Groups, lr: float, betas: tuple[float, float], eps: float = 1e-8
    ) -> None:
        super().__init__(groups, lr, betas=betas, eps=eps)

    def move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Move weights along their gradients, with the settings of their group."""
        beta1, beta2 = group["betas"]
        means = self.memories(weights, "exp_avg")
        squares = self.memories(weights, "exp_avg_sq", lambda weight: weight.new_zeros(()))
        before, newest = torch.stack(squares), norms(gradients).square()
        after = torch.where(before == 0, newest, beta2 * before + (1 - beta2) * newest)
        torch._foreach_copy_(squares, list(after.unbind()))
        scaled = list(torch._foreach_div(gradients, list((after.sqrt() + group["eps"]).unbind())))
        torch._foreach_add_(scaled, weights, alpha=group["weight_decay"])
        torch._foreach_mul_(means, beta1)
        torch._foreach_add_(means, scaled)
        torch._foreach_add_(weights, means, alpha=-group["lr"])


def norms(tensors: list[Tensor]) -> Tensor:
    """Return the Euclidean norms [n] of n tensors, on their device."""
    return torch.stack(torch._foreach_norm(tensors))
