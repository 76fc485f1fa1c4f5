"""What the New run page says beside the form: images, device, and how long it will take."""

import streamlit as st

from app import theme
from app.navigation import link
from app.pages.new_run.draft import Plan
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.errors import CifarError
from cifar_core.people import OPERATOR
from cifar_core.runs.prepare.epoch_time import Estimate, measure

STEP_HELP = (
    "Memory order: how the pixels of a batch lie in memory. Number format: shorter numbers are "
    "quicker where the processor has circuits for them. Compiling: torch writes a program for "
    "this network first. The result is the same but for rounding."
)


def about_data(plan: Plan) -> None:
    """Say which images they are, and offer real ones if they are not."""
    images = plan.images
    if images is None:
        return
    st.markdown(f":material/dataset: {theme.safe(images.title)}. :gray[{theme.safe(images.note)}]")
    if images.kind == "synthetic":
        link("data", "Get the real images", ":material/download:")


def about_device(plan: Plan) -> None:
    """Say where it will train and why."""
    if plan.device:
        st.markdown(f":material/memory: {theme.safe(plan.device)}")
    if plan.step:
        st.markdown(f":material/speed: {theme.safe(plan.step)}", help=STEP_HELP)


def estimate(config: TrainConfig) -> None:
    """Offer to measure how long it takes; show it as long as the settings stay the same."""
    known: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    if known and known[0] == config:
        found = known[1]
        once = found.features_seconds
        before = f"{theme.duration(once)} once for the features, then " if once else ""
        st.markdown(
            f":material/timer: {before}{theme.duration(found.seconds_per_epoch)} per epoch, "
            f"**{theme.duration(found.total_seconds)}** in all "
            f":gray[({theme.count(found.images_per_second)} images per second, "
            f"measured over {theme.plural(found.steps, 'step')})]"
        )
        return
    if st.button("Measure the time", icon=":material/timer:", key="measure"):
        try:
            with st.spinner("Training a few steps"):
                store().by.must(OPERATOR, "measure on this machine")
                remember(Key.ESTIMATE, (config, measure(config, store().root)))
        except CifarError as error:
            st.error(theme.safe(str(error)))
        else:
            st.rerun()
