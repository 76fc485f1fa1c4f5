"""Many runs from one form: every combination of several values, or a hyperparameter search."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.screens.train.many import every_combination, hyperparameter_search
from app.screens.train.many.every_combination import (
    GridDraft,
    chosen_grid,
    grid_inputs,
    grid_summary,
)
from app.screens.train.many.hyperparameter_search import (
    SearchDraft,
    chosen_search,
    search_inputs,
    search_summary,
)
from app.screens.train.many.varied_settings import SETTINGS
from app.session import Key, remember, remembered
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.settings import rule_of

Many = GridDraft | SearchDraft
HOW = "several_how"
ONE, GRID, SEARCH = "one", "grid", "search"
WAYS = {ONE: "One run", GRID: "Every combination", SEARCH: "Search for the best"}


def chosen_many(prefix: str, values: Mapping[str, Any], images: Dataset | None) -> Many | None:
    """Return what the controls ask for, checked, before they are drawn; None for a single run."""
    how = st.session_state.get(HOW, ONE)
    if how == SEARCH:
        return chosen_search(prefix, values, images)
    return chosen_grid(prefix, values, images) if how == GRID else None


def many_inputs(
    prefix: str,
    many: Many | None,
    values: Mapping[str, Any],
    base: TrainConfig | None,
    images: Dataset | None,
) -> None:
    """Draw the choice between one run and two ways to several, and the controls of the latter."""
    st.segmented_control(
        "How many", list(WAYS), default=ONE, required=True, key=HOW, persist_state="session",
        format_func=WAYS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    if many is None:
        st.caption(
            "Compare optimizers, rates or any other settings, each with several seeds, or search "
            "for the best values."
        )
    elif isinstance(many, SearchDraft):
        search_inputs(prefix, many, values)
    else:
        grid_inputs(prefix, many, base, images)


def many_summary(many: Many, values: Mapping[str, Any], images: Dataset | None) -> None:
    """Say how many runs it would be and how long they take."""
    if isinstance(many, SearchDraft):
        search_summary(many, values, images)
    else:
        grid_summary(many, values, images)


def follow_address(prefix: str) -> None:
    """Put the lists in the address into the form, once for a draft.

    `vary=learning_rate=0.01,0.1` names values of a sweep, `over=learning_rate=0.001..0.1` a range
    of a search.
    """
    grid, search = (st.query_params.get_all(name) for name in ("vary", "over"))
    if not (grid or search) or remembered(Key.VARIED) == (prefix, grid, search):
        return
    remember(Key.VARIED, (prefix, grid, search))
    st.session_state[HOW] = SEARCH if search else GRID
    part, key_of, offered = (
        ("search", hyperparameter_search.key_of, hyperparameter_search.SEARCHED) if search
        else ("vary", every_combination.key_of, list(SETTINGS))
    )  # fmt: skip
    pairs = [text.partition("=")[::2] for text in search or grid]
    varied = {name: values for name, values in pairs if name in offered}
    for name, values in varied.items():
        st.session_state[key_of(prefix, name)] = state_of(name, values)
    st.session_state[f"{prefix}.{part}"] = list(varied)


def state_of(name: str, values: str) -> str | Sequence[str]:
    """Return what a setting's control holds for values as the address writes them."""
    among = rule_of(SETTINGS[name]).among
    if among is None:
        return values
    return [key for key in map(str.strip, values.split(",")) if key in among]
