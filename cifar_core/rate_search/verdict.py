"""The result of a rate search, in numbers and in words."""

import math
from collections.abc import Sequence

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cifar_core.rate_search import parabola
from cifar_core.rate_search.events import Advice, Suggestion
from cifar_core.rate_search.race import WHOLE, Racer
from cifar_core.rate_search.range_test import SOME
from cifar_core.schedules import SCHEDULES
from cifar_core.training.trainer import Trainer

ANNEALED = 0.2  # share of the peak rate under which a schedule that ends has cooled down
NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)


def conclude(
    finalists: Sequence[Racer],
    everyone: Sequence[Racer],
    trainer: Trainer,
    *,
    start: float,
    own: float,
    usual: float,
    steps: int,
) -> Suggestion:
    """Return the suggestion of a race that is over; `start` is the loss before any step."""
    raced = [racer for racer in finalists if racer.final]
    divisor = divisor_for(trainer)
    if not raced:
        middle = math.log10(usual)
        low, high, flat = middle, middle, (middle, middle)
    else:
        x = np.log10([racer.rate for racer in raced])
        losses = np.array([racer.final for racer in raced])
        middle = parabola.vertex(x, losses.mean(1), start)
        low, high = parabola.interval(x, losses, start)
        flat = parabola.plateau(x, losses.mean(1), start)
    rate, low, high, flat_low, flat_high = (
        float(f"{10**value / divisor:.3g}") for value in (middle, low, high, *flat)
    )
    advice, verdict = advise(finalists, everyone, start, own, rate, (flat_low, flat_high))
    return Suggestion(
        advice=advice,
        rate=rate,
        low=low,
        high=high,
        plateau_low=flat_low,
        plateau_high=flat_high,
        divisor=divisor,
        usual_rate=usual,
        own_rate=own,
        verdict=verdict,
        steps=steps,
        epochs=steps / max(1, trainer.train_batches.images // trainer.config.batch_size),
    )


def divisor_for(trainer: Trainer) -> float:
    """Return the divisor of the race's best rate for the whole training."""
    config = trainer.config
    annealed = SCHEDULES[config.schedule].factor(1.0, config) < ANNEALED
    normalized = any(
        isinstance(module, NORMS) and any(w.requires_grad for w in module.parameters())
        for module in trainer.learner.modules()
    )
    return parabola.longer(
        trainer.total_steps, raced=WHOLE, annealed=annealed, normalized=normalized
    )


def advise(
    finalists: Sequence[Racer],
    everyone: Sequence[Racer],
    start: float,
    own: float,
    rate: float,
    flat: tuple[float, float],
) -> tuple[Advice, str]:
    """Return the advice, and the reason in words."""
    best = min(finalists, key=lambda racer: racer.result)
    if best.result > (1 - SOME) * start:
        return "none", (
            "No rate made any progress in the race, so none can be suggested. Check the images and "
            "the network first."
        )
    if best in (finalists[0], finalists[-1]):  # one that dropped out is an end, too
        end = "lowest" if best is finalists[0] else "highest"
        return "none", (
            f"The {end} rate in the race, {best.rate:.3g}, was the best one, so there may be a "
            "better one beyond it. Repeat the search with another order."
        )
    if flat[0] <= own <= flat[1]:
        return "keep", (
            f"Keep your rate of {own:g}: it is on the plateau from {flat[0]:g} to {flat[1]:g}, "
            "where all rates work about equally well."
        )
    mine = next((r for r in everyone if r.final and math.isclose(r.rate, own, rel_tol=0.02)), None)
    if mine is not None and not parabola.clearly_better(best.final or [], mine.final or []):
        return "keep", (f"Keep your rate of {own:g}: no other rate was clearly better in the race.")
    seen = f", with a loss of {best.result:.2f} against {mine.result:.2f}" if mine else ""
    return "take", (
        f"Take {rate:g}: it was clearly better in the race than your rate of {own:g}{seen}."
    )
