"""All settings of a training run in one checked object."""

from dataclasses import dataclass, replace
from typing import Any, Self

from torch import nn

from cifar_core.config.data_settings import DataSettings
from cifar_core.config.distill_settings import DistillSettings
from cifar_core.config.effect_settings import EffectSettings
from cifar_core.config.machine_settings import MachineSettings
from cifar_core.config.network_settings import NetworkSettings
from cifar_core.config.optimizer_settings import OptimizerSettings
from cifar_core.config.schedule_settings import ScheduleSettings
from cifar_core.config.stopping_settings import StoppingSettings
from cifar_core.config.training_settings import TrainingSettings
from cifar_core.data.dataset import SIZE
from cifar_core.data.sizing import LARGEST, SMALLEST
from cifar_core.errors import ConfigError
from cifar_core.evaluation.measures import MEASURES
from cifar_core.models import MODELS
from cifar_core.models.measure import ModelCard, card
from cifar_core.numbers import counted
from cifar_core.optim import OPTIMIZERS
from cifar_core.schedules import SCHEDULES, is_milestones


@dataclass(frozen=True, kw_only=True)
class TrainConfig(
    MachineSettings,  # dataclasses take the fields of the last base first
    StoppingSettings,
    TrainingSettings,
    ScheduleSettings,
    OptimizerSettings,
    DistillSettings,
    NetworkSettings,
    EffectSettings,
    DataSettings,
):
    """Everything that decides how a run trains; saved as config.json beside its weights."""

    @property
    def side(self) -> int:
        """How many pixels a side the run's images have; 32 until an automatic size is decided."""
        return self.image_size or SIZE

    @property
    def computes_on(self) -> int:
        """How many pixels a side the network computes on, which enlarges smaller images."""
        return MODELS[self.model].computes_on(self.side, self.used_resolution)

    @property
    def used_resolution(self) -> int:
        """The resolution, or 0 if the network has none."""
        return self.resolution if "resolution" in MODELS[self.model].uses else 0

    def build_model(self, num_classes: int) -> nn.Module:
        """Build the network with fresh weights; it maps images [N, 3, side, side] to logits."""
        return MODELS[self.model].build(num_classes, **self.build_options)

    @property
    def build_options(self) -> dict[str, Any]:
        """The side and the settings that a network is built with, by keyword."""
        # the plan decides which part is trained; the network is the same with all of them
        used = [name for name in MODELS[self.model].uses if name != "plan"]
        return {"side": self.side, **{name: getattr(self, name) for name in used}}

    def card(self, num_classes: int = 10) -> ModelCard:
        """Return what the network costs at the run's size: multiply-adds and memory per image."""
        return card(MODELS[self.model], num_classes, self.side, self.used_resolution)

    def conflicts(self) -> dict[str, str]:
        """Find settings that are each in range but cannot go together."""
        problems = {}
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0:
            problems["nesterov"] = (
                "nesterov is on, but momentum is 0, so there is nothing to look ahead along. "
                "Turn nesterov off or set momentum, for example to 0.9."
            )
        if self.order == "balanced" and self.class_weights != "none":
            problems["class_weights"] = (
                f"class_weights is '{self.class_weights}', but with the order 'balanced' every "
                "class is shown equally often already, so rare classes would count twice. Choose "
                "'none', or the order 'shuffled'."
            )
        if 0 < self.image_size < SMALLEST:
            problems["image_size"] = (
                f"image_size is {self.image_size}, but it must be 0, for an automatic choice, or "
                f"at least {SMALLEST}. Choose 0, or {SMALLEST} to {LARGEST}."
            )
        problems |= schedule_conflicts(self)
        if self.goal > 1 and (measure := MEASURES[self.best_by]).is_share:
            problems["goal"] = (
                f"goal is {self.goal:g}, but a validation {measure.words} is at most 1. Write 90 % "
                "as 0.9, or choose 0 to train without a goal."
            )
        used = MODELS[self.model].uses
        if "plan" in used and self.plan == "gradual" and self.head_epochs >= self.epochs:
            problems["head_epochs"] = (
                f"head_epochs is {self.head_epochs}, but the run has only "
                f"{counted(self.epochs, 'epoch')}, so "
                f"only the head would be trained. Choose fewer than {self.epochs}, or the plan "
                "'head'."
            )
        features_kept = "plan" in used and self.plan == "head" and self.cached_views
        if features_kept and self.test_views != "plain":
            problems["test_views"] = (
                f"test_views is '{self.test_views}', but with the plan 'head' the features of the "
                "test images are computed once, from the unchanged images. Choose 'plain', or set "
                "cached_views to 0."
            )
        for name in ("mixup", "cutmix"):
            if features_kept and getattr(self, name):
                problems[name] = (
                    f"{name} is {getattr(self, name):g}, but with the plan 'head' the features of "
                    "each image are computed once, before images could be mixed. Choose 0, or set "
                    "cached_views to 0."
                )
        problems |= sharing_conflicts(self, features_kept=bool(features_kept))
        enlarges = self.used_resolution > self.side
        if enlarges and self.resolution % (step := MODELS[self.model].patch):
            nearest = round(self.resolution / step) * step
            problems["resolution"] = (
                f"resolution is {self.resolution}, but {MODELS[self.model].title} cuts images "
                f"into patches of {step} pixels. Choose a multiple of {step}, such as {nearest}."
            )
        return problems

    def of_one_device(self) -> Self:
        """Return what one of the run's devices computes: its part of each batch."""
        return replace(self, devices=1, batch_size=self.batch_size // self.devices)

    def check_devices(self, ranks: int) -> None:
        """Raise ConfigError unless this many ranks can train the run: one, or one a device."""
        if ranks not in (1, self.devices):
            raise ConfigError(
                {
                    "devices": f"devices is {self.devices}, but {ranks} processes were started to "
                    f"train the run together. Start {self.devices}, one for each device."
                }
            )


def sharing_conflicts(config: TrainConfig, *, features_kept: bool) -> dict[str, str]:
    """Find settings that cannot go together with several devices."""
    devices, batch = config.devices, config.batch_size
    if devices == 1:
        return {}
    if features_kept:
        return {
            "devices": f"devices is {devices}, but with the plan 'head' the features of the images "
            "are computed once, and training the head on them is work for one device. Choose 1, "
            "or set cached_views to 0."
        }
    if batch < 2 * devices:
        return {
            "devices": f"devices is {devices}, but batch_size is {batch}, and each device needs at "
            f"least 2 images of a batch. Choose a batch size of at least {2 * devices}, or "
            f"{counted(max(1, batch // 2), 'device')}."
        }
    if batch % devices:
        nearest = max(1, round(batch / devices)) * devices
        return {
            "devices": f"devices is {devices}, but a batch of {batch} images cannot be divided "
            f"evenly among them. Choose a batch size that can, such as {nearest}, or another "
            "number of devices."
        }
    return {}


def schedule_conflicts(config: TrainConfig) -> dict[str, str]:
    """Find settings of the schedule that cannot go together, and milestones that are not valid."""
    problems = {}
    used = SCHEDULES[config.schedule].uses
    if "warmup_epochs" in used and config.warmup_epochs >= config.epochs:
        problems["warmup_epochs"] = (
            f"warmup_epochs is {config.warmup_epochs:g}, but the run has only {config.epochs} "
            f"epochs. Choose fewer than {config.epochs} (default 1)."
        )
    if "milestones" in used and not is_milestones(config.milestones):
        problems["milestones"] = (
            f"milestones is {config.milestones!r}, but it must be percentages of the run between "
            "0 and 100, separated by commas, such as '50, 75'."
        )
    if "cycle_momentum" in used and config.cycle_momentum:
        optimizer = OPTIMIZERS[config.optimizer]
        if not (name := optimizer.momentum_setting):
            problems["cycle_momentum"] = (
                f"cycle_momentum is on, but {optimizer.title} has no momentum that can be "
                "changed during a run. Turn it off or choose another optimizer, such as SGD."
            )
        elif config.lowest_momentum > getattr(config, name):
            problems["lowest_momentum"] = (
                f"lowest_momentum is {config.lowest_momentum:g}, but {name}, from which it falls, "
                f"is {getattr(config, name):g}. Choose at most that."
            )
    return problems
