"""The run that starts without a form: the smoke test on shapes, which need no download."""

from dataclasses import replace

import streamlit as st

from app.session import Key, remember, store
from app.shared.start_once import start_once
from cifar_core.people import OPERATOR

IMAGES = "synthetic"


def start_button(label: str = "Start a first run", *, primary: bool = False) -> None:
    """Draw the button, for those who may start runs."""
    if not store().by.may(OPERATOR):
        return
    if st.button(
        label, icon=":material/play_arrow:", key="first", type="primary" if primary else "secondary"
    ):
        start()
    else:
        remember(Key.STARTED, None)


def start() -> None:
    """Start the run and open it."""
    from cifar_core.config.presets import PRESETS

    config = replace(PRESETS["smoke"].config, data=IMAGES)
    start_once(lambda: store().create(config, name="First run on shapes"))
