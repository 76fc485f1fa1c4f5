"""The settings that can vary in a sweep, and the control for several of their choices."""

from dataclasses import fields

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.settings import label_of, rule_of

SETTINGS = {  # first those that people vary most often
    f.name: f
    for f in sorted(fields(TrainConfig), key=lambda f: not rule_of(f).often_varied)
    if rule_of(f).type != "text"
}


def choices_input(key: str, name: str) -> None:
    """Draw the control for several entries of a registry, or for both values of a switch."""
    setting = SETTINGS[name]
    among = rule_of(setting).among
    if among is None:
        st.text_input(label_of(setting), "On and off", disabled=True)
        return
    st.multiselect(
        label_of(setting), list(among), key=key, persist_state="session",
        format_func=lambda entry: among[entry].title, placeholder="Choose two or more",
    )  # fmt: skip
