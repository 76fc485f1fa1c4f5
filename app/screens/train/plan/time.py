"""How long the planned run takes and when it is done, and the offer to measure it."""

import time
from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.screens.train.expected_time import expected, is_measured_here
from app.screens.train.form import Form
from app.screens.train.own_runs.chosen import taught
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.people import OPERATOR
from cifar_core.runs import STATES, RunRow
from cifar_core.runs.listing.clusters import cluster_of
from cifar_core.runs.prepare.epoch_time import Estimate, measure
from cifar_core.runs.prepare.teacher_networks import Taught
from cifar_core.runs.store.queue.order import queue_order


def how_long(form: Form, config: TrainConfig) -> None:
    """Say how long it takes, how that is known, and when it is done."""
    if form.draft.images is None:
        return
    draft = form.draft
    time_ = expected(
        config, len(form.draft.images.train), side=draft.side, gpu=draft.gpu,
        teachers=[run.config for run, _ in taught()],
    )  # fmt: skip
    if time_ is None:
        st.markdown(f":gray[{theme.safe(unknown(draft.where, config.devices))}]")
        return
    when = done(time_.seconds, before()) if draft.here else started_by(draft.where)
    st.markdown(
        f"**About {time_.words}** :gray[({time_.basis}). {when}]"
        if time_.measured else
        f"**{time_.words}** :gray[({time_.basis}). {when}]"
    )  # fmt: skip
    if measured := remembered_estimate(config):
        st.caption(measured_words(measured))


def unknown(where: str, devices: int) -> str:
    """Say why there is no time, and what will give one."""
    on = f"{where} with {theme.plural(devices, 'device')}" if devices > 1 else where
    return f"How long it takes is known once a run like it has trained on {on}."


def started_by(cluster: str) -> str:
    """Say that a cluster decides when a run starts."""
    if store().queue_pause.is_on:
        return "It is handed over when the queue is resumed."
    return f"{theme.safe(cluster)} decides when it starts."


def before() -> list[RunRow]:
    """Return the runs that train here or wait, as one that is started now would find them."""
    rows = [row for row in store().seen() if not cluster_of(row)]
    return [*(row for row in rows if STATES[row.state].is_live), *queue_order(rows)]


def done(seconds: float, rows: Sequence[RunRow]) -> str:
    """Say when a run would be done that is started now, as far as that is known."""
    if store().queue_pause.is_on:
        return "It starts when the queue is resumed."
    if not rows:
        return f"Done at about {theme.clock(time.time() + seconds)}."
    if len(rows) == 1 and rows[0].eta_seconds is not None:
        at = theme.clock(time.time() + rows[0].eta_seconds + seconds)
        return f"If it waits for the run before it: done at about {at}."
    are = "is" if len(rows) == 1 else "are"
    return f"{theme.plural(len(rows), 'run')} {are} before it."


def remembered_estimate(config: TrainConfig) -> Estimate | None:
    """Return what was measured last if it was measured with these settings."""
    measured: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    return measured[1] if measured and measured[0] == config else None


def measured_words(times: Estimate) -> str:
    """Write what was measured."""
    once = times.features_seconds
    first = f"{theme.duration(once)} once for the features, then " if once else ""
    return (
        f":material/timer: {first}{theme.duration(times.seconds_per_epoch)} per epoch "
        f"({theme.count(times.images_per_second)} images per second, measured over "
        f"{theme.plural(times.steps, 'step')})"
    )


def measure_the_time(config: TrainConfig, teachers: Sequence[Taught] = ()) -> None:
    """Offer those who may to measure how long it takes, or to measure it again.

    It measures one device of this machine, so it is not offered for other runs.
    `teachers` are the checkpoints that the run learns from.
    """
    if not store().by.may(OPERATOR):
        return
    if not is_measured_here(config):
        return
    label = "Measure again" if remembered_estimate(config) else "Measure the time"
    if st.button(label, icon=":material/timer:", key="measure", type="tertiary"):
        try:
            with (
                store().action("measure on this machine", "measured", "the time of an epoch"),
                st.spinner("Training a few steps"),
            ):
                remember(Key.ESTIMATE, (config, measure(config, store().root, teachers)))
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()
