"""Checks a draft of settings before it is trained, and says in words what it would do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app import theme
from app.cache import image_sizes
from app.cache.results import dataset
from app.screens.train.place import place_of
from app.session import inventory
from cifar_core import data, weights
from cifar_core.config import TrainConfig
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.data.dataset import Dataset
from cifar_core.data.sizing import USUAL
from cifar_core.data.split import split_of
from cifar_core.devices import choose_threads
from cifar_core.errors import ConfigError, DataError, OutOfServiceError
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.people import Person
from cifar_core.reading.ends import time_words
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.prepare.image_size import Decision
from cifar_core.runs.record.records import AttemptPlan

Open = Callable[[str, str], Dataset | None]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft, checked as far as it can be without training."""

    config: TrainConfig | None = None  # None while a setting is wrong
    problems: dict[str, str] = field(default_factory=dict)  # setting -> sentence, all at once
    images: Dataset | None = None
    source: str = ""  # of the images, resolved
    device: str = ""  # a sentence
    where: str = ""  # the name of that device, or of the cluster
    here: bool = True  # whether that is this machine
    gpu: bool = False  # whether that is a GPU
    sentence: str = ""  # what will happen
    details: str = ""  # how, in one or two further sentences
    step: str = ""  # how a training step is computed, a sentence
    size: Decision | None = None  # of the images; None while they are not open
    lacks_weights: bool = False  # one of the problems: the network's weights are not here

    def of(self, values: Mapping[str, Any]) -> "Draft":
        """Return the same draft with other settings, if they can train."""
        config, _ = checked(values)
        if config is None or self.images is None:
            return self
        found = described(config, self.images)
        return replace(self, config=config, sentence=found.sentence, details=found.details)

    @property
    def side(self) -> int:
        """How many pixels a side the images will have, as far as that is known."""
        return self.size.sizing.side if self.size else USUAL.side

    @property
    def reading(self) -> bool:
        """Whether the images are still being decoded for the first time."""
        return bool(self.source) and self.images is None

    @property
    def training_images(self) -> int:
        """How many images it would train on; 0 while a setting is wrong."""
        if self.config is None or self.images is None:
            return 0
        count, config = len(self.images.train), self.config
        return round(count * (1 - config.val_fraction) * config.train_fraction)


@dataclass(frozen=True, kw_only=True)
class Described:
    """What settings would do with some images, and which of them do not fit the images."""

    sentence: str = ""
    details: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def check_draft(
    values: Mapping[str, Any],
    root: Path,
    by: Person,
    open_images: Open = dataset,
    *,
    has_own_weights: bool = False,
) -> Draft:
    """Check the values, the images and the device, and gather every problem.

    `open_images` may return None for images that are still being decoded; what depends on them is
    then checked when the run begins. A draft that `has_own_weights`, those of a run, needs no file
    of pretrained ones.
    """
    config, problems = checked(values)
    images, source = None, ""
    if "data" not in problems:
        try:
            source = data.resolve(values["data"], root, by)
            images = open_images(source, str(root))
        except DataError as error:
            problems["data"], source = str(error), ""
    model = MODELS[values["model"]] if "model" not in problems else None
    needed = model.weights if model and not has_own_weights else ""
    lacks_weights = bool(needed and weights.find(needed, root) is None)
    if lacks_weights:
        problems["model"] = "Its pretrained weights are not on this machine yet."
    place = place_of(values, problems)
    problems |= place.problems
    found, step, size = Described(), "", None
    if config is not None and images is not None:
        found = described(config, images)
        problems |= found.problems
        size = size_of(replace(config, data=source), images, root, gpu=place.gpu)
        if size.problem:
            problems["image_size"] = size.problem
    elif config is not None:
        found = Described(sentence=f"{learner(config)} learns from these images, {times(config)}.")
    if problems:
        config = None
    elif config is not None and images is not None and size is not None:
        sized = replace(config, image_size=size.sizing.side)
        step = step_sentence(sized, images, root) if place.here else ""
    return Draft(
        config=config, problems=problems, images=images, source=source, device=place.sentence,
        where=place.name, here=place.here, gpu=place.gpu, sentence=found.sentence,
        details=found.details, step=step, lacks_weights=lacks_weights, size=size,
    )  # fmt: skip


def size_of(config: TrainConfig, images: Dataset, root: Path, *, gpu: bool) -> Decision:
    """Return the size that the images will have; its `problem` says why it cannot be decided."""
    device = "cuda" if gpu else "cpu"
    try:
        return image_sizes.decided(config, str(root), device, images.fingerprint)
    except DataError as error:
        return Decision(sizing=USUAL, reason="", problem=str(error))


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


def described(config: TrainConfig, images: Dataset) -> Described:
    """Say what will happen, and which settings the number of images does not allow."""
    train, val = split_of(images.train, config)
    if len(train) < config.batch_size:
        return Described(problems={
            "batch_size": f"batch_size is {config.batch_size}, but there are only "
            f"{theme.plural(len(train), 'training image')}. Choose at most {len(train)}."
        })  # fmt: skip
    steps = len(train) // config.batch_size * config.epochs
    return Described(
        sentence=f"{learner(config)} learns {len(images.classes)} classes from "
        f"{theme.plural(len(train), 'image')}, {times(config)}.",
        details=f"{theme.plural(steps, 'step')} of {config.batch_size} images, with "
        f"{OPTIMIZERS[config.optimizer].title} at a peak rate of {config.learning_rate:g}. The "
        f"best epoch is chosen on {theme.plural(len(val), 'validation image')} and tested on "
        f"{theme.count(len(images.test))} at the end.",
    )


def learner(config: TrainConfig) -> str:
    """Say what learns: a network, or the part of a pretrained one that its plan trains."""
    model = MODELS[config.model]
    title = model.title.removesuffix(", pretrained")
    if not model.weights:
        return title
    head = TRANSFER_PLANS[config.plan].trains == "head"
    return f"A new last layer of {title}" if head else f"Pretrained {title}"


def times(config: TrainConfig) -> str:
    """Say how often the images are shown, and for how long at most."""
    often = "once" if config.epochs == 1 else f"{theme.count(config.epochs)} times over"
    limit = f", for at most {time_words(config.most_hours)}" if config.most_hours else ""
    return f"{often}{limit}"
