"""Keeps the average of a network's recent weights, which classifies better than the last ones."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class WeightAverage:
    """An exponential moving average of the trained weights and of batch norm's statistics.

    What is `half_life` steps old counts half. At first it forgets faster, looking back over about
    a tenth of the steps so far, or the random first weights would be seen for long. All else
    is shared with the network. Unlike torch's AveragedModel it never waits for the device.
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
        """Take in the weights after a step, counted from 1."""
        decay = min(self.decay, (step - 1) / (step + 9))  # 0 at first: a copy
        torch._foreach_lerp_(self.averages, self.current, 1 - decay)


def statistics(model: nn.Module, frozen: set[nn.Module]) -> list[Tensor]:
    """Return the running means and variances of every batch norm that is not frozen."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m not in frozen]
    found = [tensor for norm in norms for tensor in (norm.running_mean, norm.running_var)]
    return [tensor for tensor in found if tensor is not None]


def averaged(tensor: Tensor) -> Tensor:
    """Return a copy that stands in a network where the tensor does, and is never trained."""
    mean = tensor.detach().clone()
    return nn.Parameter(mean, requires_grad=False) if isinstance(tensor, nn.Parameter) else mean
