"""The run that starts without a form: the smoke test on shapes, which need no download."""

from dataclasses import replace

import streamlit as st

from app import boundary
from app.navigation import go
from app.session import Key, remember, remembered, store
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
    """Start the run and open it; the second click of a double click finds the same run."""
    from cifar_core.config.presets import PRESETS

    preset = PRESETS["smoke"]
    try:
        if (id_ := remembered(Key.STARTED)) is None:
            id_ = store().create(replace(preset.config, data=IMAGES), name="First run on shapes").id
            remember(Key.STARTED, id_)
        run = store().run(id_)
        store().submit(run)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("run", id=run.number)
