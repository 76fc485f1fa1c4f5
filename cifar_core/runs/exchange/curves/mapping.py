"""Decides what each curve of another tool is taken for, and says why; a person may change it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cifar_core.numbers import counted
from cifar_core.runs.exchange.curves.found import Found, FoundRun
from cifar_core.runs.exchange.curves.gather import Points
from cifar_core.runs.exchange.curves.targets import (
    EPOCH,
    LEFT_OUT,
    OTHER,
    STEP,
    TARGETS,
    Meaning,
    meaning,
)

ROUNDING = 1e-6  # by which a share may exceed 1


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a curve is taken for."""

    name: str  # in the other tool
    target: str  # a key of TARGETS
    percent: bool = False  # whether its values are percentages, to be divided by 100
    why: str = ""  # a sentence; empty if its name says it all
    runs: int = 1  # that have it
    points: int = 0  # in the file


Choices = Mapping[str, Choice]  # by the curve's name


def proposed(found: Found) -> dict[str, Choice]:
    """Return what each curve is taken for by its name and its values."""
    count: dict[str, int] = {}
    runs: dict[str, int] = {}
    for run in found.runs:
        for curve in run.curves:
            count[curve.name] = count.get(curve.name, 0) + curve.count
            runs[curve.name] = runs.get(curve.name, 0) + 1
    meanings = {name: meaning(name) for name in count}
    choices = {
        name: Choice(name=name, target=one.target, runs=runs[name], points=count[name])
        for name, one in meanings.items()
    }
    move_to_validation(choices, meanings)
    settle_rivals(found, choices)
    return {name: in_unit(found, choice) for name, choice in choices.items()}


def move_to_validation(choices: dict[str, Choice], meanings: Mapping[str, Meaning]) -> None:
    """Take an accuracy without a part for that of validation where the losses name their parts.

    fastai writes train_loss, valid_loss and accuracy, and measures the last one in validation.
    """
    targets = {choice.target for name, choice in choices.items() if meanings[name].part_said}
    unsaid = [name for name, one in meanings.items() if not one.part_said]
    if not {"train_loss", "val_loss"} <= targets or "val_accuracy" in targets:
        return
    for name in unsaid:
        if choices[name].target == "train_accuracy":
            why = "Its name does not say on which images; the losses name theirs."
            choices[name] = replace(choices[name], target="val_accuracy", why=why)


def settle_rivals(found: Found, choices: dict[str, Choice]) -> None:
    """Let one curve of each run have a target: the one with most points, then the first name."""
    for target in {choice.target for choice in choices.values()} - {OTHER, LEFT_OUT}:
        rivals = sorted((c for c in choices.values() if c.target == target),
                        key=lambda c: (-c.points, len(c.name), c.name))  # fmt: skip
        taken: list[str] = []
        for rival in rivals:
            if any(together(run, rival.name, other) for run in found.runs for other in taken):
                other_use = LEFT_OUT if target in (EPOCH, STEP) else OTHER
                why = f"{TARGETS[target].title} is {taken[0]} already, which has more points."
                choices[rival.name] = replace(rival, target=other_use, why=why)
            else:
                taken.append(rival.name)


def together(run: FoundRun, first: str, second: str) -> bool:
    """Return True if a run has both curves."""
    names = {curve.name for curve in run.curves}
    return first in names and second in names


def in_unit(found: Found, choice: Choice) -> Choice:
    """Decide whether a share is written in percent, by the values of the whole column."""
    if not TARGETS[choice.target].is_share:
        return replace(choice, percent=False)
    values = np.concatenate([points[:, 1] for points in points_of(found, choice.name)])
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 100:
        why = (
            f"Its values reach from {low:.4g} to {high:.4g}, so it is neither a share nor percent."
        )
        return replace(choice, target=OTHER, percent=False, why=why)
    if high <= 1 + ROUNDING:
        return replace(choice, percent=False)
    why = f"In percent: its highest value is {high:.4g}."
    return replace(choice, percent=True, why=" ".join(filter(None, [choice.why, why])))


def points_of(found: Found, name: str) -> list[Points]:
    """Return the points of all curves with a name."""
    return [found.points(curve) for run in found.runs for curve in run.curves if curve.name == name]


def changed(found: Found, choices: Choices, targets: Mapping[str, str]) -> dict[str, Choice]:
    """Return the choices with other targets, as a person sets them, for some curves by name."""
    after = dict(choices)
    for name, target in targets.items():
        if name in after and after[name].target != target:
            TARGETS[target]
            after[name] = in_unit(found, replace(after[name], target=target, why=""))
    return after


def in_words(choice: Choice) -> str:
    """Say what a curve is taken for, in one line."""
    title = TARGETS[choice.target].title
    unit = " (percent)" if choice.percent else ""
    of = f", {counted(choice.runs, 'run')}" if choice.runs > 1 else ""
    return f"{title}{unit}, {counted(choice.points, 'point')}{of}"
