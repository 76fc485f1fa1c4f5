"""The offer of a search for a good rate, beside the rate on the New run page."""

import streamlit as st

from app import theme
from app.navigation import go
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.errors import CifarError
from cifar_core.runs.prepare.epoch_time import Estimate
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS, begin


def rate_finder(config: TrainConfig | None, images: int) -> None:
    """Offer a search with the form's settings, and say what it costs before it starts."""
    with st.popover("Find a good rate", icon=":material/search:", type="tertiary"):
        st.markdown(
            "A short sweep finds the range in which this network learns at all. A few rates then "
            "race from the same weights over the same images, and the best ones cool down."
        )
        if config is None:
            st.caption("Some settings must be changed first.")
            return
        st.markdown(f":material/timer: {cost(config, images)}")
        pressed = st.button("Start the search", type="primary", key="find_rate")
    if not pressed:
        remember(Key.RATE_SEARCH, None)
        return
    try:
        if (number := remembered(Key.RATE_SEARCH)) is None:
            number = begin(store(), config).number
            remember(Key.RATE_SEARCH, number)
    except CifarError as error:
        st.error(theme.safe(str(error)))
    else:
        go("run", id=number)


def cost(config: TrainConfig, images: int) -> str:
    """Say how long a search takes, as well as that is known."""
    steps_per_epoch = max(1, images // config.batch_size)
    words = (
        f"About {USUAL_STEPS} steps, as many as {USUAL_STEPS / steps_per_epoch:.1f} epochs of this "
        f"training of {config.epochs}"
    )
    known: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    if known and known[0] == config:
        seconds = USUAL_STEPS / steps_per_epoch * known[1].seconds_per_epoch
        words += f": **{theme.duration(seconds)}**"
        if known[1].features_seconds:
            words += ", once the features are there"
    return words + "."
