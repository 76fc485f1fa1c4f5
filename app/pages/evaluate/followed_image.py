"""One image followed over the epochs: what the network thought of it, and where it looked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app import theme
from app.cache.explain import saliency
from app.cache.results import classifier
from app.pages.evaluate import charts
from app.pages.evaluate.evaluated import Evaluated
from app.session import Key, remember, remembered
from app.shared.gallery import gallery
from cifar_core.data.images import to_tensor
from cifar_core.explain import SALIENCY, suitable
from cifar_core.explain.render import enlarge, overlay
from cifar_core.runs.results.explanation import sha256_of
from cifar_core.runs.results.predictions import Predictions

OFFERED = 10  # images to choose from
NAMED = 4  # classes with a line of their own
SIDE = 224  # pixels of a drawn picture


def pinned(judged: Evaluated, known: Mapping[float, Predictions], epoch: float) -> None:
    """Draw the images whose answer changed most, and the chosen one's answers over the epochs."""
    st.markdown("**One image over time**")
    st.caption("The answers to these changed most often. A click follows another one.")
    rows = changed_most(list(known.values()))[:OFFERED]
    names = {judged.name_of(int(row)): int(row) for row in range(len(judged.given.labels))}
    clicked = gallery(judged.pixels(rows), judged.cells(rows), key="pin gallery")
    if clicked:
        remember(Key.PINNED, clicked)
    row = names.get(remembered(Key.PINNED, ""), int(rows[0]))
    follow(judged, known, epoch, row)


def changed_most(answers: list[Predictions]) -> NDArray[np.int64]:
    """Return the rows of the answers, those first whose answer changed most often."""
    said = np.stack([each.answers for each in answers])
    changes = (said[1:] != said[:-1]).sum(axis=0)
    mixed = np.random.default_rng(0).permutation(len(changes))  # else equals come class by class
    found: NDArray[np.int64] = mixed[np.argsort(-changes[mixed], kind="stable")]
    return found


def follow(judged: Evaluated, known: Mapping[float, Predictions], epoch: float, row: int) -> None:
    """Draw one image: its map at an epoch, and how likely its classes were at all of them."""
    now, classes = known[epoch], judged.given.classes
    shares = np.stack([each.probabilities()[row] for each in known.values()])  # [epochs, K]
    likeliest = np.argsort(-shares.max(axis=0), kind="stable")[:NAMED]
    truth = int(judged.given.labels[row])
    shown = [truth, *(int(k) for k in likeliest if k != truth)][:NAMED]
    left, middle, right = st.columns([1, 1, 3], gap="medium")
    pixels = judged.pixels(np.array([row]))[0]
    picture = Image.fromarray(pixels)
    with left:
        st.image(enlarge(picture, SIDE), caption=classes[truth], output_format="PNG")
    answer = int(now.answers[row])
    with middle:
        words = f"{classes[answer]} {theme.percent(float(now.probabilities()[row, answer]), 0)}"
        st.image(mapped(judged, now, picture, answer), caption=f"{words}, epoch {epoch:g}",
                 output_format="PNG")  # fmt: skip
    with right:
        lines = {classes[k]: [float(each) for each in shares[:, k]] for k in shown}
        still: dict[str, Any] = {"displayModeBar": False}
        st.plotly_chart(
            charts.lines_figure(list(known), lines, epoch, "Probability", height=260),
            config=still, key="pinned chart", alt="Probability of the image's classes over epochs",
        )  # fmt: skip


def mapped(judged: Evaluated, now: Predictions, picture: Image.Image, answer: int) -> Image.Image:
    """Lay the map of an answer over its picture, by the first method that suits the network."""
    where = str(judged.run.path), now.checkpoint
    offered = suitable(classifier(*where))
    spec = next((each for each in offered if each.automatic), offered[0])
    found = saliency(*where, spec.key, (answer,), sha256_of(picture), to_tensor(picture))[0]
    return overlay(enlarge(picture, SIDE), found, signed=SALIENCY[spec.key].signed)
