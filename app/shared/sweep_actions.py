"""What can be done with a sweep, and links to the sweeps of the store."""

from collections.abc import Callable, Sequence

import streamlit as st

from app import theme
from app.navigation import go, link
from app.session import store
from cifar_core.errors import CifarError
from cifar_core.runs import RunRow
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import hyperparameter_search, sweeps
from cifar_core.runs.sweeps.sweep_results import as_csv, results

BEST = 3  # settings of a search that are worth several seeds
SHOWN = 4  # sweeps linked above the runs
ICONS = {False: ":material/grid_view:", True: ":material/manage_search:"}  # is it a search?


def actions(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw the buttons that mean something now."""
    here = store()
    if lacking := sweeps.missing(here, sweep):
        act(f"Set up {theme.plural(lacking, 'missing run')}", "playlist_add",
            lambda: sweeps.complete(here, sweep))  # fmt: skip
    if sweep.search:
        search_actions(sweep, rows)
    elif any(is_under_way(row.state, row.reason) for row in rows):
        with st.popover("Stop", icon=":material/stop_circle:"):
            act("Take the waiting ones out of the queue", "playlist_remove",
                lambda: sweeps.cancel(here, sweep))  # fmt: skip
            act("Stop all, those under way too", "stop_circle",
                lambda: sweeps.cancel(here, sweep, running=True))  # fmt: skip
    elif any(row.state in ("stopped", "paused") for row in rows):
        act("Go on", "play_arrow", lambda: sweeps.go_on(here, sweep))
    if not sweep.search:
        with st.popover("Add seeds", icon=":material/add:"):
            count = st.number_input("Further seeds", 1, 100, 2, key="more_seeds")
            runs = theme.plural(count * len(sweep.cells), "run")
            act(f"Train {runs} more", "play_arrow", lambda: sweeps.add_seeds(here, sweep, count))
    st.download_button(
        "CSV", lambda: as_csv(sweep, results(sweep, rows)), f"sweep-{sweep.id}.csv", "text/csv",
        icon=":material/download:", key="csv", on_click="ignore",
    )  # fmt: skip


def search_actions(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Offer to end a search or let it go on, and to train its best settings with seeds."""
    here = store()
    if sweep.is_active:
        act("End the search", "stop_circle", lambda: hyperparameter_search.end(here, sweep))
    elif len(sweep.cells) < sweep.search["budget"]:
        act("Go on", "play_arrow", lambda: hyperparameter_search.go_on(here, sweep))
    if sum(row.state == "finished" for row in rows) >= BEST:
        label = f"Train the best {BEST} with 3 seeds"
        if st.button(label, icon=":material/grid_view:", key="repeat"):
            go("sweep", id=repeated(sweep, rows).number)


def repeated(sweep: Sweep, rows: Sequence[RunRow]) -> Sweep:
    """Make a sweep of the best settings of a search, with seeds that it has not used."""
    from cifar_core.config import TrainConfig

    done = [cell for cell in results(sweep, rows) if cell.val]
    done.sort(key=lambda cell: cell.val.mean if cell.val else 0.0, reverse=True)
    first = max(sweep.seeds) + 1
    return sweeps.create(
        store(), TrainConfig.from_dict(sweep.base), [[cell.changes for cell in done[:BEST]]],
        [first, first + 1, first + 2], name=f"Best of {sweep.name}", token=f"best of {sweep.id}",
    )  # fmt: skip


def act(label: str, icon: str, do: Callable[[], object]) -> None:
    """Draw a button that does something and shows what came of it."""
    if st.button(label, icon=f":material/{icon}:", key=f"act {label}"):
        try:
            do()
        except CifarError as error:
            st.error(theme.safe(str(error)))
        else:
            st.rerun()


def sweep_links(rows: Sequence[RunRow]) -> None:
    """Link the newest sweeps that have runs, each with how far it is."""
    present = {row.sweep for row in rows} - {""}
    if not present:
        return
    known = [sweep for sweep in sweeps.listed(store()) if sweep.id in present]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        for sweep in known[:SHOWN]:
            own = [row for row in rows if row.sweep == sweep.id]
            done = sum(row.state == "finished" for row in own)
            label = f"{sweep.name} ({done} of {sweep.planned_runs})"
            link("sweep", named(sweep, label), ICONS[bool(sweep.search)], id=sweep.number)
        if len(known) > SHOWN:
            with st.popover(f"{len(known) - SHOWN} more"):
                for sweep in known[SHOWN:]:
                    link("sweep", named(sweep, sweep.name), id=sweep.number)


def named(sweep: Sweep, label: str) -> str:
    """Write what a link to a sweep or a search says."""
    return f"{'Search' if sweep.search else 'Sweep'} {sweep.number}: {theme.safe(label)}"
