"""Learning-rate schedules: pure functions of progress, so drawn, tested and resumed for free."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    """One schedule: `factor(progress, config)` multiplies the peak rate; progress runs 0 to 1."""

    key: str
    title: str
    summary: str
    factor: Callable[[float, Any], float]  # progress in [0, 1], TrainConfig -> factor in [0, 1]
    uses: tuple[str, ...] = ()  # the settings that only this schedule reads
    paper: str = ""


def constant(progress: float, config: Any) -> float:
    """Return 1 throughout."""
    return 1.0


def step(progress: float, config: Any) -> float:
    """Multiply by `step_factor` each time another `step_epochs` epochs have passed."""
    drops = math.floor(progress * config.epochs / config.step_epochs + 1e-9)
    return float(config.step_factor**drops)


def cosine(progress: float, config: Any) -> float:
    """Rise linearly over `warmup_epochs`, then fall to 0 along half a cosine."""
    warmup = config.warmup_epochs / config.epochs
    if progress < warmup:
        return progress / warmup
    return half_cosine((progress - warmup) / (1 - warmup))


def linear(progress: float, config: Any) -> float:
    """Rise linearly over `warmup_epochs`, then fall to 0 in a straight line."""
    warmup = config.warmup_epochs / config.epochs
    if progress < warmup:
        return float(progress / warmup)
    return float((1 - progress) / (1 - warmup))


def one_cycle(progress: float, config: Any) -> float:
    """Rise linearly from 1/25 to 1 over the first quarter, then fall to 0 along a cosine."""
    start, peak = 1 / 25, 0.25
    if progress < peak:
        return start + (1 - start) * progress / peak
    return half_cosine((progress - peak) / (1 - peak))


def half_cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


SCHEDULES = Registry(
    "schedule",
    [
        ScheduleSpec(
            key="one_cycle",
            title="One cycle",
            summary="Warm up, then decay: usually the best result in few epochs.",
            factor=one_cycle,
            paper="https://arxiv.org/abs/1708.07120",
        ),
        ScheduleSpec(
            key="cosine",
            title="Cosine with warm-up",
            summary="A short rise, then large steps first and ever smaller ones later.",
            factor=cosine,
            uses=("warmup_epochs",),
            paper="https://arxiv.org/abs/1608.03983",
        ),
        ScheduleSpec(
            key="linear",
            title="Linear with warm-up",
            summary="A short rise, then a straight fall to 0: what short record runs use.",
            factor=linear,
            uses=("warmup_epochs",),
            paper="https://arxiv.org/abs/2404.00498",
        ),
        ScheduleSpec(
            key="step",
            title="Step",
            summary="The same rate for some epochs, then a fraction of it, and again.",
            factor=step,
            uses=("step_epochs", "step_factor"),
        ),
        ScheduleSpec(
            key="constant",
            title="Constant",
            summary="The same rate throughout; the honest way to compare optimizers.",
            factor=constant,
        ),
    ],
)
