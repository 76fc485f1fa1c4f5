"""More pretrained networks, from the optional package timm: a short list, and any of its names."""

import streamlit as st

from app import boundary, theme
from app.screens.train.form import Form
from app.shared.widgets import say_problem
from cifar_core import timm_names
from cifar_core.errors import UnknownKeyError
from cifar_core.models import MODELS, ModelSpec
from cifar_core.numbers import NARROW
from cifar_core.timm_names import SUGGESTIONS

ABOUT = (
    "Choose one of these, or type the name of any other network for which "
    "[timm](https://huggingface.co/timm) has weights, such as *repvgg_a0.rvgg_in1k*. The weights "
    "are downloaded separately; what they may be used for is in their license."
)


def timm_networks(form: Form) -> None:
    """Draw the list, closed at first; a click puts a network into the form."""
    with st.popover("More pretrained networks (timm)", type="tertiary"):
        if why := timm_names.obstacle():
            st.markdown(theme.safe(why))
            return
        st.caption(ABOUT)
        typed = st.selectbox(
            "Network from timm", list(SUGGESTIONS), index=None, format_func=line,
            accept_new_options=True, placeholder="Choose or type a name", key="timm_name",
        )  # fmt: skip
        if typed:
            offer(form, timm_names.PREFIX + typed.strip().removeprefix(timm_names.PREFIX))


def line(key: str) -> str:
    """Return a suggested network in one line: its title, size, license and pretraining."""
    known = SUGGESTIONS.get(key)
    if known is None:
        return key
    return (
        f"{known.title}, {known.megabytes}{NARROW}MB, {known.license}, pretrained on "
        f"{known.pretrained_on}"
    )


def offer(form: Form, key: str) -> None:
    """Say what a network is, with a button that chooses it, or what is wrong with its name."""
    try:
        with st.spinner("Asking timm"):
            spec = MODELS[key]
    except UnknownKeyError as error:
        say_problem(str(error))
        return
    st.markdown(f"**{theme.safe(spec.title)}**")
    st.caption(theme.safe(spec.summary))
    st.button(
        "Use this network", key="use_timm", on_click=boundary.callback(choose), args=(form, spec)
    )


def choose(form: Form, spec: ModelSpec) -> None:
    """Put a network into the form, with a resolution that its patches divide."""
    st.session_state[form.key("model")] = spec.key
    if form.values["resolution"] % spec.patch:
        st.session_state[form.key("resolution")] = spec.input_size
