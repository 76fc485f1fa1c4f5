"""A proposal for given images on a given machine: network, settings, and how long to train."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.errors import DataError
from cifar_core.numbers import counted, percent
from cifar_core.proposals.facts import ImageFacts, MachineFacts
from cifar_core.proposals.mirroring import one_sided
from cifar_core.proposals.networks import network_facts
from cifar_core.proposals.rules import (
    FEWEST,
    FOR_RARE_CLASSES,
    IMBALANCED,
    RULES,
    Length,
    Rule,
)

STEPS = 10  # of an epoch, at least
LEAST_BATCH = 8
HELD_OUT = 0.1  # share of the training images that chooses the best epoch
FEW_IMAGES, HELD_OUT_OF_FEW = 2_000, 0.2  # below this number of images, this share
LEAST_FRACTION = 0.001  # of the training images, the least that a run can use
ALWAYS_SET = ("epochs", "batch_size")  # by a duration
NAMED = 3  # classes that a reason names


@dataclass(frozen=True, kw_only=True)
class Duration:
    """One of the answers to "how long?"."""

    key: str  # "quick", "good" or "best"
    title: str
    settings: dict[str, Any]  # epochs, and all else that differs from the proposal's settings
    reason: str  # one sentence

    @property
    def epochs(self) -> int:
        """How many epochs it takes."""
        return int(self.settings["epochs"])


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What to train, and why. Everything in it can be changed."""

    rule: str  # key of the rule that it follows
    network: str  # key in the registry of models
    settings: dict[str, Any]  # without those that a duration sets
    reason: str  # why this network, one sentence
    reasons: dict[str, str]  # one sentence each, by subject: "plan", "mirror", "batch size", ...
    durations: tuple[Duration, ...]  # quick look, good, best
    caution: str = ""  # what the images are too few for, if anything

    def values(self, duration: str = "good") -> dict[str, Any]:
        """Return plain settings for a duration, as TrainConfig.from_dict takes them."""
        chosen = next(one for one in self.durations if one.key == duration)
        return {**self.settings, **chosen.settings}


def propose(images: ImageFacts, machine: MachineFacts) -> Proposal:
    """Return what to train on these images, by the first rule of the table that holds.

    Raises DataError if a class has too few images.
    """
    refuse_too_few(images)
    rule, network = chosen(images, machine)
    words = {
        "title": network_facts()[network].title.removesuffix(", pretrained"),
        "rarest": f"'{images.rarest}'",
        "smallest": images.smallest,
        "pixels": images.pixels,
    }
    settings = {**values_of(rule.preset), **rule.changes, "model": network}
    reasons = {"plan": rule.settings_reason}
    settings["val_fraction"], reasons["validation"] = held_out(images.total)
    if sided := one_sided(images.classes):
        settings["flip"] = False
        reasons["mirror"] = why_no_mirror(sided)
    if images.gray:
        settings["color_jitter"] = 0.0
        reasons["color"] = "Colors are not changed at random, because the images are gray."
    if network_facts()[network].pixels > images.pixels:
        reasons["resolution"] = (
            f"Images of {images.pixels} pixels are enlarged to {network_facts()[network].pixels}: "
            "at their own size, features learned on ImageNet hardly distinguish the classes."
        )
    if images.imbalance > IMBALANCED:
        settings |= FOR_RARE_CLASSES
        reasons["rare classes"] = why_balanced(images)
    durations = tuple(duration(one, images.total, settings) for one in rule.lengths)
    return Proposal(
        rule=rule.key,
        network=network,
        settings={name: value for name, value in settings.items() if name not in ALWAYS_SET},
        reason=rule.reason.format(**words),
        reasons=reasons,
        durations=durations,
        caution=rule.caution.format(**words),
    )


def refuse_too_few(images: ImageFacts) -> None:
    """Raise DataError if a class has so few images that nothing can be proposed."""
    if len(images.classes) < 2:
        raise DataError(
            f"There are images of {counted(len(images.classes), 'class')}, but a network needs at "
            "least 2 to distinguish. Add a folder of images for another class."
        )
    if images.smallest < FEWEST:
        raise DataError(
            f"The class '{images.rarest}' has {counted(images.smallest, 'training image')}, but "
            f"at least {FEWEST} of each class are needed to propose a network. Add images of it, "
            "or remove the class."
        )


def chosen(images: ImageFacts, machine: MachineFacts) -> tuple[Rule, str]:
    """Return the first rule that holds, and the first of its networks that can be used."""
    return next(
        (rule, network)
        for rule in RULES
        if rule.suits(images, machine)
        for network in rule.networks
        if machine.can_have(network_facts()[network].weights)
    )


def values_of(preset: str) -> dict[str, Any]:
    """Return the settings of a preset, its size of a batch even if it is the default."""
    from cifar_core.config import TrainConfig
    from cifar_core.config.presets import PRESETS

    return {"batch_size": TrainConfig.batch_size, **PRESETS[preset].values}


def held_out(images: int) -> tuple[float, str]:
    """Return the share of the training images that chooses the best epoch, and why."""
    share = HELD_OUT if images >= FEW_IMAGES else HELD_OUT_OF_FEW
    return share, (
        f"{percent(share, 0)} of the images are kept back to choose the best epoch"
        + ("." if share == HELD_OUT else ": with so few images, a smaller share would decide by "
           "chance.")
    )  # fmt: skip


def why_balanced(images: ImageFacts) -> str:
    """Say why every class is shown equally often, and why accuracy does not choose the epoch."""
    share = percent(max(images.per_class) / images.total, 0)
    return (
        f"Classes are shown equally often, and the best epoch is chosen by the balanced accuracy: "
        f"'{images.commonest}' has {share} of the images, so that always naming it would be right "
        "as often."
    )


def why_no_mirror(sided: Sequence[str]) -> str:
    """Say which classes are the reason that images are not mirrored."""
    names = ", ".join(f"'{name}'" for name in sided[:NAMED])
    more = len(sided) - NAMED
    rest = f" and {counted(more, 'other')}" if more > 0 else ""
    return (
        "Images are not mirrored, because a mirror image may not be of the same class: "
        f"{names}{rest}."
    )


def duration(length: Length, images: int, settings: Mapping[str, Any]) -> Duration:
    """Return an answer to "how long?" for a number of training images."""
    values = {**(values_of(length.preset) if length.preset else {}), **length.changes}
    values.pop("model", None)  # of the preset, which may be another network's
    trained = max(1, round(images * (1 - settings["val_fraction"])))
    if trained > length.images:
        values["train_fraction"] = round(length.images / trained, 3) or LEAST_FRACTION
        trained = length.images
    fewest, most = length.epochs
    values["epochs"] = min(max(round(length.views / trained), fewest), most)
    values["batch_size"] = batch_size(trained, values.get("batch_size", settings["batch_size"]))
    return Duration(key=length.key, title=length.title, settings=values, reason=length.reason)


def batch_size(images: int, usual: int) -> int:
    """Return the usual size of a batch, or a smaller one if an epoch had too few steps."""
    fitting = LEAST_BATCH
    while fitting * 2 * STEPS <= images:
        fitting *= 2
    return min(usual, fitting)
