"""The Run page: one run with its live curves, and everything known about it one click away."""

import time
from typing import Any

import streamlit as st

from app import theme
from app.cache.runs import feed, goals_of, reading
from app.navigation import link
from app.pages.run import charts
from app.pages.run.actions import actions
from app.pages.run.details import details
from app.pages.run.marks import run_marks
from app.pages.run.rate_search import rate_search
from app.pages.run.reading import reading_panel
from app.session import Key, store
from app.shared.live_chart import live_chart, window
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import RunError
from cifar_core.reading.curves import Curves
from cifar_core.runs import RATE_SEARCH, STATES, Run, RunStatus
from cifar_core.runs.record.records import FeaturesDone, Summary
from cifar_core.runs.store import damage
from cifar_core.statistics.intervals import wilson

SILENCE = 40  # seconds without a sign of life after which the page says so
SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
CHART = str(Key.CHART)
GOALS = (
    "Lines at what there is to beat: the course's simple CNN (66.71 %) and ResNet (90.27 %), and "
    "the best of your own runs on these images. All of them are accuracies on the test images."
)


def page() -> None:
    """Draw the run that the address names."""
    ref = st.query_params.get("id", "")
    try:
        run = store().run(ref)
    except RunError as error:
        missing(str(error) if ref else "The address names no run.")
        return
    status = run.status
    heading(run, status)
    run_marks(run)
    if sweep := run.about.sweep:
        link("sweep", f"Part of sweep {sweep.split('-', 1)[0]}", ":material/grid_view:", id=sweep)
    with st.container():  # always there: what comes after it must not move, or forgets its zoom
        damages(run)
    draw = searching if run.kind == RATE_SEARCH else live
    st.fragment(draw, run_every=1.0 if status.is_under_way else None)(run, status)
    details(run, status)


def damages(run: Run) -> None:
    """Say which of the run's files are damaged, if any are."""
    if found := damage.found(run):
        with st.container(border=True):
            st.markdown(":material/warning: **Damaged files.** Whatever is whole is used.")
            st.markdown("\n".join(f"- {theme.safe(words)}" for words in found))


def missing(why: str) -> None:
    """Say that there is no such run and where the runs are."""
    with st.container(border=True):
        st.subheader("No such run", anchor=False)
        st.markdown(theme.safe(why))
        st.caption("It may be in the trash, or in another store.")
        link("runs", "All runs", ":material/monitoring:")


