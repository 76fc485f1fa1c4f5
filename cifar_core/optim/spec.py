"""The declaration of an optimizer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer

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
    uses: tuple[str, ...] = ()  # settings that only this optimizer uses
    paper: str = ""

    @property
    def momentum_setting(self) -> Literal["momentum", "beta1", ""]:
        """The setting that is the optimizer's momentum; empty if it has none."""
        return "momentum" if "momentum" in self.uses else "beta1" if "beta1" in self.uses else ""
