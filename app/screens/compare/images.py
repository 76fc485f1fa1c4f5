"""Where two runs differ: the pictures that only one gets right, and the classes they confuse."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.cache.results import images_of
from app.navigation import go
from app.screens.compare import charts
from app.screens.compare.verdict import RunComparison
from app.shared.address import keep_in_address, start_from_address
from app.shared.figure import show_figure
from app.shared.pictures.gallery import Tile, gallery
from cifar_core.runs.results.predictions import Predictions
from cifar_core.statistics.same_images import by_class, confusion_difference

SHOWN = 40  # pictures at once
Pair = tuple[Predictions, Predictions]


def images(result: RunComparison) -> None:
    """Draw the pictures that only one of two runs gets right, or neither."""
    pair = choose_pair(result.predictions)
    if pair is None:
        return
    first, second = pair
    first_name, second_name = names(pair)
    groups = {
        f"Only {first_name}": first.right & ~second.right,
        f"Only {second_name}": ~first.right & second.right,
        "Neither": ~first.right & ~second.right,
    }
    labels = {group: f"{group} ({theme.count(mask.sum())})" for group, mask in groups.items()}
    group = st.segmented_control("Correct", list(groups), format_func=labels.__getitem__,
                                 default=f"Only {first_name}", required=True,
                                 key=f"right {first_name} {second_name}")  # fmt: skip
    rows = np.flatnonzero(groups[group or f"Only {first_name}"])
    rows = most_confident_first(pair, rows)[:SHOWN]
    if not len(rows):
        st.caption("No image matches.")
        return
    clicked = gallery(pixels(first, rows), [tile(pair, int(row)) for row in rows], key="duel")
    if clicked:
        go("predict", run=first.run.number, beside=second.run.number, image=clicked)
    st.caption("The most confident mistakes come first. Click one to explain it with both runs.")


def classes(result: RunComparison) -> None:
    """Draw the differences between two runs by class, and by confusion."""
    pair = choose_pair(result.predictions)
    if pair is None:
        return
    first, second = pair
    first_name, second_name = names(pair)
    class_names = first.classes
    count = len(class_names)
    counts = by_class(first.right, second.right, first.labels, count)
    difference = confusion_difference(first.predicted, second.predicted, first.labels, count)
    with st.grid(2, min_column_width=340, gap="medium"):
        with st.container():
            st.markdown(f"**Accuracy by class, {first_name} minus {second_name}**, 95 % intervals")
            show_figure(charts.class_figure(counts, class_names, first_name, second_name),
                        key="by class", alt="Difference in accuracy in each class")  # fmt: skip
        with st.container():
            st.markdown(f"**Predictions, {first_name} minus {second_name}**, in images")
            show_figure(charts.confusion_figure(difference, class_names), key="confusions",
                        alt="Difference of the predictions of two runs")  # fmt: skip
    st.caption("Each interval is for its class alone; one in twenty misses the true difference.")


def choose_pair(predictions: Sequence[Predictions]) -> Pair | None:
    """Draw the choice of two runs, if there are more; both must have classified the same images."""
    by_number = {str(kept.run.number): kept for kept in predictions}
    first, second, *others = by_number
    if others:
        first, second = choose_two(by_number)
    pair = by_number[first], by_number[second]
    if not np.array_equal(pair[0].indexes, pair[1].indexes):
        st.caption("These two runs have no predictions for the same images. Choose others.")
        return None
    return pair


def choose_two(by_number: dict[str, Predictions]) -> tuple[str, str]:
    """Draw two lists of runs, which the address keeps."""
    numbers = list(by_number)
    titles = {number: f"#{number} {kept.run.name}" for number, kept in by_number.items()}
    with st.grid(2, min_column_width=220, gap="small"):
        start_from_address("one", numbers)
        first = st.selectbox("First run", numbers, format_func=titles.__getitem__, key="one")
        rest = [number for number in numbers if number != first]
        start_from_address("other", rest)
        second = st.selectbox("Second run", rest, format_func=titles.__getitem__, key="other")
    keep_in_address("one", first, numbers[0])
    keep_in_address("other", second, rest[0])
    return first, second


def names(pair: Pair) -> tuple[str, str]:
    """Return the two runs' short names, such as #1."""
    return f"#{pair[0].run.number}", f"#{pair[1].run.number}"


def most_confident_first(pair: Pair, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order images by the highest confidence in a wrong prediction."""
    confidence = np.zeros(len(rows))
    for side in pair:
        highest = side.probabilities()[rows].max(axis=1)
        confidence = np.maximum(confidence, np.where(side.right[rows], 0.0, highest))
    return rows[np.argsort(-confidence, kind="stable")]


def pixels(predictions: Predictions, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the pictures [n, side, side, 3] of some rows."""
    images = images_of(predictions.run)
    part = images.test if predictions.part == "test" else images.train
    return np.asarray(part.pixels[predictions.indexes[rows]])


def tile(pair: Pair, row: int) -> Tile:
    """Return the text below a picture: its class and the wrong predictions; hovering shows both."""
    first, _ = pair
    truth = first.classes[first.labels[row]]
    predicted = [f"#{side.run.number} {side.classes[side.predicted[row]]}" for side in pair]
    wrong = [words for words, side in zip(predicted, pair, strict=True) if not side.right[row]]
    index = first.indexes[row]
    return Tile(
        key=f"{first.part}-{index}",
        truth=truth,
        prediction=wrong[0] if len(wrong) == 1 else both_wrong(pair, row),
        right=False,
        title=f"Image {index}: {truth}. {', '.join(predicted)}. Click to explain it.",
    )


def both_wrong(pair: Pair, row: int) -> str:
    """Write two wrong predictions in the order of the runs, briefly."""
    first, second = (side.classes[side.predicted[row]] for side in pair)
    return f"both {first}" if first == second else f"{first} · {second}"
