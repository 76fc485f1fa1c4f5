"""The Watch tab: the live curves of a run, what they say, and the numbers that most people want."""

import math

import streamlit as st

from app import boundary, theme
from app.cache.runs import feed, goals_of, reading
from app.screens.run.watch import charts
from app.screens.run.watch.profile import profile
from app.screens.run.watch.rate_search import rate_search
from app.screens.run.watch.reading import reading_panel
from app.session import Key
from app.shared.live_chart import live_chart, window
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.reading.curves import Curves
from cifar_core.runs import RATE_SEARCH, Run, RunStatus
from cifar_core.runs.record.records import Summary
from cifar_core.statistics.class_shares import are_uneven, uneven_words
from cifar_core.statistics.intervals import wilson

SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
CHART = str(Key.CHART)
GOALS = (
    "Target lines: the course's simple CNN (66.71 %) and ResNet (90.27 %) for the classes of "
    "CIFAR-10, and the best run on the same images in this store. All are test accuracies."
)


def draw(run: Run, status: RunStatus) -> None:
    """Draw the tab; its curves are drawn again every second while the run is under way."""
    every = 1.0 if status.is_under_way else None
    if run.kind == RATE_SEARCH:
        boundary.fragment(searching, run_every=every)(run)
        return
    boundary.fragment(live, run_every=every)(run)
    box = st.expander("Where the time of a step goes", key="part profile", on_change="rerun")
    if box.open:
        with box:
            boundary.part(profile)(run, status)


def live(run: Run) -> None:
    """Draw everything that changes while the run trains."""
    status, summary = run.status, run.summary
    curves = feed(str(run.path)).curves()
    cards(run, status, summary, curves)
    beside_accuracy(run, summary, curves)
    with st.container(border=True):
        options = controls(run)
        if len(curves.step):
            left, right = st.columns([5, 3], gap="medium")
            with left:
                live_chart(charts.live_figure(curves, options), key=CHART)
            with right:
                reading_panel(reading(run, curves, status), curves, options, run.number)
        else:
            st.caption(NOTHING_YET.get(status.state, "This run has no measurements."))
            st.space("large")


def searching(run: Run) -> None:
    """Draw a rate search."""
    rate_search(run, run.status)


NOTHING_YET = {
    "draft": "The curves appear here once the run is started.",
    "queued": "The curves appear here once a device is free.",
    "starting": "The curves begin with the first steps.",
    "running": "The curves begin with the first steps.",
}


def cards(run: Run, status: RunStatus, summary: Summary, curves: Curves) -> None:
    """Draw the four numbers that most people look for."""
    data = run.environment.data
    with st.grid(4, min_column_width=165):
        best = summary.best_val_accuracy
        at = summary.best_epoch
        card("Best validation accuracy", theme.percent(best), f"epoch {at}" if at else "")
        test = summary.test_accuracy
        interval = wilson(test, data.test_images) if test is not None else None
        note = "shown when the run finishes" if status.is_under_way else "not tested"
        note = theme.between(interval) if interval else note
        card("Test accuracy", theme.percent(test), note + views_words(summary))
        last = f"{curves.train_loss[-1]:.3f}" if len(curves.train_loss) else theme.NONE
        note = "latest steps" if len(curves.train_loss) else ""
        if len(curves.val_loss):
            note += f"; validation {curves.val_loss[-1]:.3f}"
        card("Training loss", last, note)
        speed = summary.images_per_second
        spent = summary.seconds
        card(
            "Images per second",
            theme.count(speed) if speed else theme.NONE,
            f"{theme.duration(spent)} so far" if status.is_under_way and spent
            else f"{theme.duration(spent)} in total" if spent else "",
        )  # fmt: skip


def beside_accuracy(run: Run, summary: Summary, curves: Curves) -> None:
    """Say what to read beside the accuracies if the classes are uneven; nothing otherwise."""
    data, best = run.environment.data, curves.best
    if not are_uneven(data.train_counts) or best is None:
        return
    balanced, f1 = curves.val_balanced_accuracy[best], curves.val_macro_f1[best]
    known = math.isfinite(balanced) and math.isfinite(f1)
    words = [
        uneven_words(data.val_counts, "validation", *((balanced, f1) if known else (None,) * 2))
    ]
    if summary.test_accuracy is not None:
        words.append(
            uneven_words(data.test_counts, "test", summary.test_balanced_accuracy,
                         summary.test_macro_f1)
        )  # fmt: skip
    st.caption(" ".join(filter(None, words)))


def views_words(summary: Summary) -> str:
    """Say which test views were averaged, and the accuracy without them."""
    words = TEST_VIEWS[summary.test_views].words
    plain = theme.percent(summary.test_plain_accuracy)
    return f", {words}; {plain} without" if words else ""


def card(label: str, value: str, note: str) -> None:
    """Draw one number with a short note."""
    st.metric(label, value, delta=note or theme.NONE, delta_color="off", delta_arrow="off",
              border=True, height="stretch")  # fmt: skip


def controls(run: Run) -> charts.LiveOptions:
    """Draw the controls of the chart; the address keeps what is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Axis", ["Step", "Epoch"], default="Step", required=True, key="axis",
            bind="query-params",
        )  # fmt: skip
        smoothing = st.segmented_control(
            "Smoothing", list(SMOOTHING), default="Light", required=True, key="smoothing",
            bind="query-params", help="Half-life of the average: 10, 50 or 250 steps. "
            "Validation and the learning rate are never smoothed.",
        )  # fmt: skip
        log = st.toggle("Log loss", key="log", bind="query-params")
        goal = st.toggle("Goals", key="goal", bind="query-params", help=GOALS)
    return charts.LiveOptions(
        by_epoch=axis == "Epoch",
        half_life=SMOOTHING[smoothing or "Off"],
        log_loss=log,
        goals=goals_of(run) if goal else [],
        window=window(CHART),
        revision=run.id,
    )
