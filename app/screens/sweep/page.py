"""The Sweep page: settings side by side over their seeds, and whether they really differ."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import boundary, theme
from app.cache.refresh import every
from app.cache.runs import goals_of
from app.navigation import link
from app.screens.sweep import charts
from app.screens.sweep.actions import actions
from app.screens.sweep.search_report import BASIS, percent, search_report
from app.screens.sweep.settings_table import table
from app.session import Key, remember, remembered, store
from app.shared.figure import show_figure
from app.shared.goal_lines import add_goals
from app.shared.notices.follow import follow_sweep
from app.shared.places import places
from cifar_core.errors import RunError
from cifar_core.runs import STATES, RunRow
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import sweeps
from cifar_core.runs.sweeps.sweep_results import (
    CellResult,
    best_of,
    compared,
    conclusion,
    counts,
    results,
)

REFRESH = 3.0  # seconds between two updates while a run is under way
SEEDS, RATES, CURVES = "Seeds", "By rate", "Curves"


def page() -> None:
    """Draw the sweep that the address gives."""
    places()
    remember(Key.EDITING, False)
    ref = st.query_params.get("id", "")
    try:
        sweep = sweeps.find(store(), ref)
    except RunError as error:
        missing(str(error) if ref else "No sweep is given in the address.")
        return
    rows = sweeps.among(store().seen(), sweep)
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = "Search" if sweep.search else "Sweep"
        st.header(f"{kind} {sweep.number}: {theme.safe(sweep.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(sweep, rows)
    active = sweep.is_active or any(is_under_way(row.state, row.reason) for row in rows)
    if active:
        follow_sweep(sweep)
    boundary.fragment(live, run_every=every(REFRESH) if active else None)(sweep, active)


def missing(why: str) -> None:
    """Say that there is no such sweep, and link to all runs."""
    with st.container(border=True):
        st.subheader("No such sweep", anchor=False)
        st.markdown(theme.safe(why))
        link("runs", "All runs", ":material/monitoring:")


def live(sweep: Sweep, was_active: bool) -> None:
    """Draw everything that changes while its runs train; Streamlit repeats it."""
    sweep = sweeps.find(store(), sweep.id)  # a search may have proposed more settings
    rows = sweeps.among(store().seen(), sweep)
    is_active = sweep.is_active or any(is_under_way(row.state, row.reason) for row in rows)
    if is_active != was_active and not remembered(Key.EDITING):
        st.rerun()  # the buttons above change, and how often this part repeats
    if sweep.search:
        search_report(sweep, rows)
    else:
        grid_report(sweep, rows)


def grid_report(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw the results of a grid so far: settings over their seeds, and their differences."""
    cells = results(sweep, rows)
    progress(rows)
    with st.container(border=True):
        st.markdown(f"**{theme.safe(conclusion(cells))}**")
        st.caption(BASIS)
    if any(row.history for row in rows):
        with st.container(border=True):
            chart(sweep, cells)
    if cells:
        table([*cells, *removed_cells(sweep, rows)])
    if best_of(cells):
        comparison(cells)
    if rows:
        with st.expander(theme.plural(len(rows), "run")):
            run_table(rows)


def removed_cells(sweep: Sweep, rows: Sequence[RunRow]) -> list[CellResult]:
    """Offer to show the settings that were removed; return those to show."""
    removed = [c for c in results(sweep, rows, removed=True) if c.removed and c.finished]
    if not removed:
        return []
    label = f"Show {theme.plural(len(removed), 'removed setting')} in the table"
    return removed if st.toggle(label, key="removed_settings") else []


def progress(rows: Sequence[RunRow]) -> None:
    """Say how far the sweep is, and estimate how long the rest takes."""
    done = [row for row in rows if row.state == "finished"]
    words = ", ".join(
        f"{count} {STATES[state].title.lower()}" for state, count in counts(rows).items()
    )
    text = f"{theme.plural(len(rows), 'run')}: {words}" if rows else "This sweep has no runs."
    if left := seconds_left(rows):
        text += f", about {theme.duration(left)} left"
    if any(is_under_way(row.state, row.reason) for row in rows):
        st.progress(len(done) / max(1, len(rows)), text=text)
    else:
        st.caption(text)


def seconds_left(rows: Sequence[RunRow]) -> float | None:
    """Estimate the remaining time from the finished runs, or from those under way."""
    times = [row.seconds for row in rows if row.state == "finished"]
    times = times or [row.seconds + row.eta_seconds for row in rows if row.eta_seconds]
    if not times:
        return None
    mean = sum(times) / len(times)
    queued = sum(row.state in ("queued", "starting") for row in rows)
    return queued * mean + sum(row.eta_seconds or 0.0 for row in rows)


