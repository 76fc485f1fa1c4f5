"""The pictures that a network gets wrong or is unsure of, forty-eight at a time."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.navigation import go
from app.pages.evaluate.evaluated import Evaluated
from app.session import Key, remember, remembered
from app.shared.gallery import gallery
from cifar_core.evaluation.mistakes import RANKINGS, ranked

SHOWN = 48
EVERY = "Any class"


def mistakes(judged: Evaluated) -> None:
    """Draw the filters and the pictures that pass, in the order of a ranking."""
    classes = judged.given.classes
    choose: Any = partial(
        st.selectbox, persist_state="session", on_change=remember, args=(Key.PAGE, 0)
    )
    with st.grid(3, min_column_width=170, gap="small"):
        key = choose(
            "Order", list(RANKINGS), format_func=lambda k: RANKINGS[k].title, key="ranking"
        )
        truth = choose("True class", [EVERY, *classes], key="truth")
        answer = choose("Answer", [EVERY, *classes], key="answered")
    rows = ranked(judged.given.logits, judged.given.labels, key,
                  among=passing(judged, truth, answer))  # fmt: skip
    st.caption(f"{RANKINGS[key].summary} A click explains a picture.")
    pages(judged, rows, key="mistakes")


def passing(judged: Evaluated, truth: str, answer: str) -> NDArray[np.bool_]:
    """Tell of each image [N] whether it is of the class and has the answer asked for."""
    given = judged.given
    passes = np.ones(len(given.labels), bool)
    for name, values in ((truth, given.labels), (answer, given.answers)):
        if name != EVERY:
            passes &= values == given.classes.index(name)
    return passes


def pages(judged: Evaluated, rows: NDArray[np.int64], *, key: str) -> None:
    """Draw a page of pictures and the way to the others; a click goes to the Explain page."""
    if not len(rows):
        st.caption("There is no such image.")
        return
    last = (len(rows) - 1) // SHOWN
    page = min(remembered(Key.PAGE, 0), last)
    shown = rows[page * SHOWN : (page + 1) * SHOWN]
    clicked = gallery(judged.pixels(shown), judged.cells(shown), key=f"{key} gallery")
    if clicked:
        go("explain", run=judged.run.number, image=clicked)
    first = page * SHOWN + 1
    with st.container(horizontal=True, vertical_alignment="center"):
        turn("Back", "arrow_back", page - 1, key=f"{key} back", enabled=page > 0)
        of = f"{theme.count(first)} to {theme.count(first + len(shown) - 1)}"
        st.caption(f"{of} of {theme.count(len(rows))}", width="content")
        turn("Next", "arrow_forward", page + 1, key=f"{key} next", enabled=page < last)


def turn(label: str, icon: str, to: int, *, key: str, enabled: bool) -> None:
    """Draw a button that turns to another page."""
    st.button(label, icon=f":material/{icon}:", type="tertiary", key=key, disabled=not enabled,
              on_click=remember, args=(Key.PAGE, to))  # fmt: skip
