"""The name of a run that no one named: what it is, and what distinguishes it from others."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields
from itertools import combinations
from typing import TYPE_CHECKING, Any

from cifar_core.errors import UnknownKeyError
from cifar_core.settings import rule_of
from cifar_core.settings.declaration import is_used
from cifar_core.settings.parameter_grid import in_words, word

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

LONGEST = 80  # characters of a name
MOST_NAMED = 2  # settings that one name mentions


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Another run of the same network on the same images."""

    name: str
    settings: Mapping[str, Any]


def proposed(config: "TrainConfig", images: str, twins: Sequence[Twin]) -> str:
    """Return a name that none of the twins has, such as "Simple CNN on CIFAR-10, dropout 0.3".

    Args:
        config: the settings of the run to name.
        images: the title of its images.
        twins: the runs of the same network on the same images, oldest first.

    The name mentions at most two of the settings in which the run differs from its oldest twin: of
    those that are often varied first, of rarely changed ones last. Where another twin has the
    same name, it mentions two others; then the seed; then how often the run was repeated.
    """
    base = titled(config, images)
    taken = {twin.name for twin in twins}
    told = differences(config, twins[0].settings) if twins else []
    few = min(MOST_NAMED, len(told))
    names = [shortened(", ".join([base, *some])) for some in combinations(told, few)]
    same = [twin for twin in twins if twin.name == names[0]]
    if config.seed not in {twin.settings.get("seed", 0) for twin in same}:
        names.append(shortened(names[0], f", seed {config.seed}"))
    repeats = (shortened(names[0], f", repeat {count}") for count in range(2, len(twins) + 3))
    return next(name for name in (*names, *repeats) if name not in taken)


def of_cell(config: "TrainConfig", images: str, changes: Mapping[str, Any]) -> str:
    """Return the name of a run of a sweep: with all that varies there, and with its seed."""
    told = in_words(type(config), {k: v for k, v in changes.items() if k != "model"})
    base = ", ".join(filter(None, [titled(config, images), told]))
    return shortened(base, f", seed {config.seed}")


def titled(config: "TrainConfig", images: str) -> str:
    """Return the name of the first run of a network on some images: Simple CNN on CIFAR-10."""
    from cifar_core.models import MODELS

    return f"{MODELS[config.model].title} on {' '.join(images.split())}"


def differences(config: "TrainConfig", other: Mapping[str, Any]) -> list[str]:
    """Return in words the settings that decide what is learned and differ from another run's."""
    defaults = {f.name: f.default for f in fields(config)}
    mine, theirs = config.to_dict(), {**defaults, **other}
    told = []
    for setting in config.relevant():
        # one that only this run uses is there because another one differs
        before = theirs if used(setting, theirs, type(config)) else defaults
        counts = rule_of(setting).scope != "machine" and setting.name != "seed"
        if counts and mine[setting.name] != before[setting.name]:
            told.append(setting)
    return [word(f, mine[f.name]) for f in sorted(told, key=importance)]


def used(setting: Field[Any], values: Mapping[str, Any], group: type["TrainConfig"]) -> bool:
    """Return True if a run with these values uses a setting; False of one that is unknown here."""
    try:
        return is_used(setting, values, group)
    except UnknownKeyError:
        return False


def importance(setting: Field[Any]) -> tuple[bool, bool, bool]:
    """Return what sorts the settings: often varied ones first, rarely changed ones last."""
    rule = rule_of(setting)
    return not rule.often_varied, rule.advanced, rule.scope == "sample"


def shortened(name: str, end: str = "") -> str:
    """Return a name with its end, without what would make it too long."""
    room = LONGEST - len(end)
    return (name if len(name) <= room else name[: room - 1].rstrip(" ,") + "\u2026") + end
