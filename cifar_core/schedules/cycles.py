"""Schedules that rise and fall. The momentum can move in the opposite direction: spec.momentum.

Smith, "Cyclical Learning Rates for Training Neural Networks", 2015, arXiv:1506.01186; Smith and
Topin, "Super-Convergence", 2017, arXiv:1708.07120.
"""

import math
from typing import Any

from cifar_core.schedules.decays import half_cosine, lifted
from cifar_core.schedules.spec import Curve


def one_cycle(progress: float, config: Any) -> float:
    """Rise from `start_share` to 1 until `peak_at`, then fall to `end_share` along a cosine."""
    height = annealed(progress, config)
    if progress < config.peak_at:
        return float(config.start_share + (1 - config.start_share) * height)
    return lifted(height, config)


def annealed(progress: float, config: Any) -> float:
    """Rise from 0 to 1, linearly or along a cosine, then fall to 0 along a cosine."""
    peak = config.peak_at
    if progress >= peak:
        return half_cosine((progress - peak) / (1 - peak))
    return float(1 - half_cosine(progress / peak) if config.cosine_rise else progress / peak)


def cyclic(height: Curve) -> Curve:
    """Return the factor that moves between `cycle_base` and 1 with the height."""

    def factor(progress: float, config: Any) -> float:
        return float(config.cycle_base + (1 - config.cycle_base) * height(progress, config))

    return factor


def wave(progress: float, config: Any) -> float:
    """Rise from 0 to 1 and fall again, once every `cycle_epochs` epochs."""
    phase = math.modf(cycles(progress, config))[0]
    return 2 * phase if phase <= 0.5 else 2 * (1 - phase)


def halving_wave(progress: float, config: Any) -> float:
    """Rise and fall like `wave`, half as high in each new cycle."""
    return wave(progress, config) / 2 ** math.floor(cycles(progress, config))


def decaying_wave(progress: float, config: Any) -> float:
    """Rise and fall like `wave`, with a height that decays to `cycle_decay` at the end."""
    return float(wave(progress, config) * config.cycle_decay**progress)


def cycles(progress: float, config: Any) -> float:
    """Return how many cycles have passed, with a fraction."""
    return float(progress * config.epochs / config.cycle_epochs)
