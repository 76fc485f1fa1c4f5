"""Choosing the runs whose networks are used: one, or up to three side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from app import boundary, theme
from app.cache.results import classifier
from app.session import Key, remember, remembered, store
from app.shared import picker
from app.shared.address import (
    follow_address,
    followed,
    keep_in_address,
    left_out,
    named,
    not_offered,
    say_left_out,
)
from cifar_core.data.sizing import Sizing
from cifar_core.errors import CifarError
from cifar_core.inference import Classifier
from cifar_core.runs import KINDS, STATES, TRAINING, CheckpointInfo, Run, RunRow

BESIDE = 2  # further runs
MANY = 4  # runs, from which on they can also be chosen from cards
WIDTH = 340  # pixels of a choice


@dataclass(frozen=True, kw_only=True)
class Network:
    """A run's trained network, loaded."""

    run: Run
    checkpoint: CheckpointInfo
    classifier: Classifier

    @cached_property
    def sizing(self) -> Sizing:
        """How pictures become images for it."""
        return self.run.sizing

    @property
    def where(self) -> tuple[str, str]:
        """The folder and the checkpoint, which identify the network in every cache."""
        return str(self.run.path), self.checkpoint.name


def choose_networks(title: str, rows: Sequence[RunRow]) -> list[Network]:
    """Let the person choose runs beside the page's title, and load their best weights.

    A failure is shown as an error.
    """
    titles = titles_of(rows)
    if (picked := picker.picked("run")) in titles:
        st.session_state["run"] = picked
    follow_address("run", titles)
    refused = not_offered("run", titles)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(title, anchor=False, width="content")
        st.space("stretch")
        first = choose_run("run", titles, refused)
        browse(rows, chosen=first or "")
        others = [number for number in titles if number != first]
        chosen = choose_others(others, titles) if first and others else []
    if first is None:
        st.markdown(theme.safe(why_not(refused)))
        return []
    loaded = [load(number) for number in (first, *chosen)]
    return [network for network in loaded if network is not None]


def titles_of(rows: Sequence[RunRow]) -> dict[str, str]:
    """Return the title of each run in a list, by its number."""
    return {str(row.number): title_of(row) for row in rows}


def title_of(row: RunRow) -> str:
    """Return the title of a run in a list: its number, its name and its accuracy."""
    accuracy = theme.percent(row.best_val_accuracy)
    return f"#{row.number} {row.name}, {accuracy} on validation"


def choose_run(key: str, titles: dict[str, str], refused: str) -> str | None:
    """Let the person choose a run, which the address keeps; return its number.

    None if the address names a run that cannot be shown (`refused`): no other takes its place
    unasked.
    """
    number = st.selectbox(
        "Network", list(titles), format_func=titles.__getitem__, key=key, width=WIDTH,
        index=None if refused else 0, placeholder="Choose a run", label_visibility="collapsed",
    )  # fmt: skip
    if number is not None:
        keep_in_address(key, number, "")
    followed(key, number)
    return number


def browse(rows: Sequence[RunRow], *, chosen: str) -> None:
    """Offer to choose the run from cards, where there are many."""
    if len(rows) >= MANY and st.button(
        "Browse", icon=":material/grid_view:", key="run.browse", type="tertiary",
        help="Choose from cards with the curve of each run",
    ):  # fmt: skip
        picker.choose_run("run", rows, chosen=chosen)


def why_not(ref: str) -> str:
    """Say why a run that the address names is not among those with trained weights."""
    try:
        run = store().run(ref)
    except CifarError as error:
        return f"{error} Choose another run."
    if run.kind != TRAINING:
        kind = KINDS[run.kind].instead
        return f"#{run.number} {run.name} {kind}, so it keeps no network. Choose another run."
    state = STATES[run.status.state].title.lower()
    return (
        f"#{run.number} {run.name} ({state}) has no finished epoch on record, so there is no "
        "network of it to show. Choose another run."
    )


def choose_others(others: Sequence[str], titles: dict[str, str]) -> list[str]:
    """Let the person choose further runs to show beside the first."""
    follow_address("beside", others, most=BESIDE)
    missing, asked = left_out("beside", titles), named("beside", others)
    chosen: list[str] = []
    if st.session_state.get("beside") or remembered(Key.BESIDE):
        chosen = st.multiselect(
            "Further networks", others, format_func=titles.__getitem__, key="beside", width=WIDTH,
            max_selections=BESIDE, placeholder="Up to two runs", label_visibility="collapsed",
        )  # fmt: skip
    else:
        st.button("A second network", icon=":material/add:", type="tertiary", key="second",
                  on_click=remember, args=(Key.BESIDE, True))  # fmt: skip
    say_left_out(missing)
    if len(asked) > BESIDE:
        st.caption(f"Only the first {BESIDE} further networks are shown.")
    keep_in_address("beside", chosen, [])
    followed("beside", chosen)
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
