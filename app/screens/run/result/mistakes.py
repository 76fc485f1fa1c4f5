"""The pictures that a network gets wrong or is unsure about, thirty-six at a time."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.navigation import go
from app.screens.run.result.evaluation import Evaluation
from app.session import Key, remember, remembered
from app.shared.pictures.gallery import gallery
from cifar_core.evaluation.mistakes import RANKINGS, ranked

SHOWN = 36
ANY = "Any class"


def mistakes(evaluation: Evaluation) -> None:
    """Draw the filters and the pictures that pass, in the order of a ranking."""
    predictions = evaluation.predictions
    choose: Any = partial(
        st.selectbox, persist_state="session", on_change=remember, args=(Key.GALLERY_PAGE, 0)
    )
    with st.grid(3, min_column_width=170, gap="small"):
        key = choose(
            "Order", list(RANKINGS), format_func=lambda k: RANKINGS[k].title, key="ranking"
        )
        truth = choose("True class", [ANY, *predictions.classes], key="truth")
        predicted = choose("Predicted class", [ANY, *predictions.classes], key="predicted")
    rows = ranked(predictions.logits, predictions.labels, key,
                  among=passing(evaluation, truth, predicted))  # fmt: skip
    click = " Click a picture to explain it." if evaluation.has_pictures else ""
    st.caption(f"{RANKINGS[key].summary}{click}")
    pages(evaluation, rows, key="mistakes")


def passing(evaluation: Evaluation, truth: str, predicted: str) -> NDArray[np.bool_]:
    """Return a mask [N] of the images with a true and a predicted class."""
    predictions = evaluation.predictions
    passes = np.ones(len(predictions.labels), bool)
    for name, values in ((truth, predictions.labels), (predicted, predictions.predicted)):
        if name != ANY:
            passes &= values == predictions.classes.index(name)
    return passes


def pages(evaluation: Evaluation, rows: NDArray[np.int64], *, key: str) -> None:
    """Draw one page of pictures and the buttons to turn pages; a click opens the Predict page."""
    if not len(rows):
        st.caption("No image matches.")
        return
    last = (len(rows) - 1) // SHOWN
    page = min(remembered(Key.GALLERY_PAGE, 0), last)
    shown = rows[page * SHOWN : (page + 1) * SHOWN]
    if evaluation.has_pictures:
        clicked = gallery(evaluation.pixels(shown), evaluation.tiles(shown), key=f"{key} gallery")
        if clicked:
            go("predict", run=evaluation.run.number, image=clicked)
    else:
        listed(evaluation, shown)
    first = page * SHOWN + 1
    with st.container(horizontal=True, vertical_alignment="center"):
        turn("Back", "arrow_back", page - 1, key=f"{key} back", enabled=page > 0)
        span = f"{theme.count(first)} to {theme.count(first + len(shown) - 1)}"
        st.caption(f"{span} of {theme.count(len(rows))}", width="content")
        turn("Next", "arrow_forward", page + 1, key=f"{key} next", enabled=page < last)


def listed(evaluation: Evaluation, rows: NDArray[np.int64]) -> None:
    """List images that cannot be shown."""
    tiles = evaluation.tiles(rows)
    st.dataframe(
        {
            "Image": [tile.key for tile in tiles],
            "True class": [tile.truth for tile in tiles],
            "Prediction": [tile.prediction for tile in tiles],
        },
        hide_index=True, height=320, width=520,
    )  # fmt: skip
    st.caption("The images are not on this machine, so they are listed without pictures.")


def turn(label: str, icon: str, page: int, *, key: str, enabled: bool) -> None:
    """Draw a button that turns to another page."""
    st.button(label, icon=f":material/{icon}:", type="tertiary", key=key, disabled=not enabled,
              on_click=remember, args=(Key.GALLERY_PAGE, page))  # fmt: skip
