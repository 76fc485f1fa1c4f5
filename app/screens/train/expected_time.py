"""How long a run takes here: as measured with its settings, or in an earlier run, or estimated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app import theme
from app.cache.results import JOB_START
from app.session import Key, remembered, store
from app.shared.picker.history import history
from app.shared.picker.networks import about
from cifar_core.config import TrainConfig
from cifar_core.config.machine_settings import LOCAL
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.models import MODELS
from cifar_core.proposals import cost
from cifar_core.runs import RunRow
from cifar_core.runs.listing.history import was_trained_here
from cifar_core.runs.prepare.epoch_time import Estimate
from cifar_core.runs.store.run_row import own
from cifar_core.training.freezing import keeps_answers, keeps_features

HOUR = 3600.0  # seconds
VALIDATED = 0.1  # about the share of an epoch's time that its validation adds


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The seconds of a run, and how they are known."""

    seconds: float
    basis: str  # such as "as fast as run #3"
    measured: bool = False

    @property
    def words(self) -> str:
        """The time, with a sign before it if it is an estimate."""
        return theme.duration(self.seconds) if self.measured else about(self.seconds)


def expected(
    config: TrainConfig,
    images: int,
    *,
    side: int,
    gpu: bool,
    teachers: Sequence[TrainConfig] = (),
) -> Expected | None:
    """Return how long a run takes; `images` are all training images of its data set.

    None if nothing says so, as of a cluster on which nothing like it was trained.
    `side` is how many pixels a side they will have; `teachers` are the settings of the runs that
    it learns from.
    """
    whole = of_all_epochs(config, images, teachers, side=side, gpu=gpu)
    if whole is None:
        return None
    seconds = within_limit(whole.seconds, config.most_hours, config.epochs)
    if seconds == whole.seconds:
        return whole
    basis = f"its longest time; all {config.epochs} epochs would take {about(whole.seconds)}"
    if seconds > config.most_hours * HOUR:
        basis = "one epoch, which is always trained, takes longer than its longest time"
    return Expected(seconds=seconds, basis=basis)


def within_limit(seconds: float, most_hours: float, epochs: int) -> float:
    """Return how long a run takes whose epochs take `seconds`; one epoch is always trained.

    Without a limit `most_hours` is 0.
    """
    if not most_hours:
        return seconds
    return min(seconds, max(most_hours * HOUR, seconds / max(1, epochs)))


def of_all_epochs(
    config: TrainConfig, images: int, teachers: Sequence[TrainConfig], *, side: int, gpu: bool
) -> Expected | None:
    """Return how long all epochs of a run take; None likewise."""
    measured: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    if measured and measured[0] == config:
        return Expected(seconds=measured[1].total_seconds, basis="measured just now", measured=True)
    config = replace(config, image_size=side)
    trained = images * config.train_fraction * (1 - config.val_fraction)
    for row in own(store().seen()):
        if row.images_per_second and is_alike(row, config, teachers, gpu=gpu):
            once = row.features_seconds
            seconds = trained * config.epochs / row.images_per_second * (1 + VALIDATED)
            return Expected(
                seconds=JOB_START + once + seconds,
                basis=f"as fast as run #{row.number}",
                measured=True,
            )
    if not is_measured_here(config):
        return None
    return Expected(
        seconds=estimated(config, trained, teachers, gpu=gpu), basis="estimated from multiply-adds"
    )


def is_alike(
    row: RunRow, config: TrainConfig, teachers: Sequence[TrainConfig], *, gpu: bool
) -> bool:
    """Whether an epoch of an earlier run cost the same per image, at the same place."""
    if row.model != config.model or row.side != config.side or not same_place(row, config):
        return False
    if not was_trained_here(row, gpu=gpu):
        return False
    if sorted(row.teachers) != sorted(teacher.model for teacher in teachers):
        return False
    now = config.to_dict()
    return all(row.settings.get(name, now[name]) == now[name] for name in MODELS[row.model].uses)


def is_measured_here(config: TrainConfig) -> bool:
    """Whether a run computes on one device of this machine, which can be measured."""
    return config.run_on == LOCAL and config.devices == 1


def same_place(row: RunRow, config: TrainConfig) -> bool:
    """Whether an earlier run asked for the same place and as many devices."""
    there = row.settings.get("run_on", LOCAL), row.settings.get("devices", 1)
    return there == (config.run_on, config.devices)


def estimated(
    config: TrainConfig, trained: float, teachers: Sequence[TrainConfig], *, gpu: bool
) -> float:
    """Return the seconds of a run by its multiply-adds, at the speed of earlier runs here."""
    uses = MODELS[config.model].uses
    speed = cost.speed(history("", 0, gpu=gpu).measured, gpu=gpu)
    a_pass = config.card().multiply_adds * trained / speed
    each = [teacher.card().multiply_adds for teacher in teachers]
    views = config.cached_views if keeps_features(config) else 1
    asked = cost.teaching(each, trained, views if keeps_answers(config) else config.epochs) / speed
    if "plan" in uses and TRANSFER_PLANS[config.plan].trains == "head":
        return JOB_START + asked + a_pass * (config.cached_views or config.epochs)
    return JOB_START + asked + a_pass * config.epochs * (cost.BACKWARD + VALIDATED)
