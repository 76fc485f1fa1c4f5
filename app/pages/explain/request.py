"""Choosing what is asked: which class, by which methods, and how the maps are drawn."""

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

PREDICTED, SECOND = "Predicted class", "Second likeliest"
ONE, RATHER, EVERY = "One class", "Rather than", "Every class"
MOST_CLASSES = 10  # in one row
PATIENCE = 3.0  # seconds; a method that takes longer is computed when asked for


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the person wants to know and how it is drawn."""

    why: str  # ONE, RATHER or EVERY
    target: str  # a class, or PREDICTED
    rival: str  # a class, or SECOND
    methods: dict[str, Settings]
    opacity: float
    keep: float
    shared: bool  # one scale for all maps of a method


def choose_question(networks: Sequence[Network], pictures: int) -> Asked:
    """Draw the controls of the question, the most wanted first."""
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
            help="Only this share of the pixels gets colour.",
        )  # fmt: skip
        shared = st.toggle(
            "One scale", key="shared", persist_state="session",
            help="Draws all maps of a method on the same scale, so that their strength compares.",
        )  # fmt: skip
    return Asked(why=why, target=target, rival=rival, methods=methods, opacity=opacity / 100,
                 keep=keep / 100, shared=shared)  # fmt: skip


def choose_class(classes: Sequence[str]) -> tuple[str, str, str]:
    """Let the person choose the class to explain, and one to compare it with."""
    start_from_address("why", (ONE, RATHER, EVERY))
    st.session_state.setdefault("why", ONE)
    asked = st.segmented_control("Why", [ONE, RATHER, EVERY], required=True, key="why",
                                    persist_state="session")  # fmt: skip
    why = asked or ONE
    keep_in_address("why", why, ONE)
    target, rival = PREDICTED, SECOND
    if why != EVERY:
        start_from_address("target", classes)
        target = st.selectbox(
            "Class to explain", [PREDICTED, *classes], key="target",
            help="Why this class, or what would speak for another one?",
        )  # fmt: skip
    if why == RATHER:
        start_from_address("rival", classes)
        rival = st.selectbox(
            "Rather than", [SECOND, *classes], key="rival",
            help="The maps then show what puts the first class ahead of this one.",
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
        st.caption("A map shows what the network used, which need not be what it should use.")
    if refused:
        st.caption(theme.safe(not_offered(refused)))
    settings = {key: settings_of(SALIENCY[key]) for key in picked}
    return affordable(settings, seconds, maps)


def titled(key: str) -> str:
    """Name a method, and mark one of which something bad is known."""
    spec = SALIENCY[key]
    return f"{spec.title} :material/warning:" if spec.warning else spec.title


def describe(spec: SaliencySpec, seconds: float, picked: bool) -> None:
    """Say what a method answers and costs; draw its settings if it is chosen."""
    st.markdown(f"**{spec.title}.** {spec.summary} [Paper]({spec.paper})")
    if spec.warning:
        warning_badge(spec)
    if picked and fields(spec.settings):
        start = spec.settings().to_dict()
        settings_inputs(fields(spec.settings), start, spec.key, problems=problems_of(spec))
    st.caption(cost(spec, settings_of(spec), seconds, 1).capitalize() + " a map.")


def warning_badge(spec: SaliencySpec) -> None:
    """Say that a method is known to fail, with the reason behind it."""
    st.badge("fails the sanity check", icon=":material/warning:", color="orange",
             help=spec.warning)  # fmt: skip


def problems_of(spec: SaliencySpec) -> dict[str, str]:
    """Return what is wrong with a method's settings as they stand, by setting."""
    try:
        spec.settings.from_dict(chosen(spec.settings, {}, spec.key))
    except ConfigError as error:
        return error.problems
    return {}


def settings_of(spec: SaliencySpec) -> Settings:
    """Return a method's settings as they stand; the usual ones while something is wrong."""
    if problems_of(spec):
        return spec.settings()
    return spec.settings.from_dict(chosen(spec.settings, {}, spec.key))


def cost(spec: SaliencySpec, settings: Settings, seconds: float, maps: int) -> str:
    """Write what maps cost: about 50 passes, 0.4 s."""
    passes = spec.passes(settings) * maps
    back = "" if spec.forward_only else " and back"
    time = theme.duration(max(0.1, spec.cost(settings) * maps * seconds))
    noun = "pass" if passes == 1 else "passes"
    return f"about {passes:,} {noun}{back}, {time}"


def affordable(settings: dict[str, Settings], seconds: float, maps: int) -> dict[str, Settings]:
    """Return the methods that are quick or were asked for; draw a button for each other one."""
    allowed: tuple[str, ...] = remembered(Key.ASKED_FOR, ())
    now = {}
    for key, chosen_settings in settings.items():
        spec = SALIENCY[key]
        if key in allowed or spec.cost(chosen_settings) * maps * seconds <= PATIENCE:
            now[key] = chosen_settings
            continue
        st.button(
            f"{spec.title}: {cost(spec, chosen_settings, seconds, maps)}", key=f"ask {key}",
            icon=":material/play_arrow:", on_click=remember,
            args=(Key.ASKED_FOR, (*allowed, key)), width="stretch",
        )  # fmt: skip
    return now


def not_offered(refused: dict[str, str]) -> str:
    """Say in one line which methods cannot be right for the network, and why."""
    by_reason = groupby(sorted(refused, key=refused.__getitem__), refused.__getitem__)
    parts = [f"{', '.join(SALIENCY[key].title for key in keys)}: {why}" for why, keys in by_reason]
    return "Not offered for this network. " + " ".join(parts)
