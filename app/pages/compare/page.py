"""The Compare page: up to nine runs side by side, and whether one is really better."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.pages.compare.curves import curves
from app.pages.compare.images import classes, images
from app.pages.compare.runs_and_predictions import choose_runs
from app.pages.compare.tables import cost, parallel, results, settings
from app.pages.compare.verdict import Compared, verdict
from app.session import store
from app.shared.address import keep_in_address, start_from_address
from cifar_core.runs import TRAINING, RunRow
from cifar_core.runs.results.side_by_side import RunFacts, best_of, facts

UNANSWERED = "Known once the runs have answered the same images: see the button above."


def page() -> None:
    """Draw the runs that the address names."""
    st.header("Compare", anchor=False)
    rows = [row for row in store().runs() if row.kind == TRAINING and row.best_val_accuracy]
    if not rows:
        st.markdown("Nothing has been trained yet.")
        link("new_run", "Set up a run", ":material/play_arrow:", preset="smoke")
        return
    runs = choose_runs(store(), rows)
    if len(runs) < 2:
        invitation(rows)
        return
    found = [facts(run) for run in runs]
    base = choose_base(found) if len(found) > 2 else best_of(found)
    compared = verdict(found, base)
    results(found)
    parts(found, base, compared)


def invitation(rows: Sequence[RunRow]) -> None:
    """Say what appears here, and offer two runs."""
    with st.container(border=True):
        st.markdown("**Choose two runs or more**, up to nine.")
        st.caption(
            "You will see which is better and how sure that is, their curves on one chart, what "
            "differs in their settings, and the pictures that only one of them gets right."
        )
        if len(rows) >= 2:
            best = sorted(rows, key=lambda row: -(row.best_val_accuracy or 0.0))[:2]
            names = [str(row.number) for row in best]
            st.button(f"The two best, #{names[0]} and #{names[1]}", key="two best",
                      on_click=st.session_state.update, args=({"runs": names},))  # fmt: skip


def choose_base(found: Sequence[RunFacts]) -> RunFacts:
    """Draw the choice of the run that the others are held against; the best if nobody chooses."""
    by_number = {str(one.run.number): one for one in found}
    best = str(best_of(found).run.number)
    start_from_address("base", by_number)
    st.session_state.setdefault("base", best)
    if st.session_state["base"] not in by_number:  # its run was taken away
        st.session_state["base"] = best
    chosen = st.selectbox(
        "Baseline", list(by_number), format_func=lambda n: theme.short(by_number[n].title, 40),
        key="base", width=320, help="The run that the others are compared with.",
    )  # fmt: skip
    keep_in_address("base", chosen, best)
    return by_number[chosen]


def parts(found: Sequence[RunFacts], base: RunFacts, compared: Compared | None) -> None:
    """Draw what fewer people need, each part only when it is opened."""
    draw = {
        "Curves": lambda: curves(found),
        "Settings": lambda: settings(found, base),
        "Images": lambda: images(compared) if compared else st.caption(UNANSWERED),
        "Classes": lambda: classes(compared) if compared else st.caption(UNANSWERED),
        "Cost": lambda: cost(found),
        "All settings": lambda: parallel(found),
    }
    for tab, show in zip(
        st.tabs(list(draw), on_change="rerun", key="parts"), draw.values(), strict=True
    ):
        if tab.open:
            with tab:
                show()
