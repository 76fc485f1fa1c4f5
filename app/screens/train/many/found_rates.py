"""The found rates in the form of a grid: what rate searches found, and what is missing."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.screens.train.total_time import search_seconds
from app.session import store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.runs.sweeps.found_rates import FoundRate, begin_missing, found_rates, why
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS
from cifar_core.settings.parameter_grid import Axis

REFRESH_SECONDS = 3.0  # while a rate search is under way


def rates_list(base: TrainConfig, axes: Sequence[Axis], images: Dataset | None) -> None:
    """Draw a line for each combination with its found rate, and offer to search the others."""
    rates = found_rates(store(), base, axes)
    refresh = REFRESH_SECONDS if any(entry.under_way for entry in rates) else None
    boundary.fragment(lines, run_every=refresh)(base, axes, numbers(rates))
    missing = [entry for entry in rates if entry.is_missing]
    if missing:
        searches = f"{len(missing)} rate search{'es' * (len(missing) > 1)}"
        if st.button(f"Start {searches}", icon=":material/search:", key="find_rates"):
            start(missing)
        seconds = search_seconds([entry.config for entry in missing], images)
        time = f", about {theme.duration(seconds)} in all" if seconds else ""
        st.caption(
            f"A rate search takes about {USUAL_STEPS} steps{time}. It waits in the queue like any "
            "run, and goes on when you close this page."
        )


def lines(base: TrainConfig, axes: Sequence[Axis], shown: list[float | None]) -> None:
    """Draw the lines; Streamlit repeats it while a rate search is under way."""
    rates = found_rates(store(), base, axes)
    if numbers(rates) != shown:
        st.rerun()  # one more rate was found: the summary beside the form changes too
    for entry in rates:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(line(entry))
            for run in entry.searches:
                link("run", f"run {run.number}", id=run.number)


def numbers(rates: Sequence[FoundRate]) -> list[float | None]:
    """Return the rates as plain numbers; None where none was found."""
    return [entry.rate for entry in rates]


def line(entry: FoundRate) -> str:
    """Write the rate of one combination, or why it has none."""
    if entry.rate is not None:
        count = len(entry.answers)
        mean = f" :gray[(geometric mean of {count} rate searches)]" if count > 1 else ""
        return f":material/check: {theme.safe(entry.title)}: **{entry.rate:g}**{mean}"
    icon = "progress_activity" if entry.under_way else "error" if entry.in_vain else "search"
    return f":material/{icon}: {theme.safe(why(entry))}"


def start(missing: Sequence[FoundRate]) -> None:
    """Queue the rate searches and draw the page again."""
    try:
        begin_missing(store(), missing)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        st.rerun()
