"""Keeps the average of a network's recent weights, which classifies better than the last ones."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class WeightAverage:
    """An exponential moving average of the trained weights and of batch norm's statistics.

    Weights from `half_life` steps ago count half. At first the average covers only about a tenth
    of the steps so far, so that the random first weights soon stop counting. All else is shared
    with the network. Unlike torch's AveragedModel it never waits for the device.
    """

    def __init__(
        self,
        model: nn.Module,
        trained: list[nn.Parameter],
        *,
        frozen: Iterable[nn.Module] = (),  # modules whose statistics never change
        half_life: float,
    ) -> None:
        self.decay = 0.5 ** (1 / half_life)
        self.current: list[Tensor] = [*trained, *statistics(model, set(frozen))]
        self.averages = [averaged(tensor) for tensor in self.current]
        memo = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
        memo |= {id(now): mean for now, mean in zip(self.current, self.averages, strict=True)}
        self.model = copy.deepcopy(model, memo).eval()

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after a step, counted from 1."""
        decay = min(self.decay, (step - 1) / (step + 9))  # 0 at first: a copy
        torch._foreach_lerp_(self.averages, self.current, 1 - decay)


def statistics(model: nn.Module, frozen: set[nn.Module]) -> list[Tensor]:
    """Return the running means and variances of every batch norm that is not frozen."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m not in frozen]
    tensors = [tensor for norm in norms for tensor in (norm.running_mean, norm.running_var)]
    return [tensor for tensor in tensors if tensor is not None]


def averaged(tensor: Tensor) -> Tensor:
    """Return a copy that can replace the tensor in a network, and is never trained."""
    mean = tensor.detach().clone()
    return nn.Parameter(mean, requires_grad=False) if isinstance(tensor, nn.Parameter) else mean
