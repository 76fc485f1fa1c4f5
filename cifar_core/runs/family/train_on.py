"""Training on: more epochs of a run that is over, as a new run with its optimizer's memory.

The new run continues from a checkpoint of the earlier one, which stays as it is: the order of the
images, the momentum and the averages go on, and at a constant rate 4 + 4 epochs are bit for bit 8.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import ConfigError, RunError
from cifar_core.reading.ends import GOAL, OVERFITTING
from cifar_core.runs.family import inheritance
from cifar_core.runs.family.rates import RATES, is_nearly_zero, last_or_sensible
from cifar_core.runs.family.teachers import keep_teachers, of_run
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.run import LONGEST_NAME, Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING
from cifar_core.runs.store.store import Store
from cifar_core.settings import label_of, rule_of

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

__all__ = ["RATES", "Extension", "allowed", "create", "plan"]

POINTS = 400  # of a drawn curve
ENDING = re.compile(r", trained on to epoch \d+\Z")  # of a name


@dataclass(frozen=True, kw_only=True)
class Extension:
    """More epochs of a run, as they would be trained; nothing has been made yet."""

    run: Run
    checkpoint: CheckpointInfo  # where it goes on
    config: "TrainConfig"  # of the new run
    rate: str  # a key of RATES
    began: int  # whole epochs that are done
    first_epoch: float  # where it goes on; a fraction in the middle of an epoch
    last_rate: float  # that the run used
    refused: str = ""  # why it cannot be created, and what to choose instead; else empty
    proposed_rate: str = ""  # a key of RATES to choose instead
    proposed_learning_rate: float = 0.0

    @property
    def new_epochs(self) -> int:
        """How many epochs are added; one that has begun counts as the first of them."""
        return self.config.epochs - self.began

    @property
    def turned_off(self) -> str:
        """The ends of the earlier run that would end the new epochs at once, in a sentence."""
        from cifar_core.config.groups import STOPPING

        before, now = self.run.config.to_dict(), self.config.to_dict()
        off = [
            label_of(field).lower()
            for field in dataclasses.fields(self.config)
            if rule_of(field).group == STOPPING and before[field.name] and not now[field.name]
        ]
        return f"Turned off for the new epochs: {', '.join(off)}." if off else ""

    def rates(self) -> tuple[list[float], list[float]]:
        """Return the new part of the curve: epochs, and the learning rate at each of them."""
        from cifar_core.training.progress import TrainingProgress
        from cifar_core.training.step.rates import Rates

        first, per_epoch = self.checkpoint.step, inheritance.steps_per_epoch(self.checkpoint)
        rates = Rates(self.config, per_epoch)
        steps = range(first, rates.total_steps, max(1, (rates.total_steps - first) // POINTS))
        return (
            [(step + 0.5) / per_epoch for step in steps],
            [rates.rate(TrainingProgress(step=step, began=first)) for step in steps],
        )

    def past(self) -> tuple[list[float], list[float]]:
        """Return the earlier part of the curve, from the run's rows: epochs and learning rates."""
        rows = [
            row for row in self.run.metrics()
            if row["kind"] == "step" and row["step"] <= self.checkpoint.step
            and row.get("learning_rate") is not None and row.get("epoch") is not None
        ]  # fmt: skip
        return [row["epoch"] for row in rows], [row["learning_rate"] for row in rows]


