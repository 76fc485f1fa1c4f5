"""Reads the values of settings as a person types them, and combines them into a parameter grid."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from itertools import product
from typing import Any, cast

from cifar_core.errors import ConfigError
from cifar_core.settings.declaration import (
    Rule,
    Settings,
    label_of,
    parsed,
    problem,
    rule_of,
    unknown,
)

Axis = list[dict[str, Any]]  # settings that vary together: each entry sets one or more of them
MOST = 1000  # combinations
NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
SPAN = re.compile(rf"{NUMBER}\s*\.\.\s*{NUMBER}(?:\s*x\s*([0-9]+))?")
COUNTED = re.compile(r"([0-9]+)\s*-\s*([0-9]+)")


def values_of(setting: Field[Any], text: str) -> list[Any]:
    """Read "0.01, 0.03", "0.001..0.1 x5" or, for whole numbers, "1-5"; raises ConfigError.

    "x5" asks for five values, evenly spaced, or by equal factors if the setting has a log scale.
    """
    rule, typed = rule_of(setting), []
    for word in filter(None, map(str.strip, text.split(","))):
        if span := SPAN.fullmatch(word):
            low, high = float(span[1]), float(span[2])
            typed += spaced(rule, low, high, min(int(span[3] or 5), MOST + 1))
        elif (ends := COUNTED.fullmatch(word)) and rule.type == "integer":
            typed += range(int(ends[1]), int(ends[2]) + 1)[: MOST + 1] or [word]
        else:
            typed.append(parsed(setting, word))
    values = list(dict.fromkeys(typed))
    if wrong := [why for value in values if (why := problem(setting, value))]:
        raise ConfigError({setting.name: " ".join(wrong)})
    if not values:
        raise ConfigError(
            {setting.name: f"Type the values of '{label_of(setting)}', such as {example(setting)}."}
        )
    return values


def spaced(rule: Rule, low: float, high: float, count: int) -> list[Any]:
    """Return `count` values from low to high with three digits, or as whole numbers if required."""
    if count < 2 or (rule.log_scale and min(low, high) <= 0):
        return [low, high]
    steps = [i / (count - 1) for i in range(count)]
    if rule.log_scale:
        values = [low * (high / low) ** step for step in steps]
    else:
        values = [low + (high - low) * step for step in steps]
    whole = rule.type == "integer"
    return [round(v) if whole else float(f"{v:.3g}") for v in values]


def example(setting: Field[Any]) -> str:
    """Return an example of what to type for a setting."""
    rule, default = rule_of(setting), cast(Any, setting.default)
    if rule.among is not None:
        return ", ".join(list(rule.among)[:2])
    if rule.type == "switch":
        return "yes, no"
    if rule.type == "text":
        return "first, second"
    if setting.name == "seed":
        return "1-5"
    if rule.log_scale and default:
        return f"{default / 10:g}..{default:g} x3"
    values = [default, default * 2] if default else [0, min(1, rule.high)]
    return ", ".join(f"{value:g}" for value in values if rule.low <= value <= rule.high)


def axis_of(group: type[Settings], text: str) -> Axis:
    """Read "learning_rate=0.01,0.1", or settings that vary together, with "|" between entries.

    Such an entry names each setting: "optimizer=sgd,learning_rate=0.06 | optimizer=adam,
    learning_rate=0.003".
    """
    by_name = {f.name: f for f in fields(group)}
    if "|" in text:
        return [entry_of(group, part) for part in text.split("|") if part.strip()]
    name, equals, values = map(str.strip, text.partition("="))
    if not equals:
        raise ConfigError({text: f"'{text}' is not of the form NAME=VALUES, for example seed=1-3."})
    if name not in by_name:
        raise ConfigError({name: unknown(name, list(by_name))})
    return [{name: value} for value in values_of(by_name[name], values)]


def entry_of(group: type[Settings], text: str) -> dict[str, Any]:
    """Read one entry, such as "optimizer=sgd, learning_rate=0.06"."""
    entry: dict[str, Any] = {}
    for pair in text.split(","):
        (single,) = axis_of(group, pair)[:1]
        entry |= single
    return entry


def combinations(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Return every combination of one entry of each axis, the last axis changing fastest."""
    names = [name for axis in axes for name in dict.fromkeys(name for e in axis for name in e)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            {name: f"{name} is varied twice. Keep only one of the two." for name in twice}
        )
    if (count := math.prod(map(len, axes))) > MOST:
        raise ConfigError(
            {"": f"These are {count:,} settings, but at most {MOST:,} are allowed. "
             "Leave some values out."}
        )  # fmt: skip
    return [{k: v for entry in entries for k, v in entry.items()} for entries in product(*axes)]


def in_words(group: type[Settings], changes: Mapping[str, Any]) -> str:
    """Return the settings of a combination in words: "Adam, learning rate 0.003"."""
    by_name = {f.name: f for f in fields(group)}
    return ", ".join(word(by_name[name], value) for name, value in changes.items())


def word(setting: Field[Any], value: Any) -> str:
    """Return one value in words; a registry's entry needs no setting's name in front."""
    among = rule_of(setting).among
    if among is not None:
        return str(among[value].title)
    label = label_of(setting)
    label = label[:1].lower() + label[1:]
    if isinstance(value, bool):
        return label if value else f"no {label}"
    return f"{label} {value:g}" if isinstance(value, int | float) else f"{label} {value}"
