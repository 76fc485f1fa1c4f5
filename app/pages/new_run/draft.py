"""What a draft of settings would do, put into words for the form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app import theme
from app.cache.results import dataset
from app.session import inventory
from cifar_core import data, device, weights
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.data.split import split
from cifar_core.errors import ConfigError, DataError, DeviceError
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.record.records import AttemptPlan
from cifar_core.schedules import SCHEDULES

PLACES = [i / 400 for i in range(401)]  # of the run, at which the schedule is drawn


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A draft, checked as far as it can be without training."""

    config: TrainConfig | None = None  # None while a setting is wrong
    problems: dict[str, str] = field(default_factory=dict)  # setting -> sentence, all at once
    images: Dataset | None = None
    device: str = ""  # a sentence
    sentence: str = ""  # what will happen
    step: str = ""  # how a training step is computed, a sentence

    def of(self, values: Mapping[str, Any]) -> "Plan":
        """Return the same plan for other settings, if they can train."""
        config, _ = checked(values)
        if config is None or self.images is None:
            return self
        return replace(self, config=config, sentence=described(config, self.images)[0])

    @property
    def training_images(self) -> int:
        """How many images it would train on; 0 while a setting is wrong."""
        if self.config is None or self.images is None:
            return 0
        count, config = len(self.images.train), self.config
        return round(count * (1 - config.val_fraction) * config.train_fraction)

    @property
    def rates(self) -> tuple[list[float], list[float]]:
        """Return epochs and the learning rate planned for them."""
        config = self.config
        if config is None:
            return [], []
        factor = SCHEDULES[config.schedule].factor
        epochs = [place * config.epochs for place in PLACES]
        return epochs, [config.learning_rate * factor(place, config) for place in PLACES]

    @property
    def momenta(self) -> list[float]:
        """Return the momentum planned for the same epochs; empty if it stays the same."""
        config = self.config
        if config is None or not config.cycle_momentum:
            return []
        schedule = SCHEDULES[config.schedule]
        if schedule.height is None:
            return []
        highest = getattr(config, OPTIMIZERS[config.optimizer].momentum_setting)
        return [schedule.momentum(place, highest, config) for place in PLACES]

    @property
    def schedule_note(self) -> str:
        """Say what the drawn rate cannot show, or nothing."""
        config = self.config
        if config is None or not SCHEDULES[config.schedule].follows_loss:
            return ""
        return (
            f"The rate is multiplied by {config.step_factor:g} whenever the validation loss has "
            f"not fallen for more than {theme.plural(config.plateau_epochs, 'epoch')}. When that "
            "is cannot be drawn beforehand."
        )


def make_plan(values: Mapping[str, Any], root: Path) -> Plan:
    """Check the values, the images and the device, and gather every problem."""
    config, problems = checked(values)
    images, where = None, ""
    if "data" not in problems:
        try:
            images = dataset(data.resolve(values["data"], root), str(root))
        except DataError as error:
            problems["data"] = str(error)
    model = MODELS[values["model"]] if "model" not in problems else None
    if model and model.weights and weights.find(model.weights, root) is None:
        problems["model"] = "Its ImageNet weights are not on this machine yet: see below."
    if "device" not in problems:
        try:
            where = device.choose(values["device"], inventory())[1]
        except DeviceError as error:
            problems["device"] = str(error)
    sentence = step = ""
    if config is not None and images is not None:
        sentence, short = described(config, images)
        problems |= short
    if problems:
        config = None
    elif config is not None and images is not None:
        step = step_sentence(config, images, root)
    return Plan(
        config=config, problems=problems, images=images, device=where, sentence=sentence, step=step
    )


def step_sentence(config: TrainConfig, images: Dataset, root: Path) -> str:
    """Say how a training step is going to be computed."""
    where, _ = device.choose(config.device, inventory())
    threads = device.choose_threads(config.threads)
    place = AttemptPlan(device=where.torch_name, device_name=where.name, threads=threads)
    return step_plans.expected(config, images, place, root)


def checked(values: Mapping[str, Any]) -> tuple[TrainConfig | None, dict[str, str]]:
    """Return the settings, or all that is wrong with them."""
    try:
        return TrainConfig(**values), {}
    except ConfigError as error:
        return None, dict(error.problems)


def described(config: TrainConfig, images: Dataset) -> tuple[str, dict[str, str]]:
    """Say in plain words what will happen, and what the number of images does not allow."""
    train, val = split(
        images.train.labels,
        train_fraction=config.train_fraction,
        val_fraction=config.val_fraction,
        seed=config.split_seed,
    )
    if len(train) < config.batch_size:
        return "", {
            "batch_size": f"batch_size is {config.batch_size}, but there are only "
            f"{theme.plural(len(train), 'training image')}. Choose at most {len(train)}."
        }
    steps = len(train) // config.batch_size
    return (
        f"{MODELS[config.model].title} learns from {theme.plural(len(train), 'image')} for "
        f"{theme.plural(config.epochs, 'epoch')}: {theme.plural(steps * config.epochs, 'step')} "
        f"of {config.batch_size} images, with {OPTIMIZERS[config.optimizer].title} at a peak "
        f"rate of {config.learning_rate:g}. {theme.plural(len(val), 'other image')} choose the "
        f"best epoch, {theme.count(len(images.test))} test it at the end."
    ), {}
