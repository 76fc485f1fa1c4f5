"""Choosing what to explain: which class, by which methods, and how the maps are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby

import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.session import Key, remember, remembered
from app.shared.address import keep_in_address, start_from_address
from app.shared.networks import Network
from app.shared.widgets import chosen, settings_inputs
from cifar_core.errors import ConfigError
from cifar_core.explain import SALIENCY, SaliencySpec, refusals
from cifar_core.settings import Settings

PREDICTED, SECOND = "Predicted class", "Second most likely"
ONE, RATHER, EVERY = "One class", "Rather than", "Every class"
MOST_CLASSES = 10  # in one row
PATIENCE = 3.0  # seconds; a method that takes longer is computed after a click


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the person wants to have explained, and how it is drawn."""

    why: str  # ONE, RATHER or EVERY
    target: str  # a class, or PREDICTED
    rival: str  # a class, or SECOND
    methods: dict[str, Settings]
    opacity: float
    keep: float
    shared: bool  # one scale for all maps of a method


def choose_request(networks: Sequence[Network], pictures: int) -> Request:
    """Draw the controls of the request, the most important first."""
    first = networks[0]
    why, target, rival = choose_class(first.classifier.classes)
    maps = pictures * len(networks)
    if why == EVERY:
        maps *= min(MOST_CLASSES, len(first.classifier.classes))
    methods = choose_methods(first, maps)
    with st.expander("Drawing"):
        opacity = st.slider("Opacity", 0, 100, 80, step=5, format="%d %%", key="opacity",
                            persist_state="session")  # fmt: skip
        keep = st.slider(
            "Strongest pixels", 1, 100, 100, format="%d %%", key="keep", persist_state="session",
            help="Only this share of the pixels is colored.",
        )  # fmt: skip
        shared = st.toggle(
            "Shared scale", key="shared", persist_state="session",
            help="Draws all maps of a method on the same scale, so that they can be compared.",
        )  # fmt: skip
    return Request(why=why, target=target, rival=rival, methods=methods, opacity=opacity / 100,
                   keep=keep / 100, shared=shared)  # fmt: skip


def choose_class(classes: Sequence[str]) -> tuple[str, str, str]:
    """Let the person choose the class to explain, and one to compare it with."""
    start_from_address("why", (ONE, RATHER, EVERY))
    st.session_state.setdefault("why", ONE)
    why = st.segmented_control("Explain", [ONE, RATHER, EVERY], required=True, key="why",
                               persist_state="session") or ONE  # fmt: skip
    keep_in_address("why", why, ONE)
    target, rival = PREDICTED, SECOND
    if why != EVERY:
        start_from_address("target", classes)
        target = st.selectbox(
            "Class to explain", [PREDICTED, *classes], key="target",
            help="For a class that is not predicted, the maps show what supports it.",
        )  # fmt: skip
    if why == RATHER:
        start_from_address("rival", classes)
        rival = st.selectbox(
            "Rather than", [SECOND, *classes], key="rival",
            help="The maps show what favors the class to explain over this one.",
        )  # fmt: skip
    keep_in_address("target", target, PREDICTED)
    keep_in_address("rival", rival, SECOND)
    return why, target, rival


def choose_methods(network: Network, maps: int) -> dict[str, Settings]:
    """Let the person choose methods; return those to compute now, with their settings."""
    refused = refusals(network.classifier)
    offered = [spec for key, spec in SALIENCY.items() if key not in refused]
    keys, automatic = [spec.key for spec in offered], [s.key for s in offered if s.automatic]
    start_from_address("methods", keys, several=True)
    st.session_state.setdefault("methods", automatic)
    st.session_state["methods"] = [key for key in st.session_state["methods"] if key in keys]
    picked = st.pills(
        "Methods", keys, selection_mode="multi", key="methods", format_func=titled,
        persist_state="session", wrap=True,
    )  # fmt: skip
    keep_in_address("methods", picked, automatic)
    seconds = pass_seconds(*network.where)
    with st.expander("Methods, cost and settings"):
        for spec in offered:
            describe(spec, seconds, spec.key in picked)
        st.caption("A map shows what the network used, not what it should use.")
    if refused:
        st.caption(theme.safe(not_offered(refused)))
    settings = {key: settings_of(SALIENCY[key]) for key in picked}
    return affordable(settings, seconds, maps)


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


def problems_of(spec: SaliencySpec) -> dict[str, str]:
    """Return the problems of a method's settings as chosen now, by setting."""
    try:
        spec.settings.from_dict(chosen(spec.settings, {}, spec.key))
    except ConfigError as error:
        return error.problems
    return {}


def settings_of(spec: SaliencySpec) -> Settings:
    """Return a method's settings as chosen now; the defaults while one of them is invalid."""
    if problems_of(spec):
        return spec.settings()
    return spec.settings.from_dict(chosen(spec.settings, {}, spec.key))


def cost(spec: SaliencySpec, settings: Settings, seconds: float, maps: int) -> str:
    """Return what maps cost, in words: about 50 forward passes, 0.4 s."""
    passes = spec.passes(settings) * maps
    kind = "forward" if spec.forward_only else "forward and backward"
    time = theme.duration(max(0.1, spec.cost(settings) * maps * seconds))
    noun = "pass" if passes == 1 else "passes"
    return f"about {passes:,} {kind} {noun}, {time}"


def affordable(settings: dict[str, Settings], seconds: float, maps: int) -> dict[str, Settings]:
    """Return the methods that are quick or were started; draw a button for each other one."""
    started: tuple[str, ...] = remembered(Key.REQUESTED_METHODS, ())
    now = {}
    for key, chosen_settings in settings.items():
        spec = SALIENCY[key]
        if key in started or spec.cost(chosen_settings) * maps * seconds <= PATIENCE:
            now[key] = chosen_settings
            continue
        st.button(
            f"{spec.title}: {cost(spec, chosen_settings, seconds, maps)}", key=f"ask {key}",
            icon=":material/play_arrow:", on_click=remember,
            args=(Key.REQUESTED_METHODS, (*started, key)), width="stretch",
        )  # fmt: skip
    return now


def not_offered(refused: dict[str, str]) -> str:
    """Return in one line which methods do not suit the network, and why."""
    by_reason = groupby(sorted(refused, key=refused.__getitem__), refused.__getitem__)
    parts = [f"{', '.join(SALIENCY[key].title for key in keys)}: {why}" for why, keys in by_reason]
    return "Not available for this network. " + " ".join(parts)
