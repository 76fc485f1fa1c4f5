"""Why a training ended: after its last epoch, or earlier by one of the settings that end it."""

from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.evaluation.measures import measure_of
from cifar_core.numbers import counted
from cifar_core.registry import Option, Registry

LAST_EPOCH, GOAL, EARLY_STOPPING = "last_epoch", "goal_reached", "early_stopping"
OVERFITTING, TIME = "overfitting", "time_is_up"

ENDS: Registry[Option] = Registry(
    "end",
    [  # the keys are saved in rows and summaries; never renamed
        Option(key=LAST_EPOCH, title="Last epoch", summary="All planned epochs were trained."),
        Option(key=GOAL, title="Goal reached", summary="The goal on the held-out images was met."),
        Option(
            key=EARLY_STOPPING,
            title="Early stopping",
            summary="No epoch was better for as many epochs as the patience allows.",
        ),
        Option(
            key=OVERFITTING,
            title="Overfitting",
            summary="The validation loss rose beyond its noise while the training loss fell.",
        ),
        Option(key=TIME, title="Time is up", summary="The longest time of training was reached."),
    ],
)


def why(end: str, settings: Mapping[str, Any]) -> str:
    """Return why a run with these plain settings ended early, as a clause that follows "because".

    Empty for the last epoch, and for a run of an earlier version, whose end is not known.
    """
    if end == GOAL:
        measure = measure_of(settings)
        goal = measure.written(settings.get("goal", 0.0))
        return f"its goal was reached, a validation {measure.words} of {goal}"
    if end == EARLY_STOPPING:
        epochs = counted(settings.get("patience", 0), "epoch")
        return f"no epoch was better for {epochs} (early stopping)"
    if end == OVERFITTING:
        return "it overfitted: the validation loss rose while the training loss fell"
    if end == TIME:
        return f"its time of {time_words(settings.get('most_hours', 0.0))} was up"
    return ""


SHARES = {1: "a tenth", 2: "a hundredth", 3: "a thousandth"}  # of the rate, by divergences


def after_divergences(steps: Sequence[int]) -> str:
    """Say at which share of its rate a run continued after divergences at these steps, 1 to 3."""
    numbers = [f"{step:,}" for step in steps]
    where = f"the divergence at step {numbers[0]}"
    if len(steps) > 1:
        where = f"the divergences at steps {', '.join(numbers[:-1])} and {numbers[-1]}"
    return f"After {where} it continued at {SHARES[len(steps)]} of the learning rate."


def time_words(hours: float) -> str:
    """Write a time limit: 2 hours, 1.5 hours, 30 minutes, 20 seconds."""
    if hours >= 1:
        return counted(hours, "hour", ".6g")
    minutes = 60 * hours
    return counted(minutes, "minute", ".4g") if minutes >= 1 else counted(3600 * hours, "second")
