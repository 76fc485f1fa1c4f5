"""Every way to change the training images: what each setting of Augment can turn on."""

from collections.abc import Iterable
from dataclasses import fields

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.settings import rule_of

SETTINGS = {f.name: f for f in fields(TrainConfig)}


def each_augmentation() -> list[dict[str, object]]:
    """Return settings in which each augmentation is at its most, or has each of its values."""
    return [
        {**owner_of(f.name), f.name: value} for f in fields(Augment) for value in values_of(f.name)
    ]


def values_of(name: str) -> Iterable[object]:
    """Return all entries of a choice, or the most of a number."""
    rule, default = rule_of(SETTINGS[name]), SETTINGS[name].default
    return rule.among or [True if rule.type == "switch" else type(default)(rule.high)]


def owner_of(name: str) -> dict[str, object]:
    """Return the choice that a setting needs in order to mean something; {} if it needs none."""
    owner = rule_of(SETTINGS[name]).used_by
    if not owner:
        return {}
    entries = rule_of(SETTINGS[owner]).among
    return {owner: next(key for key, entry in entries.items() if name in entry.uses)}


def name_of(settings: dict[str, object]) -> str:
    """Return settings as the name of a test."""
    return " ".join(f"{name} {value}" for name, value in settings.items())
