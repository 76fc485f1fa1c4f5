"""The Run page: a run's name, state and actions, and below them five tabs."""

import streamlit as st

from app import boundary, theme
from app.navigation import late, link
from app.screens.run.header import header
from app.screens.run.onward.links import follow_request
from app.session import store
from app.shared.address import one_name
from app.shared.places import places
from app.shared.tab_bar import open_tab, tab_bar
from cifar_core.errors import RunError
from cifar_core.runs import CURVES, TRAINING, Run

TABS = {
    "watch": "Watch",
    "result": "Result",
    "inside": "Inside",
    "settings": "Settings",
    "files": "Files",
}
OF_A_NETWORK = ("result", "inside")  # tabs that need the weights of a finished epoch
OF_CURVES = ("watch", "settings")  # tabs of a run that has only imported curves


def page() -> None:
    """Draw the run that the address gives."""
    places()
    one_name("id", "run")
    ref = st.query_params.get("id", "")
    try:
        run = store().run(ref)
    except RunError as error:
        hint = f"{error} It may be in the trash, or in another store."
        missing(hint if ref else "No run is given in the address.")
        return
    tabs = tabs_of(run)
    known = run.kind == TRAINING and run.summary.best_val_accuracy is not None
    header(run, result_elsewhere=known and open_tab(tabs, of=run.id) != "result")
    follow_request(run)
    name, box = tab_bar(tabs, of=run.id)
    with box:
        if name in OF_A_NETWORK and run.summary.best_val_accuracy is None:
            st.caption(f"*{TABS[name]}* has something to show when the first epoch is validated.")
            return
        tab = late(f"app.screens.run.{name}.tab", "draw")
        boundary.part(tab.draw)(run, run.status)


def tabs_of(run: Run) -> dict[str, str]:
    """Return the tabs of a run of this kind; they stay the same while it trains."""
    if run.kind == CURVES:
        return {name: TABS[name] for name in OF_CURVES}
    trains = run.kind == TRAINING
    return {name: title for name, title in TABS.items() if trains or name not in OF_A_NETWORK}


def missing(why: str) -> None:
    """Say that there is no such run, and link to all runs."""
    with st.container(border=True):
        st.subheader("No such run", anchor=False)
        st.markdown(theme.safe(why))
        link("runs", "All runs", ":material/monitoring:")
