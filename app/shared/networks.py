"""Choosing the runs whose networks are asked: one, or up to three side by side."""

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
    """A network that is asked."""

    run: Run
    checkpoint: CheckpointInfo
    classifier: Classifier

    @property
    def where(self) -> tuple[str, str]:
        """Return the folder and the checkpoint by which the session caches what it answers."""
        return str(self.run.path), self.checkpoint.name


def choose_networks(rows: Sequence[RunRow]) -> list[Network]:
    """Let the person choose runs, and load their best weights; what cannot be loaded is said."""
    titles = titles_of(rows)
    number = choose_first(titles)
    others = [other for other in titles if other != number]
    chosen = choose_others(others, titles) if others else []
    loaded = [load(each) for each in (number, *chosen)]
    return [network for network in loaded if network is not None]


def choose_network(rows: Sequence[RunRow]) -> Network | None:
    """Let the person choose one run, and load its best weights; says why if it cannot."""
    return load(choose_first(titles_of(rows)))


def titles_of(rows: Sequence[RunRow]) -> dict[str, str]:
    """Return how each run is named in a list, by its number."""
    return {
        str(row.number): f"#{row.number} {row.name}, {theme.percent(row.best_val_accuracy)}"
        for row in rows
    }


def choose_first(titles: dict[str, str]) -> str:
    """Let the person choose the run; return its number."""
    start_from_address("run", titles)
    number = st.selectbox(
        "Run", list(titles), format_func=titles.__getitem__, key="run",
        help="With its accuracy on the validation images. The weights of its best epoch are used.",
    )  # fmt: skip
    st.query_params["run"] = number
    return number


def choose_others(others: Sequence[str], titles: dict[str, str]) -> list[str]:
    """Let the person put further runs beside the first."""
    start_from_address("beside", others, several=True)
    chosen = st.multiselect(
        "Beside it", others, format_func=titles.__getitem__, key="beside", max_selections=BESIDE,
        placeholder="Up to two other runs", label_visibility="collapsed",
    )  # fmt: skip
    keep_in_address("beside", chosen, [])
    return chosen


def load(number: str) -> Network | None:
    """Load the best weights of a run, or say why they cannot be used."""
    try:
        run = store().run(number)
        checkpoint = run.checkpoint("best")
        with st.spinner("Loading the network", show_time=False):
            model = classifier(str(run.path), checkpoint.name)
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return None
    return Network(run=run, checkpoint=checkpoint, classifier=model)
