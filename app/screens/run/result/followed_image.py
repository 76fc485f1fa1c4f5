"""One image over the epochs: its predictions, and the parts of it that mattered for them."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app import theme
from app.cache.explain import first_method, saliency
from app.screens.run.result import charts
from app.screens.run.result.evaluation import Evaluation
from app.session import Key, remember, remembered
from app.shared.figure import show_figure
from app.shared.pictures.gallery import gallery
from cifar_core.data.pictures.images import tensor_of
from cifar_core.explain.render import enlarge, overlay
from cifar_core.runs.results.explanation import sha256_of
from cifar_core.runs.results.predictions import Predictions

OFFERED = 10  # images to choose from
NAMED = 4  # classes with a line of their own
SIDE = 224  # pixels of a drawn picture
ByEpoch = Mapping[float, Predictions]


def followed_image(evaluation: Evaluation, by_epoch: ByEpoch, epoch: float) -> None:
    """Draw the images whose prediction changed most often, and follow the chosen one."""
    st.markdown("**One image over time**")
    st.caption("The predictions for these images changed most often. Click an image to follow it.")
    rows = changed_most(list(by_epoch.values()))[:OFFERED]
    labels = evaluation.predictions.labels
    row_of = {evaluation.image_name(row): row for row in range(len(labels))}
    clicked = gallery(evaluation.pixels(rows), evaluation.tiles(rows), key="follow gallery")
    if clicked:
        remember(Key.FOLLOWED, clicked)
    row = row_of.get(remembered(Key.FOLLOWED, ""), int(rows[0]))
    follow(evaluation, by_epoch, epoch, row)


def changed_most(predictions: list[Predictions]) -> NDArray[np.int64]:
    """Return all rows, those whose prediction changed most often first."""
    classes = np.stack([then.predicted for then in predictions])  # [epochs, N]
    changes = (classes[1:] != classes[:-1]).sum(axis=0)
    shuffled = np.random.default_rng(0).permutation(len(changes))  # else ties come class by class
    order: NDArray[np.int64] = shuffled[np.argsort(-changes[shuffled], kind="stable")]
    return order


def follow(evaluation: Evaluation, by_epoch: ByEpoch, epoch: float, row: int) -> None:
    """Draw one image: its map at an epoch, and its classes' probabilities at all epochs."""
    now, classes = by_epoch[epoch], evaluation.predictions.classes
    probabilities = np.stack([then.probabilities()[row] for then in by_epoch.values()])
    likeliest = np.argsort(-probabilities.max(axis=0), kind="stable")[:NAMED]
    truth = int(evaluation.predictions.labels[row])
    shown = [truth, *(int(k) for k in likeliest if k != truth)][:NAMED]
    left, middle, right = st.columns([1, 1, 3], gap="medium")
    pixels = evaluation.pixels(np.array([row]))[0]
    picture = Image.fromarray(pixels)
    with left:
        st.image(enlarge(picture, SIDE), caption=classes[truth], output_format="PNG")
    predicted = int(now.predicted[row])
    with middle:
        confidence = theme.confidence(float(now.probabilities()[row, predicted]), 0)
        st.image(overlaid(evaluation, now, picture, predicted), output_format="PNG",
                 caption=f"Epoch {epoch:g}: {classes[predicted]} {confidence}")  # fmt: skip
    with right:
        lines = {classes[k]: [float(share) for share in probabilities[:, k]] for k in shown}
        show_figure(
            charts.lines_figure(list(by_epoch), lines, epoch, "Probability", height=260),
            key="followed chart",
            alt="Probability of the image's classes over the epochs",
        )


def overlaid(
    evaluation: Evaluation, predictions: Predictions, picture: Image.Image, target: int
) -> Image.Image:
    """Return a picture with its map for a class, by the method that is shown first."""
    where = str(evaluation.run.path), predictions.checkpoint
    spec = first_method(evaluation.run, predictions.checkpoint)
    (map_,) = saliency(*where, spec.key, (target,), sha256_of(picture), tensor_of(picture))
    return overlay(enlarge(picture, SIDE), map_, signed=spec.signed)
