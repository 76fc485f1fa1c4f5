"""Many runs from one form: every combination of several values, or a search for the best."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.pages.new_run import every_combination, hyperparameter_search
from app.pages.new_run.every_combination import Several, chosen, several_inputs, several_summary
from app.pages.new_run.hyperparameter_search import (
    Wanted,
    search_inputs,
    search_summary,
    wanted_search,
)
from app.pages.new_run.varied_settings import SETTINGS
from app.session import Key, remember, remembered
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.settings import rule_of

Many = Several | Wanted
HOW = "several_how"
GRID, SEARCH = "grid", "search"
WAYS = {GRID: "Every combination", SEARCH: "Search for the best"}


def chosen_many(prefix: str, values: Mapping[str, Any], images: Dataset | None) -> Many:
    """Return what the controls ask for, checked, before they are drawn."""
    if st.session_state.get(HOW) == SEARCH:
        return wanted_search(prefix, values, images)
    return chosen(prefix, values, images)


def many_inputs(
    prefix: str,
    many: Many,
    values: Mapping[str, Any],
    base: TrainConfig | None,
    images: Dataset | None,
) -> None:
    """Draw which of the two it is, and its controls."""
    st.subheader("Several values", anchor=False)
    st.segmented_control(
        "How", list(WAYS), default=GRID, required=True, key=HOW, persist_state="session",
        format_func=WAYS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    if isinstance(many, Wanted):
        search_inputs(prefix, many, values)
    else:
        several_inputs(prefix, many, base, images)


def many_summary(many: Many, values: Mapping[str, Any], images: Dataset | None) -> None:
    """Say how many runs it would be and how long they take."""
    if isinstance(many, Wanted):
        search_summary(many, values, images)
    else:
        several_summary(many, values, images)


def follow_address(prefix: str) -> None:
    """Turn the address's lists into the form's state, once for a draft.

    `vary=learning_rate=0.01,0.1` names values of a sweep, `over=learning_rate=0.001..0.1` a range
    of a search.
    """
    grid, search = (st.query_params.get_all(name) for name in ("vary", "over"))
    if not (grid or search) or remembered(Key.VARIED) == (prefix, grid, search):
        return
    remember(Key.VARIED, (prefix, grid, search))
    st.session_state["several"] = True
    st.session_state[HOW] = SEARCH if search else GRID
    part, key_of = (
        ("search", hyperparameter_search.key_of) if search else ("vary", every_combination.key_of)
    )
    named = [text.partition("=")[::2] for text in search or grid]
    known = [(name, values) for name, values in named if name in SETTINGS]
    for name, values in known:
        st.session_state[key_of(prefix, name)] = state_of(name, values)
    st.session_state[f"{prefix}.{part}"] = [name for name, _ in known]


def state_of(name: str, values: str) -> str | Sequence[str]:
    """Return what the control of a setting holds for values as they are written in the address."""
    among = rule_of(SETTINGS[name]).among
    if among is None:
        return values
    return [key for key in map(str.strip, values.split(",")) if key in among]
