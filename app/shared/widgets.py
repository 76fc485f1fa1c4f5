"""Turns settings into controls: the only place that maps a setting's rule to a widget."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any

import streamlit as st

from app import theme
from cifar_core.settings.declaration import Rule, Settings, label_of, rule_of

SUGGESTED = Mapping[str, Mapping[str, str]]  # name of a setting -> values and their titles


def chosen(group: type[Settings], start: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the value of each setting's control before it is drawn; `start` if there is none."""
    return {
        f.name: st.session_state.get(f"{prefix}.{f.name}", start.get(f.name, f.default))
        for f in fields(group)
    }


def settings_inputs(
    settings: Sequence[Field[Any]],
    start: Mapping[str, Any],
    prefix: str,
    *,
    problems: Mapping[str, str],
    suggested: SUGGESTED | None = None,
    helped: bool = True,
) -> None:
    """Draw settings in a grid, each with its problem, if any, or the summary of the choice.

    With `helped`, each has a question mark with its help, which is one more stop of the Tab key;
    `helps` writes those of all settings at once.
    """
    with st.grid(2, min_column_width=210, gap="small"):
        for setting in settings:
            with st.container(gap="xsmall"):
                value = start.get(setting.name, setting.default)
                options = (suggested or {}).get(setting.name, {})
                setting_input(setting, value, prefix, options, helped=helped)
                if why := problems.get(setting.name):
                    say_problem(why)
                elif about := summary(setting, prefix):
                    st.caption(about)


def say_problem(why: str) -> None:
    """Write in red what is wrong with the control above."""
    st.markdown(f":red[:material/error: {theme.safe(why)}]")


def helps(settings: Sequence[Field[Any]]) -> str:
    """Return what settings mean, as a list in Markdown."""
    return "\n".join(f"- **{label_of(f)}**: {theme.safe(rule_of(f).help)}" for f in settings)


def setting_input(
    setting: Field[Any],
    value: Any,
    prefix: str,
    suggested: Mapping[str, str],
    *,
    helped: bool,
) -> None:
    """Draw the control that fits a setting; its value is kept under its key.

    Of a registry only the `suggested` entries are offered, if there are any.
    """
    rule = rule_of(setting)
    shared: dict[str, Any] = {
        "label": label_of(setting),
        "key": f"{prefix}.{setting.name}",
        "help": rule.help if helped else None,
        "persist_state": "session",  # so that the draft outlives a visit to another page
    }
    if rule.among is not None:
        now = st.session_state.get(shared["key"], value)
        keys = list(dict.fromkeys([*suggested, value, now])) if suggested else list(rule.among)
        title = title_in(rule)
        st.selectbox(
            **shared, options=keys, index=keys.index(value),
            format_func=lambda key: suggested.get(key) or title(key),
        )  # fmt: skip
    elif rule.type == "switch":
        st.toggle(**shared, value=value)
    elif suggested:
        options = list(dict.fromkeys([*suggested, value]))
        st.selectbox(
            **shared, options=options, index=options.index(value), accept_new_options=True,
            format_func=lambda value: suggested.get(value, value),
        )  # fmt: skip
    elif rule.type == "text":
        st.text_input(**shared, value=value)
    else:
        # without limits, so that a wrong number is kept and its problem can be shown
        as_number = int if rule.type == "integer" else float
        step, shape = (rule.step, "%d") if as_number is int else (step_of(setting), "%g")
        st.number_input(**shared, value=as_number(value), step=as_number(step), format=shape)


def title_in(rule: Rule) -> Any:
    """Return the function from an entry's key to its title."""
    assert rule.among is not None
    among = rule.among
    return lambda key: among[key].title


def summary(setting: Field[Any], prefix: str) -> str:
    """Return the summary of the chosen entry; empty for other settings."""
    among, key = rule_of(setting).among, str(st.session_state.get(f"{prefix}.{setting.name}"))
    return "" if among is None or key not in among else str(among[key].summary)


def step_of(setting: Field[Any]) -> float:
    """Return how much the plus and minus buttons change a real number."""
    rule = rule_of(setting)
    if rule.log_scale:
        default: Any = setting.default
        return float(default) / 10 or 1e-4
    return 0.05 if rule.high - rule.low <= 1 else 0.5
