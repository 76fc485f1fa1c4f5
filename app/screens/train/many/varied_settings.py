"""The settings that can vary in a sweep, and the control for several of their choices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from app.session import clusters, inventory
from cifar_core.config import TrainConfig
from cifar_core.runs.backends import offered
from cifar_core.runs.backends.offered import PLACES
from cifar_core.settings import Rule, label_of, rule_of
from cifar_core.settings.declaration import is_offered

SETTINGS = {  # first those that people vary most often; all runs of a sweep go to one place
    f.name: f
    for f in sorted(fields(TrainConfig), key=lambda f: not rule_of(f).often_varied)
    if rule_of(f).type != "text" and rule_of(f).several != PLACES
}
WHOLE, TINY = 4, 1e-4  # to compare with 0


def offers(base: TrainConfig | None, chosen: Sequence[str]) -> list[str]:
    """Return the settings that may vary, with those that were chosen already.

    `base` has the values of the form; None while one of them is wrong.
    """
    several = offered.several(base.run_on if base else "", clusters(), inventory())
    return [name for name, f in SETTINGS.items()
            if name in chosen or is_offered(f, f.default, several)]  # fmt: skip


def first_values(name: str, values: Mapping[str, Any]) -> str | list[str]:
    """Return what the control of a setting begins with: a few values around the form's.

    Of a registry it is the form's entry alone, since which others to compare is the question.
    """
    rule, now = rule_of(SETTINGS[name]), values[name]
    if rule.among is not None:
        return [now] if now in rule.among else []
    if rule.scope == "sample":
        return "1-3"
    words = [f"{value:g}" for value in sorted(around(rule, now))]
    return ", ".join(dict.fromkeys(words))


def around(rule: Rule, now: float) -> list[float]:
    """Return a number and those to compare it with: factors, or steps toward 1 from close to it."""
    whole = rule.type == "integer"
    if not now:
        usual = WHOLE if whole else TINY if rule.log_scale else 1.0 if rule.high > 1 else 0.1
        return [now, min(rule.high, usual)]
    if not whole and 0.5 < now < 1 == math.ceil(rule.high):
        others = [2 * now - 1, (1 + now) / 2]
    else:
        factor = 3 if rule.log_scale and not whole else 2
        others = [rounded(now / factor, whole), rounded(now * factor, whole)]
    return [now, *(min(max(value, rule.low), rule.high) for value in others)]


def rounded(value: float, whole: bool) -> float:
    """Return a whole number, or one with two digits."""
    return round(value) if whole else float(f"{value:.2g}")


def choices_input(key: str, name: str) -> None:
    """Draw the control for several entries of a registry, or for both values of a switch."""
    setting = SETTINGS[name]
    among = rule_of(setting).among
    if among is None:
        st.text_input(label_of(setting), "On and off", disabled=True)
        return
    st.multiselect(
        label_of(setting), list(among), key=key, persist_state="session",
        format_func=lambda entry: among[entry].title, placeholder="Choose two or more",
    )  # fmt: skip
