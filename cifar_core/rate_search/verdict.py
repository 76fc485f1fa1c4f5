"""The result of a rate search, in numbers and in words."""

import math
from collections.abc import Sequence

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cifar_core.rate_search import parabola
from cifar_core.rate_search.events import Advice, Suggestion
from cifar_core.rate_search.parabola import Values
from cifar_core.rate_search.race import WHOLE, Racer
from cifar_core.schedules import SCHEDULES
from cifar_core.training.trainer import Trainer

SAME = 0.02  # share by which two rates may differ and still be called the same
ANNEALED = 0.2  # share of the peak rate under which a schedule that ends has cooled down
NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)


def conclude(
    finalists: Sequence[Racer],
    everyone: Sequence[Racer],
    trainer: Trainer,
    *,
    start: float,
    guess: Values,
    own: float,
    usual: float,
    steps: int,
) -> Suggestion:
    """Return the suggestion of a race that is over.

    `start` is the loss before any step; `guess` [N] are the losses in nats of the probe images, in
    their order, if the shares of the classes are all that is known.
    """
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
    advice, verdict = advise(finalists, everyone, guess, own, rate, (flat_low, flat_high))
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
    guess: Values,
    own: float,
    rate: float,
    flat: tuple[float, float],
) -> tuple[Advice, str]:
    """Return the advice, and the reason in words."""
    best = min(finalists, key=lambda racer: racer.result)
    if not parabola.learned(best.final or [], guess):
        ended = f"{best.result:.3f}" if best.final else "too high"
        return "none", (
            "No rate learned more than guessing in the race, so none can be suggested: the lowest "
            f"loss was {ended}, and the shares of the classes alone give {guess.mean():.3f}. Check "
            "the images and their labels first."
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
    return against(best, racer_of(everyone, own), own, rate)


def racer_of(everyone: Sequence[Racer], rate: float) -> Racer | None:
    """Return the racer at a rate, if it took part."""
    return next((r for r in everyone if math.isclose(r.rate, rate, rel_tol=SAME)), None)


def against(best: Racer, mine: Racer | None, own: float, rate: float) -> tuple[Advice, str]:
    """Return the advice from comparing the best rate with the person's own.

    Two rates are compared only if both raced to the end.
    """
    if mine is None or (mine.alive and not mine.final):
        return "take", (
            f"Take {rate:g}: it was the best in the race. Your rate of {own:g} was not raced to "
            "the end, so the two are not compared."
        )
    if not mine.alive or not mine.final:
        return "take", (
            f"Take {rate:g}: your rate of {own:g} dropped out of the race after {mine.step} steps "
            "because its loss was too high."
        )
    if not parabola.clearly_better(best.final or [], mine.final):
        return "keep", f"Keep your rate of {own:g}: no other rate was clearly better in the race."
    return "take", (
        f"Take {rate:g}: it was clearly better in the race than your rate of {own:g}, with a loss "
        f"of {best.result:.2f} against {mine.result:.2f}."
    )
