"""Choosing the runs whose networks are used: one, or up to three side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import theme
from app.cache.results import classifier
from app.session import store
from app.shared.address import keep_in_address, start_from_address
from cifar_core.errors import CifarError
from cifar_core.inference import Classifier
from cifar_core.runs import CheckpointInfo, Run, RunRow

BESIDE = 2  # further runs


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
    first = choose_first(titles)
    others = [number for number in titles if number != first]
    chosen = choose_others(others, titles) if others else []
    loaded = [load(number) for number in (first, *chosen)]
    return [network for network in loaded if network is not None]


def choose_network(rows: Sequence[RunRow]) -> Network | None:
    """Let the person choose one run, and load its best weights; a failure is shown as an error."""
    return load(choose_first(titles_of(rows)))


def titles_of(rows: Sequence[RunRow]) -> dict[str, str]:
    """Return the title of each run in a list, by its number."""
    return {
        str(row.number): f"#{row.number} {row.name}, {theme.percent(row.best_val_accuracy)}"
        for row in rows
    }


def choose_first(titles: dict[str, str]) -> str:
    """Let the person choose the run; return its number."""
    start_from_address("run", titles)
    number = st.selectbox(
        "Run", list(titles), format_func=titles.__getitem__, key="run",
        help="With its best validation accuracy. The weights of that epoch are used.",
    )  # fmt: skip
    st.query_params["run"] = number
    return number


def choose_others(others: Sequence[str], titles: dict[str, str]) -> list[str]:
    """Let the person choose further runs to show beside the first."""
    start_from_address("beside", others, several=True)
    chosen = st.multiselect(
        "Other runs", others, format_func=titles.__getitem__, key="beside", max_selections=BESIDE,
        placeholder="Compare with up to two runs", label_visibility="collapsed",
    )  # fmt: skip
    keep_in_address("beside", chosen, [])
    return chosen


def load(number: str) -> Network | None:
    """Load the best weights of a run, or show why they cannot be used."""
    try:
        run = store().run(number)
        checkpoint = run.checkpoint("best")
        with st.spinner("Loading the network", show_time=False):
            model = classifier(str(run.path), checkpoint.name)
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return None
    return Network(run=run, checkpoint=checkpoint, classifier=model)