def plan(
    run: Run,
    *,
    epochs: int,
    rate: str = "",
    learning_rate: float | None = None,
    checkpoint: str = "last",
    changes: Mapping[str, Any] = {},
) -> Extension:
    """Plan `epochs` more epochs of a run; needs no images.

    `rate` is a key of RATES; by default the last rate is kept, unless it is nearly zero. With 0
    epochs nothing changes. RunError if the run cannot be trained on at all; ConfigError for
    settings that cannot be, or that would make another run of it.
    """
    must_be_over(run)
    info, before = run.checkpoint(checkpoint), run.config
    began = inheritance.progress_of(info).epoch
    check_epochs(run, info, epochs, began)
    last = last_rate(run, info)
    choice = RATES[rate or ("decay" if is_nearly_zero(before, last) else "last")]
    if learning_rate is not None and not choice.takes_rate:
        why = f"With the choice '{choice.key}' no rate can be given. Choose 'constant' instead."
        raise ConfigError({"learning_rate": why})
    first = choice.usual(before, last) if learning_rate is None else learning_rate
    stands_still = epochs > 0 and choice.key == "last" and is_nearly_zero(before, last)
    if stands_still:  # drawn nevertheless, to show why
        first = max(first, lowest_rate())
    values = {**choice.changes, **spent_ends(run, info), "learning_rate": first} if epochs else {}
    config = changed(before, {"epochs": began + epochs, **values, **changes})
    check_ends(run, info, config, changes)
    sensible = last_or_sensible(before, last)
    return Extension(
        run=run,
        checkpoint=info,
        config=config,
        rate=choice.key,
        began=began,
        first_epoch=info.epoch,
        last_rate=last,
        refused=f"The learning rate of run {run.id} was nearly zero at its end ({last:.2g}), so "
        "more epochs at that rate would change almost nothing. Choose a new decay, such as from "
        f"{sensible:.2g}, a tenth of its highest rate." if stands_still else "",
        proposed_rate="decay" if stands_still else "",
        proposed_learning_rate=sensible if stands_still else 0.0,
    )  # fmt: skip


def create(store: Store, extension: Extension, name: str = "") -> Run:
    """Make the run that trains another one on, as a draft; RunError if the plan is refused."""
    if extension.refused:
        raise RunError(extension.refused)
    run, config = extension.run, extension.config
    must_be_over(run)
    base = ENDING.sub("", run.name)
    ending = f", trained on to epoch {config.epochs}"
    name = name or base[: LONGEST_NAME - len(ending)] + ending
    return store.create(config, name=name, parent=run.id, fill=filler(extension))


def filler(extension: Extension) -> Callable[[Path], Mapping[str, Any]]:
    """Return what fills the folder of the run that trains another one on, for `Store.create`."""
    return partial(fill, extension.run, extension.checkpoint, extension.config)


def fill(run: Run, info: CheckpointInfo, config: "TrainConfig", draft: Path) -> Mapping[str, Any]:
    """Fill the folder of a run that trains another one on; return the marks that go with it."""
    teachers = keep_teachers(of_run(run), draft)
    return {"start": inheritance.inherit(run, info, draft, config), "teachers": teachers}


def spent_ends(run: Run, info: CheckpointInfo) -> dict[str, Any]:
    """Return the settings that would end more epochs from a checkpoint at once, turned off.

    A limit of the time is always among them, as it counts the time of the run that is trained on.
    """
    config = run.config
    spent = ["most_hours"] if config.most_hours else []
    spent += ["goal"] if has_reached_goal(config, info) else []
    spent += ["stop_overfitting"] if run.summary.end == OVERFITTING else []
    usual = {f.name: f.default for f in dataclasses.fields(config)}
    return {name: usual[name] for name in spent}


def has_reached_goal(config: "TrainConfig", info: CheckpointInfo) -> bool:
    """Whether the best epoch until a checkpoint meets the goal of some settings."""
    from cifar_core.training.progress import Best, early_end

    best = Best.from_saved({"epoch": 0, **inheritance.progress_of(info).best})
    return early_end(config, best) == GOAL


def must_be_over(run: Run) -> None:
    """Raise RunError unless a run is a training that is not under way."""
    if run.kind != TRAINING:
        why = f"Run {run.id} {KINDS[run.kind].instead}."
        raise RunError(f"{why} Only training runs can be trained on.")
    state = run.status
    if state.is_under_way:
        raise RunError(
            f"Run {run.id} is {state.state}, so it is still to train by itself. Wait until it is "
            "over, or stop it, then train it on."
        )


