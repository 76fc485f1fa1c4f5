"""Checks a draft of settings before it is trained, and says in words what it would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app import theme
from app.cache.results import dataset
from app.session import inventory
from cifar_core import data, weights
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.data.split import split
from cifar_core.devices import choose_threads
from cifar_core.errors import ConfigError, DataError, DeviceError, OutOfServiceError
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.people import Person
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.record.records import AttemptPlan
from cifar_core.schedules import SCHEDULES

MOMENTS = [i / 400 for i in range(401)]  # of the run, 0 to 1, at which the schedule is drawn


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft, checked as far as it can be without training."""

    config: TrainConfig | None = None  # None while a setting is wrong
    problems: dict[str, str] = field(default_factory=dict)  # setting -> sentence, all at once
    images: Dataset | None = None
    device: str = ""  # a sentence
    sentence: str = ""  # what will happen
    step: str = ""  # how a training step is computed, a sentence

    def of(self, values: Mapping[str, Any]) -> "Draft":
        """Return the same draft with other settings, if they can train."""
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
        epochs = [moment * config.epochs for moment in MOMENTS]
        return epochs, [config.learning_rate * factor(moment, config) for moment in MOMENTS]

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
        return [schedule.momentum(moment, highest, config) for moment in MOMENTS]

    @property
    def schedule_note(self) -> str:
        """Say what the drawn rate cannot show; empty if it shows everything."""
        config = self.config
        if config is None or not SCHEDULES[config.schedule].follows_loss:
            return ""
        return (
            f"The rate is multiplied by {config.step_factor:g} whenever the validation loss has "
            f"not fallen for more than {theme.plural(config.plateau_epochs, 'epoch')}. The times "
            "of these drops are not known in advance, so they are not drawn."
        )


def check_draft(values: Mapping[str, Any], root: Path, by: Person) -> Draft:
    """Check the values, the images and the device, and gather every problem."""
    config, problems = checked(values)
    images, where = None, ""
    if "data" not in problems:
        try:
            images = dataset(data.resolve(values["data"], root, by), str(root))
        except DataError as error:
            problems["data"] = str(error)
    model = MODELS[values["model"]] if "model" not in problems else None
    if model and model.weights and weights.find(model.weights, root) is None:
        problems["model"] = "Its ImageNet weights are not on this machine yet (see below)."
    if "device" not in problems:
        try:
            where = inventory().choose(values["device"])[1]
        except OutOfServiceError as error:
            where = str(error)
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
    return Draft(
        config=config, problems=problems, images=images, device=where, sentence=sentence, step=step
    )


def step_sentence(config: TrainConfig, images: Dataset, root: Path) -> str:
    """Say how a training step is going to be computed; empty while its device is out of service."""
    try:
        where, _ = inventory().choose(config.device)
    except OutOfServiceError:
        return ""
    threads = choose_threads(config.threads)
    machine = AttemptPlan(device=where.torch_name, device_name=where.name, threads=threads)
    return step_plans.expected(config, images, machine, root)


def checked(values: Mapping[str, Any]) -> tuple[TrainConfig | None, dict[str, str]]:
    """Return the settings, or None and everything that is wrong with them."""
    try:
        return TrainConfig(**values), {}
    except ConfigError as error:
        return None, dict(error.problems)


def described(config: TrainConfig, images: Dataset) -> tuple[str, dict[str, str]]:
    """Say what will happen, and which settings the number of images does not allow."""
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
        f"rate of {config.learning_rate:g}. The best epoch is chosen on "
        f"{theme.plural(len(val), 'validation image')} and tested on "
        f"{theme.count(len(images.test))} at the end."
    ), {}
