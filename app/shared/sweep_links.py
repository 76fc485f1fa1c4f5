"""Links to the sweeps of the store."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.session import store
from cifar_core.runs import RunRow
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import sweeps

SHOWN = 4  # sweeps linked above the runs
ICONS = {False: ":material/grid_view:", True: ":material/manage_search:"}  # True: of a search


def sweep_links(rows: Sequence[RunRow]) -> None:
    """Link the newest sweeps that have runs, each with its progress."""
    present = {row.sweep for row in rows} - {""}
    if not present:
        return
    recent = [sweep for sweep in sweeps.listed(store()) if sweep.id in present]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        for sweep in recent[:SHOWN]:
            own = [row for row in rows if row.sweep == sweep.id]
            done = sum(row.state == "finished" for row in own)
            label = f"{sweep.name} ({done} of {sweep.planned_runs})"
            link("sweep", named(sweep, label), ICONS[bool(sweep.search)], id=sweep.number)
        if len(recent) > SHOWN:
            with st.popover(f"{len(recent) - SHOWN} more"):
                for sweep in recent[SHOWN:]:
                    link("sweep", named(sweep, sweep.name), id=sweep.number)


def named(sweep: Sweep, label: str) -> str:
    """Return the label of a link to a sweep or a search."""
    return f"{'Search' if sweep.search else 'Sweep'} {sweep.number}: {theme.safe(label)}"
