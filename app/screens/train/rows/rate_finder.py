"""The offer of a rate search, beside the learning rate on the Train page."""

import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.train.own_runs.chosen import filler
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.people import OPERATOR
from cifar_core.runs.prepare.epoch_time import Estimate
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS, begin

ONE_DEVICE = (
    "A rate search computes on one device. Set *Devices* to 1 in the row *Where it runs*, find the "
    "rate, and then choose several devices again: the batch, and so the rate, stays the same."
)


def rate_finder(config: TrainConfig | None, images: int) -> None:
    """Offer those who may a rate search with the form's settings, and say first what it costs."""
    if not store().by.may(OPERATOR):
        return
    with st.popover("Find a good rate", icon=":material/search:", type="tertiary"):
        st.markdown(
            "A short range test finds the rates at which this network learns at all. A few of "
            "them are then trained from the same weights on the same images, and the best are "
            "finished with a decaying rate."
        )
        if config is None:
            st.caption("Some settings need to be corrected first.")
            return
        if config.devices > 1:
            st.caption(ONE_DEVICE)
            return
        st.markdown(f":material/timer: {cost(config, images)}")
        pressed = st.button("Start the rate search", type="primary", key="find_rate")
    if not pressed:
        remember(Key.RATE_SEARCH, None)
        return
    try:
        if (number := remembered(Key.RATE_SEARCH)) is None:
            number = begin(store(), config, fill=filler()).number
            remember(Key.RATE_SEARCH, number)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("run", id=number)


def cost(config: TrainConfig, images: int) -> str:
    """Say how long a rate search takes, as far as that is known."""
    steps_per_epoch = max(1, images // config.batch_size)
    words = (
        f"About {USUAL_STEPS} steps, as many as in {USUAL_STEPS / steps_per_epoch:.1f} epochs "
        f"(this run has {config.epochs})"
    )
    measured: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    if measured and measured[0] == config:
        seconds = USUAL_STEPS / steps_per_epoch * measured[1].seconds_per_epoch
        words += f": **{theme.duration(seconds)}**"
        if measured[1].features_seconds:
            words += ", once the features are computed"
    return words + "."
