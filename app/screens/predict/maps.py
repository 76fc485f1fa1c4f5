"""Pictures and saliency maps on a card."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st
from PIL import Image

from app import boundary, theme
from app.screens.predict import trust
from app.screens.predict.form import warning_badge
from app.screens.predict.predictions import Prediction, explanations
from app.screens.predict.request import EVERY, Request
from app.shared.pictures.picture import SIDE, Picture, large
from cifar_core.explain import SALIENCY
from cifar_core.explain.render import scaled
from cifar_core.runs.results.explanation import Drawing, Explanation, png

Limits = dict[str, float]  # the value in full color, by method
Shown = list[tuple[Explanation, Drawing]]
Later = list[Callable[[], None]]  # what is drawn when all maps are there


def maps(
    prediction: Prediction, request: Request, limits: Limits, methods: Sequence[str], later: Later
) -> Shown:
    """Draw the maps of some methods; return them. The tests of the maps are left for later."""
    shown: Shown = []
    for method in methods:
        drawing = Drawing(opacity=request.opacity, keep=request.keep, limit=limits.get(method))
        try:
            made = explanations(prediction, request, method)
        except boundary.REFUSED as error:
            st.caption(boundary.words(error))
            continue
        if request.why == EVERY:
            row_of_maps(made, drawing, dict(prediction.ranked))
        else:
            one_map(made[0], drawing, prediction.picture, later)
        shown += [(explanation, drawing) for explanation in made]
    return shown


def one_map(explanation: Explanation, drawing: Drawing, picture: Picture, later: Later) -> None:
    """Draw a map with its legend, its method's warning, and how far the map can be trusted."""
    spec = SALIENCY[explanation.question.method]
    with st.container(gap="xsmall", horizontal_alignment="center"):
        image(drawn(explanation, drawing), f"{spec.title} for {explanation.question.title}")
        st.caption(legend(explanation), text_alignment="center")
        if spec.warning:
            warning_badge(spec)
        place = st.container(horizontal_alignment="center")
    later.append(partial(tested, place, explanation, picture))


def tested(place: st.delta_generator.DeltaGenerator, map_: Explanation, picture: Picture) -> None:
    """Draw in its place how far a map can be trusted."""
    with place:
        trust.badge(map_, picture)


def legend(explanation: Explanation) -> str:
    """Say what the colors of a map mean."""
    question = explanation.question
    target, rival = theme.safe(question.target), theme.safe(question.rival)
    if not SALIENCY[question.method].signed:
        return f"The brighter, the more it mattered for {target}" + f" over {rival}" * bool(rival)
    if rival:
        return f"Orange speaks for {target}, purple for {rival}"
    return f"Orange speaks for {target}, purple against it"


def row_of_maps(made: Sequence[Explanation], drawing: Drawing, shares: dict[str, float]) -> None:
    """Draw the maps of all classes in one row, the likeliest class first."""
    spec = SALIENCY[made[0].question.method]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{spec.title}**", width="content")
        if spec.warning:
            warning_badge(spec)
    with st.grid(len(made), min_column_width=64, gap="xsmall"):
        for explanation in made:
            name = explanation.question.target
            words = f"{name} {theme.confidence(shares[name], 0)}"
            image(drawn(explanation, drawing, small=True), words)


def drawn(explanation: Explanation, drawing: Drawing, *, small: bool = False) -> Image.Image:
    """Return a picture with its map, at a size that suits a single map or a row of them."""
    photo = large(explanation.photo)
    if small:
        photo = photo.copy()
        photo.thumbnail((SIDE // 2, SIDE // 2))
    box = scaled(explanation.box, explanation.photo.size, photo.size)
    return replace(explanation, photo=photo, box=box).overlay(drawing)


def image(picture: Image.Image, caption: str) -> None:
    """Draw a picture as PNG, since JPEG would blur single pixels."""
    st.image(png(picture), theme.safe(caption), width="stretch", output_format="PNG", alt=caption)
