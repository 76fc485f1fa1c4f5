"""What the Train page says beside the form: images, device, and how long it will take."""

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.screens.train.draft import Draft
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.runs.prepare.epoch_time import Estimate, measure

STEP_HELP = (
    "Memory order: how the pixels of a batch are stored. Number format: lower precision is faster "
    "where the hardware supports it. Compiling: torch first writes a program for this network. "
    "The result is the same except for rounding."
)


def about_data(draft: Draft) -> None:
    """Say which images they are, and offer real ones if they are synthetic."""
    images = draft.images
    if images is None:
        return
    st.markdown(f":material/dataset: {theme.safe(images.title)}. :gray[{theme.safe(images.note)}]")
    if images.kind == "synthetic":
        link("data", "Get the real images", ":material/download:")


def about_device(draft: Draft) -> None:
    """Say on which device it will train and why, and how a step is computed."""
    if draft.device:
        st.markdown(f":material/memory: {theme.safe(draft.device)}")
    if draft.step:
        st.markdown(f":material/speed: {theme.safe(draft.step)}", help=STEP_HELP)


def estimate(config: TrainConfig) -> None:
    """Offer to measure how long it takes; show the result until a setting changes."""
    measured: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    if measured and measured[0] == config:
        times = measured[1]
        once = times.features_seconds
        before = f"{theme.duration(once)} once for the features, then " if once else ""
        st.markdown(
            f":material/timer: {before}{theme.duration(times.seconds_per_epoch)} per epoch, "
            f"**{theme.duration(times.total_seconds)}** in all "
            f":gray[({theme.count(times.images_per_second)} images per second, "
            f"measured over {theme.plural(times.steps, 'step')})]"
        )
        return
    if st.button("Measure the time", icon=":material/timer:", key="measure"):
        try:
            with (
                store().action("measure on this machine", "measured", "the time of an epoch"),
                st.spinner("Training a few steps"),
            ):
                remember(Key.ESTIMATE, (config, measure(config, store().root)))
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()
