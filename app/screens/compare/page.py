"""The Compare page: two to nine runs side by side, and whether one is really better."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.screens.compare.curves import curves
from app.screens.compare.images import classes, images
from app.screens.compare.runs_and_predictions import choose_runs
from app.screens.compare.tables import cost, parallel, results, settings
from app.screens.compare.verdict import RunComparison, verdict
from app.session import store
from app.shared.address import keep_in_address, start_from_address
from app.shared.first_run.examples import compared_by_default
from app.shared.nothing_trained import nothing_trained
from app.shared.places import places
from cifar_core.runs import CURVES, TRAINING, RunRow
from cifar_core.runs.results.comparison import held_back
from cifar_core.runs.results.side_by_side import (
    RunFacts,
    about_curves_only,
    best_of,
    facts,
    is_curves_only,
)
from cifar_core.runs.store.run_row import own

NOT_YET = "Shown once there are predictions of the runs for the same images; see above."


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    st.header("Compare", anchor=False)
    rows = [
        row
        for row in store().seen()
        if (row.kind == TRAINING and row.best_val_accuracy) or row.kind == CURVES
    ]
    if not rows:
        nothing_trained()
        return
    examples = compared_by_default(rows)
    if examples and not st.query_params.get("runs"):
        st.session_state.setdefault("runs", examples)
        st.caption("Two examples, compared. Choose two runs of yours to replace them.")
    runs = choose_runs(store(), rows)
    if len(runs) < 2:
        invitation(rows)
        return
    compared = [facts(run) for run in runs]
    trained = [one for one in compared if not is_curves_only(one)]
    if len(trained) < 2:
        st.markdown(f":material/info: {theme.safe(about_curves_only(compared))}")
        results(compared)
        boundary.part(curves)(compared)
        return
    base = choose_base(trained) if len(trained) > 2 else best_of(trained)
    result = verdict(trained, base)
    if about := about_curves_only(compared):
        st.markdown(f":material/info: {theme.safe(about)}")
    results(compared)
    tabs(compared, trained, base, result)


def invitation(rows: Sequence[RunRow]) -> None:
    """Say what appears here, and offer two runs."""
    with st.container(border=True):
        st.markdown("**Choose two to nine runs.**")
        st.caption(
            "You will see which is better and how certain that is, their curves in one chart, the "
            "settings that differ, and the pictures that only one of them gets right."
        )
        if best := two_best(rows):
            names, on = [str(row.number) for row in best], theme.short(best[0].data_title, 40)
            st.button(f"Compare the two best on {theme.safe(on)}, #{names[0]} and #{names[1]}",
                      key="two best", on_click=st.session_state.update,
                      args=({"runs": names},))  # fmt: skip


def two_best(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return the two best runs on the same images, those that were trained on last; or none.

    Examples count only while there is no run of one's own.
    """
    groups: dict[str, list[RunRow]] = {}
    for row in own(rows) or rows:
        if row.kind == CURVES:
            continue
        images = repr((row.settings.get("data"), held_back(row.settings)))
        groups.setdefault(images, []).append(row)
    several = [group for group in groups.values() if len(group) > 1]
    newest = max(several, key=lambda group: max(row.number for row in group), default=[])
    return sorted(newest, key=lambda row: -(row.best_val_accuracy or 0.0))[:2]


def choose_base(runs: Sequence[RunFacts]) -> RunFacts:
    """Draw the choice of the run that the others are compared with; the best by default."""
    by_number = {str(run_facts.run.number): run_facts for run_facts in runs}
    best = str(best_of(runs).run.number)
    start_from_address("base", by_number)
    st.session_state.setdefault("base", best)
    if st.session_state["base"] not in by_number:  # its run was removed from the comparison
        st.session_state["base"] = best
    chosen = st.selectbox(
        "Baseline", list(by_number), format_func=lambda n: theme.short(by_number[n].title, 40),
        key="base", width=320, help="The run that the others are compared with.",
    )  # fmt: skip
    keep_in_address("base", chosen, best)
    return by_number[chosen]


def tabs(
    every: Sequence[RunFacts],
    runs: Sequence[RunFacts],
    base: RunFacts,
    result: RunComparison | None,
) -> None:
    """Draw the tabs, each only while it is open; only curves are drawn of `every` run."""
    draw = {
        "Curves": lambda: curves(every),
        "Settings": lambda: settings(runs, base),
        "Images": lambda: images(result) if result else st.caption(NOT_YET),
        "Classes": lambda: classes(result) if result else st.caption(NOT_YET),
        "Cost": lambda: cost(runs),
        "All settings": lambda: parallel(runs),
    }
    for tab, show in zip(
        st.tabs(list(draw), on_change="rerun", key="parts"), draw.values(), strict=True
    ):
        if tab.open:
            with tab:
                boundary.part(show)()