def check_epochs(run: Run, info: CheckpointInfo, epochs: int, began: int) -> None:
    """Raise ConfigError for a number of epochs that cannot be added to a checkpoint."""
    if epochs < 0:
        raise ConfigError({"epochs": f"{epochs} epochs cannot be added. Choose 0 or more."})
    if epochs == 0 and info.epoch != began:
        raise ConfigError(
            {
                "epochs": f"Checkpoint {info.name} of run {run.id} is in the middle of epoch "
                f"{began + 1}, which counts as the first of those that are added. Choose 1 or more."
            }
        )
    if not inheritance.steps_per_epoch(info):
        raise RunError(f"Run {run.id} has not taken a step yet. Resume it instead.")


def check_ends(
    run: Run, info: CheckpointInfo, config: "TrainConfig", changes: Mapping[str, Any]
) -> None:
    """Raise ConfigError for a changed setting that would end the new epochs before the first."""
    hours = info.manifest.get("seconds", 0.0) / 3600
    if "most_hours" in changes and 0 < config.most_hours <= hours:
        why = f"most_hours is {config.most_hours:g}, but the {hours:.2g} hours that run {run.id} "
        raise ConfigError({"most_hours": f"{why}has trained count too. Choose more, or 0."})
    if "goal" in changes and has_reached_goal(config, info):
        why = f"goal is {config.goal:g}, which run {run.id} has reached. Choose another, or 0."
        raise ConfigError({"goal": why})


def last_rate(run: Run, info: CheckpointInfo) -> float:
    """Return the learning rate of a run's last step before a checkpoint."""
    from cifar_core.schedules import Plateau
    from cifar_core.training.progress import TrainingProgress
    from cifar_core.training.step.rates import Rates

    saved = inheritance.progress_of(info)
    if info.step <= saved.began:  # it took no step of its own
        rows = [row for row in run.metrics() if row["kind"] == "step" and row["step"] <= info.step]
        return float(rows[-1].get("learning_rate") or 0.0) if rows else run.config.learning_rate
    plateau = Plateau(share=saved.plateau.share)
    before = TrainingProgress(
        step=info.step - 1, plateau=plateau, rate_share=saved.rate_share, began=saved.began
    )
    return Rates(run.config, inheritance.steps_per_epoch(info)).rate(before)


def lowest_rate() -> float:
    """Return the lowest learning rate that a run can have."""
    from cifar_core.config import TrainConfig

    rules = {field.name: rule_of(field) for field in dataclasses.fields(TrainConfig)}
    return rules["learning_rate"].low


def allowed() -> frozenset[str]:
    """Return the settings that may differ from those of the run that is trained on."""
    from cifar_core.config.machine_settings import MachineSettings
    from cifar_core.config.schedule_settings import ScheduleSettings
    from cifar_core.config.stopping_settings import StoppingSettings
    from cifar_core.settings import names_of

    free = [
        *names_of(ScheduleSettings, lambda _: True),
        *names_of(StoppingSettings, lambda _: True),
        *names_of(MachineSettings, lambda rule: rule.scope == "machine"),
    ]
    return frozenset({"epochs", "learning_rate", *free})


def changed(before: "TrainConfig", changes: Mapping[str, Any]) -> "TrainConfig":
    """Return the settings of a run that trains on; ConfigError if they would be another recipe."""
    from cifar_core.config import TrainConfig

    config = TrainConfig.from_dict({**before.to_dict(), **changes})
    check_same(before, config)
    return config


def check_same(before: "TrainConfig", config: "TrainConfig") -> None:
    """Raise ConfigError unless two runs differ only in what training on may change."""
    now, free = config.to_dict(), allowed()
    other = [name for name, value in before.to_dict().items() if value != now[name]]
    problems = {
        name: f"{name} would change, but a run that trains another one on keeps its network, "
        "images, batches and optimizer. Start from its weights instead."
        for name in other
        if name not in free
    }
    if problems:
        raise ConfigError(problems)
