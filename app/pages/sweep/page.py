"""The Sweep page: settings side by side over their seeds, and whether they really differ."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.cache.runs import goals_of
from app.navigation import link
from app.pages.sweep import charts
from app.pages.sweep.search_report import BASIS, percent, search_report
from app.session import store
from app.shared.goal_lines import add_goals
from app.shared.sweep_actions import actions
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
    equal_time,
    results,
    seconds_to,
)

LOOK_AGAIN = 3.0  # seconds between two looks while a run is under way
SEEDS, RATES, CURVES = "Seeds", "By rate", "Curves"


def page() -> None:
    """Draw the sweep that the address names."""
    ref = st.query_params.get("id", "")
    try:
        sweep = sweeps.find(store(), ref)
    except RunError as error:
        missing(str(error) if ref else "The address names no sweep.")
        return
    rows = sweeps.runs_of(store(), sweep)
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = "Search" if sweep.search else "Sweep"
        st.header(f"{kind} {sweep.number}: {theme.safe(sweep.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(sweep, rows)
    active = sweep.is_active or any(is_under_way(row.state, row.reason) for row in rows)
    st.fragment(live, run_every=LOOK_AGAIN if active else None)(sweep, active)


def missing(why: str) -> None:
    """Say that there is no such sweep and where they are."""
    with st.container(border=True):
        st.subheader("No such sweep", anchor=False)
        st.markdown(theme.safe(why))
        link("runs", "All runs", ":material/monitoring:")


def live(sweep: Sweep, was_active: bool) -> None:
    """Draw everything that changes while its runs train; Streamlit repeats it."""
    sweep = sweeps.find(store(), sweep.id)  # a search has found more settings to try
    rows = sweeps.runs_of(store(), sweep)
    if (sweep.is_active or any(is_under_way(row.state, row.reason) for row in rows)) != was_active:
        st.rerun()  # the buttons above differ, and so does the pace of this part
    if sweep.search:
        search_report(sweep, rows)
    else:
        grid_report(sweep, rows)


def grid_report(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw what a grid has shown so far: settings over their seeds, and how they differ."""
    found = results(sweep, rows)
    progress(rows)
    with st.container(border=True):
        st.markdown(f"**{theme.safe(conclusion(found))}**")
        st.caption(BASIS)
    if any(row.history for row in rows):
        with st.container(border=True):
            chart(sweep, found)
    if found:
        table(found)
    if best_of(found):
        comparison(found)
    if rows:
        with st.expander(theme.plural(len(rows), "run")):
            run_table(rows)


def progress(rows: Sequence[RunRow]) -> None:
    """Say how far the sweep is and how long the rest will take."""
    done = [row for row in rows if row.state == "finished"]
    words = ", ".join(
        f"{count} {STATES[state].title.lower()}" for state, count in counts(rows).items()
    )
    text = f"{theme.plural(len(rows), 'run')}: {words}" if rows else "It has no runs any more."
    if left := seconds_left(rows):
        text += f", about {theme.duration(left)} left"
    if any(is_under_way(row.state, row.reason) for row in rows):
        st.progress(len(done) / max(1, len(rows)), text=text)
    else:
        st.caption(text)


def seconds_left(rows: Sequence[RunRow]) -> float | None:
    """Estimate the time of what is still to train from the runs that are done, or nearly."""
    times = [row.seconds for row in rows if row.state == "finished"]
    times = times or [row.seconds + row.eta_seconds for row in rows if row.eta_seconds]
    if not times:
        return None
    mean = sum(times) / len(times)
    waiting = sum(row.state in ("queued", "starting") for row in rows)
    return waiting * mean + sum(row.eta_seconds or 0.0 for row in rows)


def chart(sweep: Sweep, found: Sequence[CellResult]) -> None:
    """Draw the seeds, the accuracy over the rate, or the curves, as the viewer chooses."""
    rates = {cell.changes["learning_rate"] for cell in found if "learning_rate" in cell.changes}
    any_done = best_of(found) is not None
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
    figure = draw[kind or CURVES](found)
    first = next((row for cell in found for row in cell.rows), None)
    if first is not None:
        add_goals(figure, goals_of(store().run(first.id)), axis="x" if kind == SEEDS else "y")
    st.plotly_chart(
        figure, key="sweep_chart", config={"displayModeBar": False},
        alt=f"{kind} of sweep {sweep.number}",
    )  # fmt: skip
    shown = sum(any(row.history for row in cell.rows) for cell in found)
    if kind == CURVES:
        most = f" The first {charts.MOST_CURVES} settings." * (shown > charts.MOST_CURVES)
        st.caption(f"Mean over the seeds; the band holds all of them.{most}")


