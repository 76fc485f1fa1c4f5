"""The Run page: one run with its live curves; everything else about it is one click away."""

import math
import time
from typing import Any

import streamlit as st

from app import boundary, theme
from app.cache.runs import feed, goals_of, reading
from app.navigation import link
from app.screens.run import charts
from app.screens.run.actions import actions
from app.screens.run.details import details
from app.screens.run.marks import run_marks
from app.screens.run.rate_search import rate_search
from app.screens.run.reading import reading_panel
from app.session import Key, store
from app.shared.live_chart import live_chart, window
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import RunError
from cifar_core.reading.curves import Curves
from cifar_core.runs import RATE_SEARCH, STATES, Run, RunStatus
from cifar_core.runs.record.records import FeaturesDone, Summary
from cifar_core.runs.store import damage
from cifar_core.statistics.class_shares import are_uneven, uneven_words
from cifar_core.statistics.intervals import wilson

SILENCE = 40  # seconds without a sign of life before the page says so
SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
CHART = str(Key.CHART)
GOALS = (
    "Target lines: the course's simple CNN (66.71 %) and ResNet (90.27 %) for the classes of "
    "CIFAR-10, and the best run on the same images in this store. All are test accuracies."
)


def page() -> None:
    """Draw the run that the address gives."""
    ref = st.query_params.get("id", "")
    try:
        run = store().run(ref)
    except RunError as error:
        hint = f"{error} It may be in the trash, or in another store."
        missing(hint if ref else "No run is given in the address.")
        return
    status = run.status
    heading(run, status)
    run_marks(run)
    if sweep := run.about.sweep:
        link("sweep", f"Part of sweep {sweep.split('-', 1)[0]}", ":material/grid_view:", id=sweep)
    with st.container():  # always there: a chart that moves forgets its zoom
        damaged_files(run)
    draw = searching if run.kind == RATE_SEARCH else live
    boundary.fragment(draw, run_every=1.0 if status.is_under_way else None)(run, status)
    details(run, status)


def damaged_files(run: Run) -> None:
    """List the run's damaged files, if there are any."""
    if sentences := damage.damages(run):
        with st.container(border=True):
            st.markdown(":material/warning: **Damaged files.** The intact ones are still used.")
            st.markdown("\n".join(f"- {theme.safe(words)}" for words in sentences))


def missing(why: str) -> None:
    """Say that there is no such run, and link to all runs."""
    with st.container(border=True):
        st.subheader("No such run", anchor=False)
        st.markdown(theme.safe(why))
        link("runs", "All runs", ":material/monitoring:")


def heading(run: Run, status: RunStatus) -> None:
    """Draw the name and the buttons that fit the run's state."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"#{run.number} {theme.safe(run.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(run, status)


def live(run: Run, drawn: RunStatus) -> None:
    """Draw everything that changes while the run trains; Streamlit repeats it every second."""
    status, summary = run.status, run.summary
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()  # the buttons above change, and perhaps how often this part repeats
    status_line(run, status)
    with st.container():  # always there: a part that moves is built again and forgets its zoom
        progress(status, summary, run.settings.get("epochs", 0))
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


def searching(run: Run, drawn: RunStatus) -> None:
    """Draw a rate search, every second while it is under way."""
    status = run.status
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()
    if status.state != "finished":  # the verdict says everything then
        status_line(run, status)
    rate_search(run, status)


NOTHING_YET = {
    "draft": "The curves appear here once the run is started.",
    "queued": "The curves appear here once a device is free.",
    "starting": "The curves begin with the first steps.",
    "running": "The curves begin with the first steps.",
}


def status_line(run: Run, status: RunStatus) -> None:
    """Show the run's state, what happened and what to do next."""
    color, icon = theme.ICONS[status.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge_color: Any = color
        st.badge(STATES[status.state].title, icon=f":material/{icon}:", color=badge_color)
        silent = run.seconds_since_news if status.is_live else None
        if silent is not None and silent > SILENCE:
            st.badge(f"No news for {theme.duration(silent)}", color="orange")
        st.markdown(theme.safe(sentence(status)), width="content")


def sentence(status: RunStatus) -> str:
    """Join what happened with what to do next."""
    left = status.deadline - time.time()
    if status.deadline and left > 0:
        next_step = f"it will be stopped more forcefully in {theme.duration(left)}."
        return f"{status.message} If it does not respond, {next_step}"
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
        words = "Training is done; the test images are being classified"
    left = summary.eta_seconds
    if left and done < 1:
        words += f", {theme.duration(left)} left, done at {theme.clock(time.time() + left)}"
    st.progress(done, text=words)


def features_words(features: FeaturesDone) -> str:
    """Say how many images have passed the frozen network, and how long the rest will take."""
    done, total = features.done, features.total
    words = f"Features of {theme.count(done)} of {theme.count(total)} images"
    fresh = done - features.kept
    if fresh > 0 and (seconds := features.seconds):
        words += f", {theme.duration((total - done) * seconds / fresh)} until head training starts"
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
