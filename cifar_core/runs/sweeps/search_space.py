"""The settings that a search varies: their ranges and choices, as people type them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from cifar_core.errors import ConfigError
from cifar_core.runs.store.sweep_files import Cell
from cifar_core.settings.declaration import problem, rule_of, unknown
from cifar_core.settings.parameter_grid import SPAN, values_of


def space_of(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read "learning_rate=0.001..0.1" and "optimizer=sgd,adam" into ranges and choices."""
    from cifar_core.config import TrainConfig

    by_name = {f.name: f for f in fields(TrainConfig)}
    space: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, _, words = map(str.strip, text.partition("="))
        if name not in by_name:
            raise ConfigError({name: unknown(name, list(by_name))})
        if name == "seed":
            raise ConfigError(
                {name: "The best seed is luck and says nothing about other runs. Leave seed out."}
            )
        setting, rule = by_name[name], rule_of(by_name[name])
        if span := SPAN.fullmatch(words):
            kind = int if rule.type == "integer" else float
            low, high = sorted(kind(float(end)) for end in (span[1], span[2]))
            wrong = [why for end in (low, high) if (why := problem(setting, end))]
            if wrong or low == high:
                raise ConfigError({name: " ".join(wrong) or f"The range of {name} has equal ends."})
            space[name] = {"low": low, "high": high, "log": rule.log_scale and low > 0}
        else:
            space[name] = {"choices": values_of(setting, words)}
            if len(space[name]["choices"]) < 2:
                raise ConfigError(
                    {name: f"{name} has only one value. Give two or more, or a range a..b."}
                )
    if not space:
        raise ConfigError({"": "Name a setting to search, such as learning_rate=0.001..0.1."})
    return space


def distributions(space: Mapping[str, Mapping[str, Any]]) -> "dict[str, Any]":
    """Return Optuna's form of the space."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    converted: dict[str, Any] = {}
    for name, range_ in space.items():
        if "choices" in range_:
            converted[name] = CategoricalDistribution(range_["choices"])
        else:
            whole = isinstance(range_["low"], int)
            kind = IntDistribution if whole else FloatDistribution
            converted[name] = kind(range_["low"], range_["high"], log=range_["log"])
    return converted


def as_typed(range_: Mapping[str, Any]) -> str:
    """Write the range or the choices of a setting as `space_of` reads them."""
    if "choices" not in range_:
        return f"{range_['low']:g}..{range_['high']:g}"
    words = {True: "yes", False: "no"}
    return ", ".join(words[v] if isinstance(v, bool) else str(v) for v in range_["choices"])


def point_of(
    cell: Cell, space: Mapping[str, Mapping[str, Any]], base: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return where a cell lies in a space; None if the space has no such point.

    After an edit the space may be another than the one that the cell was proposed for. A setting
    that was added has the value of the base. A number may lie outside its range, as it still shows
    in which direction results improve; a choice that was removed, or another setting that differs
    from the base, makes its result one of other settings.
    """
    settings = {**base, **cell.changes}
    if any(settings[name] != base.get(name) for name in cell.changes if name not in space):
        return None
    point = {name: settings[name] for name in space}
    if any(point[name] not in range_.get("choices", [point[name]])
           for name, range_ in space.items()):  # fmt: skip
        return None
    if any(range_.get("log") and point[name] <= 0 for name, range_ in space.items()):
        return None
    return point


def is_inside(point: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every number of a point lies in its range."""
    return all(
        range_["low"] <= point[name] <= range_["high"]
        for name, range_ in space.items()
        if "low" in range_
    )