def heading(run: Run, status: RunStatus) -> None:
    """Draw the name and what can be done with the run now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"#{run.number} {theme.safe(run.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(run, status)


def live(run: Run, drawn: RunStatus) -> None:
    """Draw everything that changes while the run trains; Streamlit repeats it every second."""
    status, summary = run.status, run.summary
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()  # the buttons above differ, and so may the pace of this part
    status_line(run, status)
    with st.container():  # always there: parts that move are built anew and forget their zoom
        progress(status, summary, run.settings.get("epochs", 0))
    curves = feed(str(run.path)).curves()
    cards(run, status, summary, curves)
    with st.container(border=True):
        look = controls(run)
        if len(curves.step):
            left, right = st.columns([5, 3], gap="medium")
            with left:
                live_chart(charts.live_figure(curves, look), key=CHART)
            with right:
                reading_panel(reading(run, curves, status), curves, look, run.number)
        else:
            st.caption(NOTHING_YET.get(status.state, "This run has not measured anything."))
            st.space("large")


def searching(run: Run, drawn: RunStatus) -> None:
    """Draw a search for a rate, every second while it is under way."""
    status = run.status
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()
    if status.state != "finished":  # the verdict says all then
        status_line(run, status)
    rate_search(run, status)


NOTHING_YET = {
    "draft": "The curves appear here once the run is started.",
    "queued": "The curves appear here once a device is free.",
    "starting": "The first numbers come within seconds.",
    "running": "The curves begin with the first steps.",
}


def status_line(run: Run, status: RunStatus) -> None:
    """Say where the run stands and what to do about it."""
    color, icon = theme.ICONS[status.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        paint: Any = color
        st.badge(STATES[status.state].title, icon=f":material/{icon}:", color=paint)
        silent = run.seconds_since_news if status.is_live else None
        if silent is not None and silent > SILENCE:
            st.badge(f"No news for {theme.duration(silent)}", color="orange")
        st.markdown(theme.safe(sentence(status)), width="content")


def sentence(status: RunStatus) -> str:
    """Join what happened with what to do next."""
    left = status.deadline - time.time()
    if status.deadline and left > 0:
        return f"{status.message} A stronger way follows in {theme.duration(left)}."
    return f"{status.message} {status.action}".strip()


def progress(status: RunStatus, summary: Summary, epochs: int) -> None:
    """Draw how far the run is and when it will be done."""
    if not status.is_live or not summary.total_steps:
        return
    features = summary.features
    if features and not summary.step and features.done < features.total:
        st.progress(features.done / features.total, text=features_words(features))
        return
    done = min(1.0, summary.step / summary.total_steps)
    words = f"Epoch {min(summary.epochs_done + 1, epochs)} of {epochs}"
    if done == 1:
        words = f"All {epochs} epochs are done; the test images are being classified"
    left = summary.eta_seconds
    if left and done < 1:
        words += f", {theme.duration(left)} left, done at {theme.clock(time.time() + left)}"
    st.progress(done, text=words)


def features_words(features: FeaturesDone) -> str:
    """Say how many images have passed the frozen network, and how long the others will take."""
    done, total = features.done, features.total
    words = f"Features of {theme.count(done)} of {theme.count(total)} images"
    fresh = done - features.kept
    if fresh > 0 and (seconds := features.seconds):
        words += f", {theme.duration((total - done) * seconds / fresh)} until the head is trained"
    return words


def cards(run: Run, status: RunStatus, summary: Summary, curves: Curves) -> None:
    """Draw the four numbers that most people look for."""
    data = run.environment.data
    with st.grid(4, min_column_width=165):
        best = summary.best_val_accuracy
        at = summary.best_epoch
        card("Best validation accuracy", theme.percent(best), f"epoch {at}" if at else "")
        test = summary.test_accuracy
        interval = wilson(test, data.test_images) if test is not None else None
        note = "when it is done" if status.is_under_way else "not tested"
        note = theme.between(interval) if interval else note
        card("Test accuracy", theme.percent(test), note + views_words(summary))
        last = f"{curves.train_loss[-1]:.3f}" if len(curves.train_loss) else theme.NONE
        val = f"validation {curves.val_loss[-1]:.3f}" if len(curves.val_loss) else ""
        card("Training loss", last, val)
        speed = summary.images_per_second
        spent = summary.seconds
        card(
            "Images per second",
            theme.count(speed) if speed else theme.NONE,
            f"{theme.duration(spent)} so far" if status.is_under_way and spent
            else f"{theme.duration(spent)} in all" if spent else "",
        )  # fmt: skip


def views_words(summary: Summary) -> str:
    """Say in which views the test images were shown, and what the images alone gave."""
    words = TEST_VIEWS[summary.test_views].words
    plain = theme.percent(summary.test_plain_accuracy)
    return f", {words}; {plain} without" if words else ""


def card(label: str, value: str, note: str) -> None:
    """Draw one number with a word about it."""
    st.metric(label, value, delta=note or theme.NONE, delta_color="off", delta_arrow="off",
              border=True, height="stretch")  # fmt: skip


def controls(run: Run) -> charts.LiveOptions:
    """Draw the choices of how to see the curves; the address keeps them."""
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
    found = goals_of(run) if goal else []
    return charts.LiveOptions(
        by_epoch=axis == "Epoch",
        half_life=SMOOTHING[smoothing or "Off"],
        log_loss=log,
        goals=found,
        window=window(CHART),
        revision=run.id,
    )
