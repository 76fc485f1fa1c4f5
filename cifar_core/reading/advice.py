"""What to try next: changes to a run's settings, each with a button's label and its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cifar_core.numbers import counted
from cifar_core.reading.spec import Finding, Trial

LOWEST_RATE, HIGHEST_RATE = 1e-6, 10.0  # what the settings allow
MOST_EPOCHS = 1000
SLOW = {"rate_too_low"}  # findings after which a lower rate is against the evidence
WILD = {"no_number", "divergence", "spikes"}  # and those after which a higher one is
ROUNDING = 1e-9  # share of a rate that two equal ones may differ by


def consistent(findings: Sequence[Finding], settings: Mapping[str, Any]) -> list[Finding]:
    """Return the findings without advice that changes nothing or that other findings contradict."""
    kinds = {finding.kind for finding in findings}
    return [
        replace(f, trials=tuple(t for t in f.trials if is_useful(t, settings, kinds)))
        for f in findings
    ]


def is_useful(trial: Trial, settings: Mapping[str, Any], kinds: set[str]) -> bool:
    """Return True if a trial changes something, in the direction that the findings allow."""
    if all(settings.get(name) == value for name, value in trial.changes.items()):
        return False
    if "learning_rate" not in trial.changes:
        return not (kinds & SLOW and {"schedule", "clip_norm"} & set(trial.changes))
    now, then = settings["learning_rate"], trial.changes["learning_rate"]
    if abs(then - now) <= ROUNDING * now:
        return False
    return not kinds & (WILD if then > now else SLOW)


def rate(settings: Mapping[str, Any], factor: float, why: str) -> tuple[Trial, ...]:
    """Multiply the learning rate."""
    if "learning_rate" not in settings:
        return ()
    value = float(f"{settings['learning_rate'] * factor:.2g}")
    value = min(max(value, LOWEST_RATE), HIGHEST_RATE)
    return (Trial(label=f"Rate {value:g}", why=why, changes={"learning_rate": value}),)


def longer(settings: Mapping[str, Any], factor: float, why: str) -> tuple[Trial, ...]:
    """Train for more epochs."""
    if "epochs" not in settings:
        return ()
    value = min(MOST_EPOCHS, round(settings["epochs"] * factor))
    return (
        Trial(label=f"Train for {counted(value, 'epoch')}", why=why, changes={"epochs": value}),
    )


def shorter(settings: Mapping[str, Any], epochs: int, why: str) -> tuple[Trial, ...]:
    """Train for fewer epochs, so that the schedule ends in time."""
    if epochs >= settings.get("epochs", 0):
        return ()
    return (
        Trial(label=f"Train for {counted(epochs, 'epoch')}", why=why, changes={"epochs": epochs}),
    )


def against_overfitting(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Return changes that keep a network from memorizing the images, the mildest first."""
    trials = []
    cropped = settings.get("random_resized_crop")  # shows more than a shift, and replaces it
    if not settings.get("flip") or not (cropped or settings.get("crop_padding")):
        shift = {} if cropped else {"crop_padding": settings.get("crop_padding") or 4}
        trials.append(
            Trial(
                label="Mirror" if cropped else "Mirror and shift",
                why="Images that look a little different in every epoch are harder to memorize.",
                changes={"flip": True, **shift},
            )
        )
    elif not settings.get("cutout"):
        trials.append(
            Trial(
                label="Cutout of 8 pixels",
                why="A square left out of each image makes the network use more than one part.",
                changes={"cutout": 8},
            )
        )
    if (decay := settings.get("weight_decay")) is not None and decay < 0.05:
        value = max(5e-4, float(f"{4 * decay:.2g}"))
        trials.append(
            Trial(
                label=f"Weight decay {value:g}",
                why="Smaller weights make smoother predictions.",
                changes={"weight_decay": value},
            )
        )
    return tuple(trials)


def every_class(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Make rare classes count in training and in the choice of the best epoch."""
    if settings.get("order") == "balanced" or settings.get("class_weights", "none") != "none":
        return ()
    return (
        Trial(
            label="Every class equally often",
            why="Images of rare classes are then repeated, so that naming only the largest class "
            "no longer keeps the loss low; the best epoch is chosen by the balanced accuracy.",
            changes={"order": "balanced", "best_by": "balanced_accuracy"},
        ),
    )


def smoothed_labels(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Spread a share of the target over all classes."""
    if settings.get("label_smoothing", 0.0) > 0:
        return ()
    return (
        Trial(
            label="Label smoothing 0.1",
            why="Targets that are never quite certain keep the network from being overconfident.",
            changes={"label_smoothing": 0.1},
        ),
    )


def clipped(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Bound the length of the gradient."""
    if settings.get("clip_norm", 0.0) > 0:
        return ()
    return (
        Trial(
            label="Clip gradients at 1",
            why="A single wild batch can then not throw the weights far.",
            changes={"clip_norm": 1.0},
        ),
    )


def decaying(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Lower the rate over the run."""
    if settings.get("schedule") not in ("constant", "step", "plateau"):
        return ()
    return (
        Trial(
            label="Cosine schedule",
            why="A rate that falls to 0 often gets below the level at which a constant one stays.",
            changes={"schedule": "cosine"},
        ),
    )


def larger(settings: Mapping[str, Any]) -> tuple[Trial, ...]:
    """Use a larger network."""
    if settings.get("model") not in ("simple_cnn", "simple_cnn_dropout"):
        return ()
    return (
        Trial(
            label="ResNet-9",
            why="A network with more filters can learn more than this one.",
            changes={"model": "resnet9"},
        ),
    )
