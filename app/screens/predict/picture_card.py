"""One picture's card: the networks' answers, the picture, one map, and what is a click away."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import boundary, theme
from app.screens.predict import others
from app.screens.predict.answer import answer
from app.screens.predict.maps import Later, Limits, Shown, image, maps
from app.screens.predict.picture_edits import edit_controls
from app.screens.predict.predictions import Prediction, shared_limits, targets
from app.screens.predict.request import EVERY, ONE, RATHER, Request
from app.screens.predict.share import download, share
from app.shared.pictures.picture import Picture, large

Group = Sequence[Prediction]  # of one picture, one per network
SEEN = "What the network sees"
BESIDE = 230  # pixels of a map beside those of other networks


def card(group: Group, request: Request, number: int, every: Group, later: Later) -> Shown:
    """Draw everything about one picture of `every`; return the maps that were drawn."""
    picture, network = group[0].picture, group[0].network
    if others.are_open(picture):
        request = others.with_others(request, network, request.classes * len(group))
    limits = limits_of(every, request)
    with st.container(border=True, key=f"result{number}"):
        if note := picture.image.info.get("note"):
            st.caption(theme.safe(note))
        shown = (one_network if len(group) == 1 else side_by_side)(group, request, limits, later)
        if others.are_open(picture):
            others.missing(request, network, number)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            why_not(group[0], request, number)
            if request.why != EVERY and len(group) == 1:
                seen(picture)
            edit_controls(picture)
            others.button(picture, request)
            share(picture, number)
            download(shown, f"{picture.name}.zip", group, key=f"download{number}")
    return shown


def limits_of(every: Group, request: Request) -> Limits:
    """Return for each method the value in full color that suits all of its maps, if asked for."""
    if not request.shared:
        return {}
    try:
        return shared_limits(every, request, request.methods)
    except boundary.REFUSED as error:
        st.caption(f"Each map has its own scale. {boundary.words(error)}")
        return {}


def one_network(group: Group, request: Request, limits: Limits, later: Later) -> Shown:
    """Draw one network's answer, the picture and the first map side by side, the rest below."""
    (prediction,) = group
    methods = list(request.methods)
    left, middle, right = st.columns([1.15, 1, 1], gap="medium")
    with left:
        answer(prediction)
    with middle:
        image(large(prediction.picture.photo), prediction.picture.name)
    if request.why == EVERY:
        with right:
            image(large(prediction.picture.seen), SEEN)
        return maps(prediction, request, limits, methods, later)
    with right:
        shown = maps(prediction, request, limits, methods[:1], later)
    if methods[1:]:
        with st.grid(4, min_column_width=140):
            shown += maps(prediction, request, limits, methods[1:], later)
    return shown


def side_by_side(group: Group, request: Request, limits: Limits, later: Later) -> Shown:
    """Draw the picture, and below it the answers of several networks, a column for each."""
    picture = group[0].picture
    with st.grid(4, min_column_width=140):
        image(large(picture.photo), picture.name)
        views = {each.picture.sizing: each.picture.seen for each in group}
        for sizing, view in views.items():
            size = f", {sizing.side} x {sizing.side} pixels" if len(views) > 1 else ""
            image(large(view), f"{SEEN}{size}")
    shown: Shown = []
    for column, prediction in zip(st.columns(len(group), gap="medium"), group, strict=True):
        with column:
            run = prediction.network.run
            st.markdown(f"**#{run.number} {theme.safe(run.name)}**")
            answer(prediction)
            with st.container(width="stretch" if request.why == EVERY else BESIDE):
                shown += maps(prediction, request, limits, list(request.methods), later)
    return shown


def why_not(prediction: Prediction, request: Request, number: int) -> None:
    """Offer to explain the class rather than its strongest rival, and the way back."""
    if request.why == EVERY:
        return
    why = ONE if request.why == RATHER else RATHER
    (target,), rival = targets(prediction.ranked, replace(request, why=RATHER))
    label = f"Why not {rival}?" if why == RATHER else f"Why {target}?"
    st.button(theme.safe(label), icon=":material/compare_arrows:", type="tertiary",
              key=f"why not {number}",
        on_click=boundary.callback(explain), args=(why,))  # fmt: skip


def explain(why: str) -> None:
    """Explain one class, or one rather than another, for all pictures."""
    st.session_state["why"] = why


def seen(picture: Picture) -> None:
    """Offer a look at the pixels that the network sees."""
    with st.popover(SEEN, icon=":material/visibility:", type="tertiary"):
        image(large(picture.seen), SEEN)
        st.caption(picture.seen_words)
