"""The top of the Run page: the run's name, its state and how far it is, and its actions."""

import time
from typing import Any

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.screens.run.actions import actions
from app.screens.run.imported.words import imported_line
from app.screens.run.marks import run_marks
from app.screens.run.stop_time import stop_badge
from app.shared.notices.follow import follow_run
from cifar_core.runs import CURVES, RATE_SEARCH, STATES, TRAINING, Run, RunStatus
from cifar_core.runs.family.joins import name_of
from cifar_core.runs.listing.clusters import cluster_of, has_no_machine
from cifar_core.runs.record.family.ancestors import CONTINUES
from cifar_core.runs.record.figures.summary_record import FeaturesDone, Summary
from cifar_core.runs.store import damage

PHASES = {  # of a rate search
    "sweep": "Range test: one step at each rate",
    "race": "Race: first lap",
    "cool-down": "Race: cool-down of the best rates",
}


def header(run: Run, *, result_elsewhere: bool = False) -> None:
    """Draw what stays above every tab; with a link to the result if another tab is open."""
    status = run.status
    heading(run, status)
    run_marks(run)
    if sweep := run.about.sweep:
        link("sweep", f"Part of sweep {sweep.split('-', 1)[0]}", ":material/grid_view:", id=sweep)
    began_with(run)
    with st.container():  # always there: a chart that moves forgets its zoom
        damaged_files(run)
    every = 1.0 if status.is_under_way else None
    boundary.fragment(standing, run_every=every)(run, status, result_elsewhere)


def began_with(run: Run) -> None:
    """Name the run that this one trains on or starts from, with a link if it is still here."""
    about = run.about
    start = about.start
    if start is None:
        return
    how = "Trained on from" if start.how == CONTINUES else "Starts from the weights of"
    is_from_here = about.imported is None  # else the number is that of another store
    name = name_of(start, is_from_here=is_from_here)
    words = f"{how} {theme.safe(name)}, epoch {start.epoch:.4g}"
    if is_from_here and (run.path.parent / start.run).is_dir():
        link("run", words, ":material/account_tree:", id=start.run)
    else:
        st.caption(f":material/account_tree: {words}")


def standing(run: Run, drawn: RunStatus, result_elsewhere: bool) -> None:
    """Draw the state and the progress; Streamlit repeats it every second while it is under way."""
    status = run.status
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()  # the buttons above change, and perhaps how often this part repeats
    if run.kind == CURVES:
        imported_line(run)
        return
    if run.kind == TRAINING or status.state != "finished":  # a rate search's verdict says it then
        status_line(run, status, result_elsewhere)
    with st.container():  # always there: a part that moves is built again and forgets its zoom
        progress(run, status, run.summary)
        if status.is_under_way:
            follow_run(run)


def heading(run: Run, status: RunStatus) -> None:
    """Draw the name and the buttons that fit the run's state."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"#{run.number} {theme.safe(run.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(run, status)


def damaged_files(run: Run) -> None:
    """List the run's damaged files, if there are any."""
    if sentences := damage.damages(run):
        with st.container(border=True):
            st.markdown(":material/warning: **Damaged files.** The intact ones are still used.")
            st.markdown("\n".join(f"- {theme.safe(words)}" for words in sentences))


def status_line(run: Run, status: RunStatus, result_elsewhere: bool) -> None:
    """Show the run's state, what happened and what to do next."""
    color, icon = theme.ICONS[status.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge_color: Any = color
        st.badge(STATES[status.state].title, icon=f":material/{icon}:", color=badge_color)
        if status.is_live and (cluster := cluster_of(run)):
            on_a_cluster(cluster, status)
        silent = run.silent_seconds if status.is_live else None
        if silent is not None:
            st.badge(f"No news for {theme.duration(silent)}", color="orange")
        if status.is_under_way:
            stop_badge(run)
        st.markdown(theme.safe(sentence(status)), width="content")
        if status.state == "finished" and result_elsewhere:
            link("run", "Look at the results", ":material/insights:", id=run.number, tab="result")


def on_a_cluster(cluster: str, status: RunStatus) -> None:
    """Show on which machine of a cluster the run is, and that the cluster does not answer."""
    st.badge(theme.safe(status.device or cluster.title()), icon=":material/dns:", color="gray")
    if status.unanswered:
        since = theme.clock(status.unanswered)
        st.badge(f"{cluster.title()} has not answered since {since}", color="orange")


def sentence(status: RunStatus) -> str:
    """Join what happened with what to do next, which for a finished run is a link beside it."""
    left = status.deadline - time.time()
    if status.deadline and left > 0:
        next_step = f"it will be stopped more forcefully in {theme.duration(left)}."
        return f"{status.message} If it does not respond, {next_step}"
    action = "" if status.state == "finished" else status.action
    return f"{status.message} {action}".strip()


def progress(run: Run, status: RunStatus, summary: Summary) -> None:
    """Draw how far the run is and when it will be done; nothing while it waits at a cluster."""
    if not status.is_live or not summary.total_steps:
        return
    if has_no_machine(cluster_of(run), status.state, status.device):
        return
    features = summary.features
    if features and not summary.step and features.done < features.total:
        st.progress(
            features.done / features.total, text=features_words(features, taught=is_taught(run))
        )
        return
    done = min(1.0, summary.step / summary.total_steps)
    words = stage(run, summary, done)
    left = summary.eta_seconds
    if left and done < 1:
        words += f", {theme.duration(left)} left, done at {theme.clock(time.time() + left)}"
    st.progress(done, text=words)


def stage(run: Run, summary: Summary, done: float) -> str:
    """Say what the run is doing; `done` is its share of all steps."""
    if run.kind == RATE_SEARCH:
        return PHASES.get(summary.phase or "", "Rate search")
    if done == 1:
        return "Training is done; the test images are being classified"
    epochs = run.settings.get("epochs", 0)
    return f"Epoch {min(summary.epochs_done + 1, epochs)} of {epochs}"


def is_taught(run: Run) -> bool:
    """Whether a run learns from teachers."""
    return bool(run.settings.get("distill_share"))


def features_words(features: FeaturesDone, *, taught: bool = False) -> str:
    """Say how many images have passed the networks that stay the same, and how long is left."""
    done, total = features.done, features.total
    counted = f"{theme.count(done)} of {theme.count(total)} images"
    words = f"{counted} prepared" if taught else f"Features of {counted}"
    fresh, training = done - features.kept, "training" if taught else "head training"
    if fresh > 0 and (seconds := features.seconds):
        words += f", {theme.duration((total - done) * seconds / fresh)} until {training} starts"
    return words
