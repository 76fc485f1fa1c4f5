"""Choosing the runs whose networks are used: one, or up to three side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import boundary, theme
from app.cache.results import classifier
from app.session import store
from app.shared import picker
from app.shared.address import (
    keep_in_address,
    left_out,
    not_offered,
    say_left_out,
    start_from_address,
)
from cifar_core.errors import CifarError
from cifar_core.inference import Classifier
from cifar_core.runs import STATES, TRAINING, CheckpointInfo, Run, RunRow

BESIDE = 2  # further runs
MANY = 4  # runs, from which on they can also be chosen from cards


@dataclass(frozen=True, kw_only=True)
class Network:
    """A run's trained network, loaded."""

    run: Run
    checkpoint: CheckpointInfo
    classifier: Classifier

    @property
    def where(self) -> tuple[str, str]:
        """The folder and the checkpoint, which identify the network in every cache."""
        return str(self.run.path), self.checkpoint.name


def choose_networks(rows: Sequence[RunRow]) -> list[Network]:
    """Let the person choose runs, and load their best weights; a failure is shown as an error."""
    titles = titles_of(rows)
    first = choose_run("run", rows)
    if first is None:
        return []
    others = [number for number in titles if number != first]
    chosen = choose_others(others, titles) if others else []
    loaded = [load(number) for number in (first, *chosen)]
    return [network for network in loaded if network is not None]


def choose_network(rows: Sequence[RunRow]) -> Network | None:
    """Let the person choose one run, and load its best weights; a failure is shown as an error."""
    number = choose_run("run", rows)
    return load(number) if number else None


def titles_of(rows: Sequence[RunRow]) -> dict[str, str]:
    """Return the title of each run in a list, by its number."""
    return {
        str(row.number): f"#{row.number} {row.name}, {theme.percent(row.best_val_accuracy)}"
        for row in rows
    }


def choose_run(key: str, rows: Sequence[RunRow]) -> str | None:
    """Let the person choose a run, which the address keeps; return its number.

    None if the address names a run that cannot be shown: no other takes its place unasked.
    """
    titles = titles_of(rows)
    if (chosen := picker.picked(key)) in titles:
        st.session_state[key] = chosen
    start_from_address(key, titles)
    refused = not_offered(key, titles)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Run", list(titles), format_func=titles.__getitem__, key=key,
            index=None if refused else 0, placeholder="Choose a run",
            help="With its best validation accuracy. The weights of that epoch are used.",
        )  # fmt: skip
        if len(titles) >= MANY and st.button(
            "Browse", icon=":material/grid_view:", key=f"{key}.browse",
            help="Choose from cards with the curve of each run",
        ):  # fmt: skip
            picker.choose_run(key, rows, chosen=number or "")
    if number is None:
        st.markdown(theme.safe(why_not(refused)))
        return None
    st.query_params[key] = number
    return number


def why_not(ref: str) -> str:
    """Say why a run that the address names is not among those with trained weights."""
    try:
        run = store().run(ref)
    except CifarError as error:
        return f"{error} Choose another run."
    if run.kind != TRAINING:
        return f"#{run.number} {run.name} is a rate search, which keeps no network. Choose a run."
    state = STATES[run.status.state].title.lower()
    return (
        f"#{run.number} {run.name} ({state}) has no finished epoch on record, so there is no "
        "network of it to show. Choose another run."
    )


def choose_others(others: Sequence[str], titles: dict[str, str]) -> list[str]:
    """Let the person choose further runs to show beside the first."""
    start_from_address("beside", others, several=True)
    missing = left_out("beside", others)
    chosen = st.multiselect(
        "Other runs", others, format_func=titles.__getitem__, key="beside", max_selections=BESIDE,
        placeholder="Compare with up to two runs", label_visibility="collapsed",
    )  # fmt: skip
    say_left_out(missing)
    keep_in_address("beside", chosen, [])
    return chosen


def load(number: str) -> Network | None:
    """Load the best weights of a run, or show why they cannot be used."""
    try:
        run = store().run(number)
        checkpoint = run.checkpoint("best")
        with st.spinner("Loading the network", show_time=False):
            model = classifier(str(run.path), checkpoint.name)
    except boundary.REFUSED as error:
        boundary.show(error)
        return None
    return Network(run=run, checkpoint=checkpoint, classifier=model)
