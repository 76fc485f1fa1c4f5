"""The list of found rates in a sweep's form: what searches found, what runs, what is missing."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.pages.new_run.total_time import search_seconds
from app.session import store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.errors import CifarError
from cifar_core.runs.sweeps.found_rates import FoundRate, begin_missing, found_rates, why
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS
from cifar_core.settings.parameter_grid import Axis

LOOK_AGAIN = 3.0  # seconds between two looks while a search is under way


def rates_list(base: TrainConfig, axes: Sequence[Axis], images: Dataset | None) -> None:
    """Draw a line for each setting with its found rate, and offer to search for the others."""
    found = found_rates(store(), base, axes)
    under_way = any(one.under_way for one in found)
    st.fragment(lines, run_every=LOOK_AGAIN if under_way else None)(base, axes, known(found))
    missing = [one for one in found if one.is_missing]
    if missing:
        searches = theme.plural(len(missing), "search").replace("searchs", "searches")
        if st.button(f"Start {searches}", icon=":material/search:", key="find_rates"):
            start(missing)
        seconds = search_seconds([one.config for one in missing], images)
        time = f", together about {theme.duration(seconds)}" if seconds else ""
        st.caption(
            f"Each search takes about {USUAL_STEPS} steps{time}. It waits in the queue like any "
            "run; this page may be closed meanwhile."
        )


def lines(base: TrainConfig, axes: Sequence[Axis], seen: list[float | None]) -> None:
    """Draw the lines; Streamlit repeats it while a search is under way."""
    found = found_rates(store(), base, axes)
    if known(found) != seen:
        st.rerun()  # one more rate is there: the plan beside the form changes too
    for one in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(line(one))
            for run in one.searches:
                link("run", f"search {run.number}", id=run.number)


def known(found: Sequence[FoundRate]) -> list[float | None]:
    """Return the rates that are there."""
    return [one.rate for one in found]


def line(one: FoundRate) -> str:
    """Write what is known of one setting's rate."""
    if one.rate is not None:
        several = f" :gray[(middle of {len(one.answers)})]" * (len(one.answers) > 1)
        return f":material/check: {theme.safe(one.title)}: **{one.rate:g}**{several}"
    icon = "progress_activity" if one.under_way else "error" if one.in_vain else "search"
    return f":material/{icon}: {theme.safe(why(one))}"


def start(missing: Sequence[FoundRate]) -> None:
    """Queue the searches and draw the page anew."""
    try:
        begin_missing(store(), missing)
    except CifarError as error:
        st.error(theme.safe(str(error)))
    else:
        st.rerun()