def table(found: Sequence[CellResult]) -> None:
    """Draw a line for each setting, the best first."""
    ranked = sorted(found, key=lambda cell: cell.val.mean if cell.val else -1.0, reverse=True)
    budget = equal_time(found)
    reached = budget[1] if budget else {}
    means = [cell.val.mean for cell in found if cell.val]
    goal = min(means) if len(means) > 1 else None
    st.dataframe(
        pd.DataFrame(
            {
                "setting": [cell.title for cell in ranked],
                "mean": [percent(cell.val.mean) if cell.val else None for cell in ranked],
                "spread": [percent(cell.val.deviation) if cell.val else None for cell in ranked],
                "best": [percent(max(cell.by_seed.values(), default=None)) for cell in ranked],
                "seeds": [f"{len(cell.by_seed)} of {len(cell.rows)}" for cell in ranked],
                "time": [theme.duration(cell.seconds) for cell in ranked],
                "equal": [percent(reached.get(cell.place)) for cell in ranked],
                "goal": [time_to(cell, goal) for cell in ranked],
                "test": [percent(cell.test.mean) if cell.test else None for cell in ranked],
            }
        ),
        hide_index=True,
        placeholder="",
        column_config=columns(budget[0] if budget else None, goal),
        alt="Settings, best first",
    )


def columns(budget: float | None, goal: float | None) -> dict[str, Any]:
    """Describe the columns of the table of settings."""
    config = st.column_config
    number = config.NumberColumn
    seconds = f" Here: {theme.duration(budget)}." if budget else ""
    target = f" Here: {100 * goal:.1f} %." if goal else ""
    return {
        "setting": config.TextColumn("Setting", pinned=True),
        "mean": number("Validation", format="%.2f %%", help="Mean over the finished seeds."),
        "spread": number("Spread", format="%.2f", help="Standard deviation of one run, points."),
        "best": number("Best", format="%.2f %%", help="The best single seed."),
        "seeds": config.TextColumn("Seeds", help="Finished, of those there are."),
        "time": config.TextColumn("Time a run"),
        "equal": number(
            "At equal time", format="%.2f %%",
            help=f"Validation accuracy reached when the fastest setting was done.{seconds}",
        ),
        "goal": config.TextColumn(
            "Time to goal",
            help=f"Until every seed reached the mean of the weakest setting.{target}",
        ),
        "test": number("Test", format="%.2f %%", help="Mean. Not for choosing."),
    }  # fmt: skip


def time_to(cell: CellResult, goal: float | None) -> str:
    """Write the mean time in which the seeds of a setting reached an accuracy."""
    if goal is None or not cell.finished:
        return ""
    times = [seconds_to(row, goal) for row in cell.finished]
    known = [seconds for seconds in times if seconds is not None]
    if len(known) < len(times):
        return f"{len(known)} of {len(times)} did"
    return theme.duration(sum(known) / len(known))


def comparison(found: Sequence[CellResult]) -> None:
    """Draw the difference of every setting to a baseline, and say what it shows."""
    done = [cell for cell in found if cell.val]
    best = best_of(found)
    if len(done) < 2 or best is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("What differs", anchor=False)
            st.space("stretch")
            titles = {cell.place: cell.title for cell in done}
            places = [best.place, *(place for place in titles if place != best.place)]
            picked = st.selectbox(
                "Compared with", places, key=f"baseline {best.place}", width=340,
                format_func=lambda place: titles[place] + " (best)" * (place == best.place),
            )  # fmt: skip
        baseline = next(cell for cell in done if cell.place == picked)
        told = compared(found, baseline)
        if any(c.found and c.found.interval for c in told):
            st.plotly_chart(
                charts.differences(found, told, baseline.title), key="differences",
                config={"displayModeBar": False}, alt="Differences with 95 % intervals",
            )  # fmt: skip
        st.markdown("\n".join(f"- {theme.safe(c.verdict)}" for c in told))
        st.caption(EXPLAINED)
        exact = [
            f"{titles[c.place]}: {c.found.sign_flip:.3g}"
            for c in told
            if c.found and c.found.count > 1
        ]
        if exact:
            with st.expander("Exact sign-flip test"):
                st.markdown(
                    "The share of all ways to flip the signs of the differences that give a mean "
                    "as far from 0. Three seeds cannot get below 0.25, five not below 0.0625."
                )
                st.markdown("\n".join(f"- {theme.safe(line)}" for line in exact))


EXPLAINED = (
    "Settings are compared seed by seed. The bars are 95 % intervals of the mean difference: one "
    "that crosses 0 is no difference that these seeds can show. With several comparisons the "
    "sentences allow for their number (Holm)."
)


def run_table(rows: Sequence[RunRow]) -> None:
    """List the runs with a link to each."""
    st.dataframe(
        pd.DataFrame(
            {
                "run": [f"run?id={row.number}" for row in rows],
                "name": [row.name for row in rows],
                "state": [STATES[row.state].title for row in rows],
                "best": [percent(row.best_val_accuracy) for row in rows],
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
            "best": st.column_config.NumberColumn("Best val.", format="%.2f %%", width=90),
            "curve": st.column_config.LineChartColumn("Course", y_min=0, y_max=1, width=110),
            "message": st.column_config.TextColumn("What happened"),
        },
        alt="Runs of the sweep",
    )
