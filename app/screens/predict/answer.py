"""A network's answer to "what is this picture?": the class in a sentence, and three bars."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.screens.predict.confidence import confidence
from app.screens.predict.predictions import Prediction
from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.data.sources.shapes import SHAPES

LIKELIEST = 3  # bars
COUNTABLE = {*CLASSES, *SHAPES}  # names of classes that take an article


def answer(prediction: Prediction) -> None:
    """Draw the answer, what its confidence is worth, and the likeliest classes."""
    with st.container(gap="xsmall"):
        st.subheader(sentence(prediction), anchor=False)
        if words := truth(prediction):
            st.markdown(words)
        confidence(prediction)
    likeliest(prediction)


def sentence(prediction: Prediction) -> str:
    """Say what the network predicts, and how confident it is."""
    name, share = prediction.ranked[0]
    return f"{named(name)}, {theme.confidence(share, 0)} confident"


def named(name: str) -> str:
    """Begin a sentence with a class; with its article, if it is known to take one."""
    if name not in COUNTABLE:
        return theme.safe(name)
    vowel = name[0] in "aeiou" or name == "hourglass"
    return f"{'An' if vowel else 'A'} {theme.safe(name)}"


def truth(prediction: Prediction) -> str:
    """Say whether the prediction is correct, if the true class is known."""
    right = prediction.picture.truth
    if not right:
        return ""
    if prediction.ranked[0][0] == right:
        return ":material/check: Correct."
    return f":material/close: The true class is {theme.safe(right)}."


def likeliest(prediction: Prediction) -> None:
    """Draw the likeliest classes as bars; with a cover, also those without it."""
    now = dict(prediction.ranked)
    names = [name for name, _ in prediction.uncovered[:LIKELIEST]]
    if not prediction.picture.cover:
        bars(names, now)
        return
    left, right = st.columns(2, gap="small", wrap=False)
    with left:
        st.caption("Uncovered")
        bars(names, dict(prediction.uncovered))
    with right:
        st.caption("Covered")
        bars(names, now)


def bars(names: Sequence[str], probabilities: dict[str, float]) -> None:
    """Draw one bar per class."""
    with st.container(gap="xsmall"):
        for name in names:
            share = min(1.0, max(0.0, probabilities[name]))
            words = f"{theme.safe(name)} {theme.confidence(probabilities[name])}"
            st.progress(share, text=words)
