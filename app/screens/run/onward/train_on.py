"""The dialog *Train on*: more epochs of a run, as a new run that continues where it ended."""

from functools import partial

import streamlit as st

from app import boundary, theme
from app.screens.run.onward.rate_chart import rates_figure
from app.session import Key, remember, store
from app.shared.figure import show_figure
from app.shared.start_once import start_once
from app.shared.widgets import say_problem
from cifar_core.runs import Run
from cifar_core.runs.family import train_on as family
from cifar_core.runs.family.train_on import RATES, Extension

LAST = "last"  # the newest checkpoint
RATE_LABELS = {"cycle": "Highest rate", "decay": "First rate"}  # of a choice; else "Rate"


@boundary.dialog("Train on", width="large")
def train_on(run: Run) -> None:
    """Ask how much longer and at which rates; show what that comes to; start it."""
    st.markdown(
        f"A new run continues from **#{run.number} {theme.safe(run.name)}**, with its optimizer's "
        f"memory and its order of the images. #{run.number} itself stays as it is."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        epochs, checkpoint = how_long(run)
        extension = choose_rate(run, epochs, checkpoint)
    with right:
        if extension and not epochs:
            say_problem("With 0 more epochs nothing would change. Choose 1 or more.")
        elif extension:
            preview(run, extension, epochs)
    pressed = st.button(
        "Start", type="primary", icon=":material/play_arrow:", key="start_train_on",
        disabled=not epochs or extension is None or bool(extension.refused), shortcut="Mod+Enter",
    )  # fmt: skip
    if not pressed or extension is None:
        remember(Key.STARTED, None)
    else:
        start_once(partial(family.create, store(), extension))


def how_long(run: Run) -> tuple[int, str]:
    """Ask for the number of epochs and, where several can be continued from, the checkpoint."""
    usual = max(1, int(run.summary.epochs_done or 0))
    epochs = st.number_input("More epochs", min_value=0, value=usual, step=1, key="more_epochs")
    kept = [info for info in run.checkpoints() if info.resumable]
    if len(kept) < 2:
        return int(epochs), LAST
    newest, *older = kept
    names = {LAST: f"Epoch {newest.epoch:g}, the last"}
    names |= {i.name: f"Epoch {i.epoch:g}" + (", the best" if i.best else "") for i in older}
    checkpoint = st.selectbox("From", list(names), format_func=names.__getitem__, key="on_from")
    return int(epochs), checkpoint


def choose_rate(run: Run, epochs: int, checkpoint: str) -> Extension | None:
    """Ask what the learning rate does; return the plan, or say why there is none."""
    try:
        proposed = family.plan(run, epochs=epochs, checkpoint=checkpoint)
    except boundary.REFUSED as error:
        say_problem(str(error))
        return None
    keys = list(RATES)
    rate = st.radio(
        "Learning rate", keys, index=keys.index(proposed.rate), key="on_rate",
        format_func=lambda key: RATES[key].title, captions=[RATES[key].summary for key in keys],
    )  # fmt: skip
    try:
        usual = family.plan(run, epochs=epochs, checkpoint=checkpoint, rate=rate)
        if not RATES[rate].takes_rate:
            return usual
        given = rate_input(rate, usual.config.learning_rate)
        return family.plan(
            run, epochs=epochs, checkpoint=checkpoint, rate=rate, learning_rate=given
        )
    except boundary.REFUSED as error:
        say_problem(str(error))
        return None


def rate_input(rate: str, usual: float) -> float:
    """Ask for the rate that a choice begins with or rises to."""
    given = st.number_input(
        RATE_LABELS.get(rate, "Rate"), value=usual, step=usual / 10, format="%g",
        key=f"on_rate {rate}",
    )  # fmt: skip
    return float(given)


def preview(run: Run, extension: Extension, epochs: int) -> None:
    """Draw the rate before and after the join, and say where it starts and how long it takes."""
    figure = rates_figure(
        extension.past(), extension.rates(), extension.first_epoch, extension.config.epochs
    )
    show_figure(figure, key="train_on_rates", alt="Learning rate so far and from now on, by epoch")
    if extension.refused:
        say_problem(extension.refused)
    st.caption(where(extension))
    if words := extension.turned_off:
        st.caption(f":material/flag_check: {words}")
    if words := duration(run, epochs):
        st.caption(f":material/schedule: {words}")


def where(extension: Extension) -> str:
    """Say at which checkpoint and epoch it starts."""
    epoch, name = extension.first_epoch, theme.safe(extension.checkpoint.name)
    if epoch == int(epoch):
        return f":material/flag: It starts from checkpoint {name}, at the end of epoch {epoch:g}."
    return (
        f":material/flag: It starts from checkpoint {name}, in the middle of epoch "
        f"{int(epoch) + 1}. That epoch is completed first, and counts as the first of the new ones."
    )


def duration(run: Run, epochs: int) -> str:
    """Say how long it takes at the run's own pace; empty if that is not known."""
    done, spent = run.summary.epochs_done, run.summary.seconds
    if not done or not spent:
        return ""
    features = run.summary.features.seconds if run.summary.features else 0.0
    seconds = max(0.0, spent - features) / done * epochs
    return f"About {theme.duration(seconds)}, at the pace of this run."
