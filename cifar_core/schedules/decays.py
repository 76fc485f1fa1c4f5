"""Schedules that fall: each a function of progress in [0, 1] and the run's settings."""

import math
from typing import Any

from cifar_core.schedules.milestones import parsed_milestones

ROUNDING = 1e-9  # so that a drop is not late by a rounding error


def constant(progress: float, config: Any) -> float:
    """Return 1 throughout."""
    return 1.0


def step(progress: float, config: Any) -> float:
    """Multiply by `step_factor` every `step_epochs` epochs."""
    drops = math.floor(progress * config.epochs / config.step_epochs + ROUNDING)
    return float(config.step_factor**drops)


def multi_step(progress: float, config: Any) -> float:
    """Multiply by `step_factor` at each of the `milestones`; before, rise over the warm-up."""
    milestones = parsed_milestones(config.milestones)
    drops = sum(milestone <= progress + ROUNDING for milestone in milestones)
    return float(rise(progress, config) * config.step_factor**drops)


def cosine(progress: float, config: Any) -> float:
    """Rise linearly over `warmup_epochs`, then fall to `end_share` along half a cosine."""
    warmup = config.warmup_epochs / config.epochs
    if progress < warmup:
        return rise(progress, config)
    return lifted(half_cosine((progress - warmup) / (1 - warmup)), config)


def polynomial(progress: float, config: Any) -> float:
    """Rise linearly over `warmup_epochs`, then fall to `end_share` as a power of the rest."""
    warmup = config.warmup_epochs / config.epochs
    if progress < warmup:
        return rise(progress, config)
    left = 1 - (progress - warmup) / (1 - warmup)
    return lifted(left**config.decay_power, config)


def warm_restarts(progress: float, config: Any) -> float:
    """Fall to `end_share` along half a cosine within a period, then start a longer period."""
    at, period, growth = progress * config.epochs, config.restart_epochs, config.restart_growth
    while at >= period - ROUNDING:
        at, period = at - period, period * growth
    return lifted(half_cosine(at / period), config)


def rise(progress: float, config: Any) -> float:
    """Rise linearly from 0 to 1 over `warmup_epochs`."""
    warmup = config.warmup_epochs / config.epochs
    return progress / warmup if progress < warmup else 1.0


def half_cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def lifted(height: float, config: Any) -> float:
    """Scale a curve that ends at 0 so that it ends at `end_share`."""
    return float(config.end_share + (1 - config.end_share) * height)
