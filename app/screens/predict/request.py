"""What is explained: which class, by which methods, and how the maps are drawn.

The controls (form.py) are drawn only while they are open, so the request is read from what the
session remembers of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from app.cache.explain import QUICK, first_method
from app.cache.results import pass_seconds
from app.session import Key, remember, remembered
from app.shared.address import keep_in_address, start_from_address
from app.shared.networks import Network
from app.shared.widgets import chosen
from cifar_core.errors import ConfigError
from cifar_core.explain import SALIENCY, SaliencySpec
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
    methods: Mapping[str, Settings]  # those to be drawn now
    opacity: float
    keep: float
    shared: bool  # one scale for all maps of a method
    asked: Sequence[str] = ()  # all methods that were chosen
    waiting: Mapping[str, Settings] = field(default_factory=dict)  # for a click: they take long
    classes: int = 1  # explained of each picture
    maps: int = 1  # of each method on the page


def read_request(networks: Sequence[Network], pictures: int) -> Request:
    """Return what the controls and the address ask for."""
    first = networks[0]
    classes = first.classifier.classes
    start_from_address("why", (ONE, RATHER, EVERY))
    start_from_address("target", classes)
    start_from_address("rival", classes)
    start_from_address("methods", list(SALIENCY), several=True)
    why = kept("why", ONE, (ONE, RATHER, EVERY))
    target = kept("target", PREDICTED, classes) if why != EVERY else PREDICTED
    rival = kept("rival", SECOND, classes) if why == RATHER else SECOND
    explained = min(MOST_CLASSES, len(classes)) if why == EVERY else 1
    maps = max(1, pictures) * len(networks) * explained
    usual = usual_method(first, maps)
    asked = [usual]
    if st.session_state.get("methods", asked) != [remembered(Key.USUAL_METHOD, usual)]:
        asked = st.session_state["methods"]
    remember(Key.USUAL_METHOD, usual)
    keep_in_address("why", why, ONE)
    keep_in_address("target", target, PREDICTED)
    keep_in_address("rival", rival, SECOND)
    keep_in_address("methods", asked, [usual])
    now, waiting = affordable({key: settings_of(SALIENCY[key]) for key in asked}, first, maps)
    return Request(
        why=why, target=target, rival=rival, asked=asked, methods=now, waiting=waiting,
        classes=explained, maps=maps,
        opacity=st.session_state.get("opacity", 80) / 100,
        keep=st.session_state.get("keep", 100) / 100,
        shared=st.session_state.get("shared", False),
    )  # fmt: skip


def kept(key: str, default: str, options: Sequence[str]) -> str:
    """Return what the session remembers of a control, if it is still offered."""
    value: str = st.session_state.get(key, default)
    return value if value in options else default


def usual_method(network: Network, maps: int) -> str:
    """Return the method that is shown if no one asks for another."""
    most = min(QUICK, PATIENCE / maps)
    return first_method(network.run, network.checkpoint.name, most).key


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


def affordable(
    settings: Mapping[str, Settings], network: Network, maps: int
) -> tuple[dict[str, Settings], dict[str, Settings]]:
    """Return the methods that are quick or were started, and those that wait for a click."""
    started: tuple[str, ...] = remembered(Key.REQUESTED_METHODS, ())
    seconds = pass_seconds(*network.where)
    now = {
        key: chosen_settings
        for key, chosen_settings in settings.items()
        if key in started or SALIENCY[key].cost(chosen_settings) * maps * seconds <= PATIENCE
    }
    return now, {key: value for key, value in settings.items() if key not in now}
