"""The controls of what is explained, behind a closed row that says what is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import groupby

import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.screens.predict.request import (
    EVERY,
    ONE,
    PREDICTED,
    RATHER,
    SECOND,
    Request,
    problems_of,
    settings_of,
)
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.widgets import settings_inputs
from cifar_core.explain import SALIENCY, SaliencySpec, refusals
from cifar_core.settings import Settings

TITLES = {ONE: "One class", RATHER: "A rather than B", EVERY: "Every class"}


def form(network: Network, request: Request) -> None:
    """Draw the closed row; the controls are drawn, and the methods checked, when it is open."""
    row = st.expander(f"How it is explained: {in_words(request)}", key="how", on_change="rerun")
    if row.open:
        with row:
            choose_class(network.classifier.classes, request)
            choose_methods(network, request.asked)
            choose_drawing()
    ask_for(request.waiting, network, request.maps)


def in_words(request: Request) -> str:
    """Say what is explained, in a few words."""
    methods = [SALIENCY[key].title for key in request.asked]
    how = methods[0] if len(methods) == 1 else f"{len(methods) or 'no'} methods"
    target = "the class that it predicts"
    if request.target != PREDICTED:
        target = theme.safe(request.target)
    if request.why == RATHER:
        rival = "the next likely one" if request.rival == SECOND else theme.safe(request.rival)
        target += f" rather than {rival}"
    return f"{how}, for {'every class' if request.why == EVERY else target}"


def choose_class(classes: Sequence[str], request: Request) -> None:
    """Let the person choose the class to explain, and one to compare it with."""
    st.session_state["why"] = request.why
    st.segmented_control("Explain", list(TITLES), format_func=TITLES.__getitem__, required=True,
                         key="why", persist_state="session")  # fmt: skip
    if request.why != EVERY:
        st.session_state["target"] = request.target
        st.selectbox(
            "Class to explain", [PREDICTED, *classes], key="target", persist_state="session",
            help="For a class that is not predicted, the maps show what supports it.",
        )  # fmt: skip
    if request.why == RATHER:
        st.session_state["rival"] = request.rival
        st.selectbox(
            "Rather than", [SECOND, *classes], key="rival", persist_state="session",
            help="The maps show what favors the class to explain over this one.",
        )  # fmt: skip


def choose_methods(network: Network, asked: Sequence[str]) -> None:
    """Let the person choose methods, and read what each of them answers and costs."""
    refused = refusals(network.classifier)
    keys = [key for key in SALIENCY if key not in refused]
    st.session_state["methods"] = [key for key in asked if key in keys]
    picked = st.pills(
        "Methods", keys, selection_mode="multi", key="methods", format_func=titled,
        persist_state="session", wrap=True,
    )  # fmt: skip
    seconds = pass_seconds(*network.where)
    with st.popover("Methods, cost and settings", icon=":material/tune:", type="tertiary"):
        for key in keys:
            describe(SALIENCY[key], seconds, key in picked)
        st.caption("A map shows what the network used, not what it should use.")
    if refused:
        st.caption(theme.safe(not_offered(refused)))


def choose_drawing() -> None:
    """Let the person choose how the maps are drawn."""
    st.slider("Opacity", 0, 100, 80, step=5, format="%d %%", key="opacity",
              persist_state="session")  # fmt: skip
    st.slider(
        "Strongest pixels", 1, 100, 100, format="%d %%", key="keep", persist_state="session",
        help="Only this share of the pixels is colored.",
    )  # fmt: skip
    st.toggle(
        "Shared scale", key="shared", persist_state="session",
        help="Draws all maps of a method on the same scale, so that they can be compared.",
    )  # fmt: skip


def titled(key: str) -> str:
    """Return a method's title, marked if the method has a warning."""
    spec = SALIENCY[key]
    return f"{spec.title} :material/warning:" if spec.warning else spec.title


def describe(spec: SaliencySpec, seconds: float, picked: bool) -> None:
    """Say what a method shows and what it costs; draw its settings if it is chosen."""
    st.markdown(f"**{spec.title}.** {spec.summary} [Paper]({spec.paper})")
    if spec.warning:
        warning_badge(spec)
    if picked and fields(spec.settings):
        start = spec.settings().to_dict()
        settings_inputs(fields(spec.settings), start, spec.key, problems=problems_of(spec))
    st.caption(cost(spec, settings_of(spec), seconds, 1).capitalize() + " per map.")


def warning_badge(spec: SaliencySpec) -> None:
    """Draw a badge for a method that is known to fail, with the reason on hover."""
    st.badge("fails the sanity check", icon=":material/warning:", color="orange",
             help=spec.warning)  # fmt: skip


def cost(spec: SaliencySpec, settings: Settings, seconds: float, maps: int) -> str:
    """Return what maps cost, in words: about 50 forward passes, 0.4 s."""
    passes = spec.passes(settings) * maps
    kind = "forward" if spec.forward_only else "forward and backward"
    time = theme.duration(max(0.1, spec.cost(settings) * maps * seconds))
    noun = "pass" if passes == 1 else "passes"
    return f"about {passes:,} {kind} {noun}, {time}"


def ask_for(waiting: Mapping[str, Settings], network: Network, maps: int, key: str = "") -> None:
    """Draw a button for each method that waits for a click."""
    started: tuple[str, ...] = remembered(Key.REQUESTED_METHODS, ())
    for method, settings in waiting.items():
        spec = SALIENCY[method]
        st.button(
            f"{spec.title}: {cost(spec, settings, pass_seconds(*network.where), maps)}",
            key=f"ask {method}{key}", icon=":material/play_arrow:", on_click=remember,
            args=(Key.REQUESTED_METHODS, (*started, method)),
        )  # fmt: skip


def not_offered(refused: Mapping[str, str]) -> str:
    """Return in one line which methods do not suit the network, and why."""
    by_reason = groupby(sorted(refused, key=refused.__getitem__), refused.__getitem__)
    parts = [f"{', '.join(SALIENCY[key].title for key in keys)}: {why}" for why, keys in by_reason]
    return "Not available for this network. " + " ".join(parts)
