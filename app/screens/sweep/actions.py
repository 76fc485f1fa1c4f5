"""The actions on a sweep."""

from collections.abc import Callable, Sequence

import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.sweep.edit import edit_dialog
from app.session import store
from cifar_core.people import OPERATOR
from cifar_core.runs import RunRow
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import hyperparameter_search, origins, sweeps
from cifar_core.runs.sweeps.sweep_results import as_csv, results

BEST = 3  # settings of a search that are trained with several seeds


def actions(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw the buttons that fit the sweep's state."""
    here = store()
    if missing := sweeps.missing(here, sweep, rows):
        act(f"Queue {theme.plural(missing, 'missing run')}", "playlist_add",
            lambda: sweeps.complete(here, sweep))  # fmt: skip
    if sweep.search:
        search_actions(sweep, rows)
    elif any(is_under_way(row.state, row.reason) for row in rows):
        with st.popover("Stop", icon=":material/stop_circle:"):
            act("Stop queued runs only", "playlist_remove",
                lambda: sweeps.cancel(here, sweep))  # fmt: skip
            act("Stop all, including running ones", "stop_circle",
                lambda: sweeps.cancel(here, sweep, running=True))  # fmt: skip
    elif any(row.state in ("stopped", "paused") for row in rows):
        act("Resume", "play_arrow", lambda: sweeps.go_on(here, sweep))
    if here.by.may(OPERATOR, sweeps.owner_of(here, sweep)) and st.button(
        "Edit", icon=":material/tune:", key="edit"
    ):
        edit_dialog(sweep, rows)
    st.download_button(
        "CSV", lambda: as_csv(sweep, results(sweep, rows)), f"sweep-{sweep.id}.csv", "text/csv",
        icon=":material/download:", key="csv", on_click="ignore",
    )  # fmt: skip


def search_actions(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Offer to end or resume a search, and to train its best settings with several seeds."""
    here = store()
    if sweep.is_active:
        act("End the search", "stop_circle", lambda: hyperparameter_search.end(here, sweep))
    elif len(sweep.cells) < sweep.search["budget"]:
        act("Resume the search", "play_arrow", lambda: hyperparameter_search.go_on(here, sweep))
    if sum(row.state == "finished" for row in rows) >= BEST:
        label = f"Train the best {BEST} with 3 seeds"
        if st.button(label, icon=":material/grid_view:", key="repeat"):
            go("sweep", id=repeated(sweep, rows).number)


def repeated(sweep: Sweep, rows: Sequence[RunRow]) -> Sweep:
    """Create a sweep of a search's best settings, with seeds that it has not used."""
    from cifar_core.config import TrainConfig

    done = [cell for cell in results(sweep, rows) if cell.val]
    done.sort(key=lambda cell: cell.val.mean if cell.val else 0.0, reverse=True)
    first = max(sweep.seeds) + 1
    runs = [store().run(row.id) for row in rows]
    start = origins.found(store(), sweep.start, runs) if sweep.start else None
    return sweeps.create(
        store(), TrainConfig.from_dict(sweep.base), [[cell.changes for cell in done[:BEST]]],
        [first, first + 1, first + 2], name=f"Best of {sweep.name}", token=f"best of {sweep.id}",
        start=start, teachers=[origins.found(store(), one, runs) for one in sweep.teachers],
    )  # fmt: skip


def act(label: str, icon: str, do: Callable[[], object]) -> None:
    """Draw a button for an action; an error is shown, success draws the page again."""
    if st.button(label, icon=f":material/{icon}:", key=f"act {label}"):
        try:
            do()
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()