def chart(sweep: Sweep, cells: Sequence[CellResult]) -> None:
    """Draw the chart that the visitor chooses: seeds, accuracy over the rate, or curves."""
    rates = {cell.changes["learning_rate"] for cell in cells if "learning_rate" in cell.changes}
    any_done = best_of(cells) is not None
    kinds = [
        *([SEEDS] if any_done else []),
        *([RATES] if any_done and len(rates) > 1 else []),
    ]
    kinds.append(CURVES)
    kind = st.segmented_control(
        "Chart", kinds, default=kinds[0], required=True, key=f"chart {len(kinds)}",
        label_visibility="collapsed",
    )  # fmt: skip
    draw = {
        SEEDS: charts.dots,
        RATES: charts.by_rate,
        CURVES: charts.curves,
    }
    figure = draw[kind or CURVES](cells)
    first = next((row for cell in cells for row in cell.rows), None)
    if first is not None:
        course = [goal for goal in goals_of(store().run(first.id)) if goal.run is None]
        add_goals(figure, course, axis="x" if kind == SEEDS else "y")
    show_figure(
        figure,
        key="sweep_chart",
        alt=f"{kind} of sweep {sweep.number}",
    )
    shown = sum(any(row.history for row in cell.rows) for cell in cells)
    if kind == CURVES:
        cut = f" Only the first {charts.MOST_CURVES} are drawn." * (shown > charts.MOST_CURVES)
        st.caption(f"Line: mean over the seeds. Band: from the lowest to the highest seed.{cut}")


def comparison(cells: Sequence[CellResult]) -> None:
    """Draw the difference of every setting to a baseline, and say what it shows."""
    done = [cell for cell in cells if cell.val]
    best = best_of(cells)
    if len(done) < 2 or best is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Differences", anchor=False)
            st.space("stretch")
            titles = {cell.place: cell.title for cell in done}
            places = [best.place, *(place for place in titles if place != best.place)]
            picked = st.selectbox(
                "Compared with", places, key=f"baseline {best.place}", width=340,
                format_func=lambda place: titles[place] + " (best)" * (place == best.place),
            )  # fmt: skip
        baseline = next(cell for cell in done if cell.place == picked)
        comparisons = compared(cells, baseline)
        if any(c.found and c.found.interval for c in comparisons):
            show_figure(
                charts.differences(cells, comparisons, baseline.title),
                key="differences",
                alt="Differences with 95 % intervals",
            )
        st.markdown("\n".join(f"- {theme.safe(c.verdict)}" for c in comparisons))
        st.caption(EXPLAINED)
        exact = [
            f"{titles[c.place]}: {c.found.sign_flip:.3g}"
            for c in comparisons
            if c.found and c.found.count > 1
        ]
        if exact:
            with st.expander("Exact sign-flip test"):
                st.markdown(
                    "The p-value: the share of sign flips of the differences whose mean is as far "
                    "from 0 or farther. Three seeds cannot get below 0.25, five not below 0.0625."
                )
                st.markdown("\n".join(f"- {theme.safe(line)}" for line in exact))


EXPLAINED = (
    "Settings are compared seed by seed. Intervals are 95 % intervals of the mean difference; if "
    "one includes 0, these seeds do not show a difference. With several comparisons, the sentences "
    "are corrected for their number (Holm)."
)


def run_table(rows: Sequence[RunRow]) -> None:
    """List the runs, with a link to each."""
    st.dataframe(
        pd.DataFrame(
            {
                "run": [f"run?id={row.number}" for row in rows],
                "name": [row.name for row in rows],
                "state": [STATES[row.state].title for row in rows],
                "best": [percent(row.best_val_accuracy) for row in rows],
                **(
                    {"balanced": [percent(row.best_balanced_accuracy) for row in rows]}
                    if any(row.uneven for row in rows)
                    else {}
                ),
                "curve": [row.sparkline or None for row in rows],
                "message": [row.message for row in rows],
            }
        ),
        hide_index=True,
        placeholder="",
        column_config={
            "run": st.column_config.LinkColumn("Run", display_text=r"id=(\d+)", width=60),
            "name": st.column_config.TextColumn("Name", width="medium"),
            "state": st.column_config.TextColumn("Status", width=90),
            "best": st.column_config.NumberColumn("Validation", format="%.2f %%", width=90),
            "curve": st.column_config.LineChartColumn("How it went", y_min=0, y_max=1, width=110),
            "message": st.column_config.TextColumn("What happened"),
        },
        alt="Runs of the sweep",
    )
