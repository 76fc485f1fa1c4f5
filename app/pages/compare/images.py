"""Where two runs differ: the pictures that one alone gets right, and the classes they confuse."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.cache.results import dataset
from app.navigation import go
from app.pages.compare import charts
from app.pages.compare.verdict import Compared
from app.shared.address import keep_in_address, start_from_address
from app.shared.gallery import Tile, gallery
from cifar_core.runs.results.predictions import Predictions
from cifar_core.statistics.same_images import by_class, confusion_difference

SHOWN = 40  # pictures at once
Pair = tuple[Predictions, Predictions]


def images(compared: Compared) -> None:
    """Draw the pictures of two runs that one alone, or neither, gets right."""
    pair = choose_pair(compared.answers)
    if pair is None:
        return
    first, second = pair
    one, two = names(pair)
    kinds = {
        f"Only {one}": first.right & ~second.right,
        f"Only {two}": ~first.right & second.right,
        "Neither": ~first.right & ~second.right,
    }
    labels = {kind: f"{kind} ({theme.count(which.sum())})" for kind, which in kinds.items()}
    kind = st.segmented_control("Right", list(kinds), format_func=labels.__getitem__,
                                default=f"Only {one}", required=True,
                                key=f"right {one} {two}")  # fmt: skip
    rows = surest_first(pair, np.flatnonzero(kinds[kind or f"Only {one}"]))[:SHOWN]
    if not len(rows):
        st.caption("There is no such image.")
        return
    clicked = gallery(pixels(first, rows), [cell(pair, int(row)) for row in rows], key="duel")
    if clicked:
        go("explain", run=first.run.number, beside=second.run.number, image=clicked)
    st.caption("The most confident mistakes come first. A click explains a picture by both runs.")


def classes(compared: Compared) -> None:
    """Draw what two runs differ by in each class, and in which confusions."""
    pair = choose_pair(compared.answers)
    if pair is None:
        return
    first, second = pair
    one, two = names(pair)
    known = first.classes
    counts = by_class(first.right, second.right, first.labels, len(known))
    difference = confusion_difference(first.answers, second.answers, first.labels, len(known))
    with st.grid(2, min_column_width=340, gap="medium"):
        with st.container():
            st.markdown("**Accuracy by class**, 95 % intervals")
            st.plotly_chart(charts.class_figure(counts, known, one, two), key="by class",
                            config={"displayModeBar": False})  # fmt: skip
        with st.container():
            st.markdown(f"**Answers of {one} less those of {two}**, images")
            st.plotly_chart(charts.confusion_figure(difference, known), key="confusions",
                            config={"displayModeBar": False})  # fmt: skip
    st.caption("Each interval is for its class alone: with ten of them, one may miss by chance.")


def choose_pair(given: Sequence[Predictions]) -> Pair | None:
    """Draw the choice of two runs, if there are more; they must have answered the same images."""
    by_number = {str(each.run.number): each for each in given}
    first, second, *others = by_number
    if others:
        first, second = choose_two(by_number)
    pair = by_number[first], by_number[second]
    if not np.array_equal(pair[0].places, pair[1].places):
        st.caption("These two have no answers to the same images. Choose others.")
        return None
    return pair


def choose_two(by_number: dict[str, Predictions]) -> tuple[str, str]:
    """Draw two lists of runs, which the address keeps."""
    numbers = list(by_number)
    titles = {number: f"#{number} {each.run.name}" for number, each in by_number.items()}
    with st.grid(2, min_column_width=220, gap="small"):
        start_from_address("one", numbers)
        first = st.selectbox("One", numbers, format_func=titles.__getitem__, key="one")
        rest = [number for number in numbers if number != first]
        start_from_address("other", rest)
        second = st.selectbox("Other", rest, format_func=titles.__getitem__, key="other")
    keep_in_address("one", first, numbers[0])
    keep_in_address("other", second, rest[0])
    return first, second


def names(pair: Pair) -> tuple[str, str]:
    """Return how the two are called."""
    return f"#{pair[0].run.number}", f"#{pair[1].run.number}"


def surest_first(pair: Pair, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order images by how sure the surer of the wrong answers is."""
    sure = np.zeros(len(rows))
    for each in pair:
        chances = each.probabilities()[rows].max(axis=1)
        sure = np.maximum(sure, np.where(each.right[rows], 0.0, chances))
    return rows[np.argsort(-sure, kind="stable")]


def pixels(given: Predictions, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the pictures [n, 32, 32, 3] of some rows."""
    run = given.run
    images = dataset(run.source, str(run.store_root))
    part = images.test if given.part == "test" else images.train
    return np.asarray(part.pixels[given.places[rows]])


def cell(pair: Pair, row: int) -> Tile:
    """Return what stands below a picture: its class and the wrong answers; pointed at, both."""
    first, _ = pair
    truth = first.classes[first.labels[row]]
    said = [f"#{each.run.number} {each.classes[each.answers[row]]}" for each in pair]
    wrong = [words for words, each in zip(said, pair, strict=True) if not each.right[row]]
    place = first.places[row]
    return Tile(
        key=f"{first.part}-{place}",
        truth=truth,
        answer=wrong[0] if len(wrong) == 1 else both_wrong(pair, row),
        right=False,
        title=f"Image {place}: {truth}. {', '.join(said)}. Explain it",
    )


def both_wrong(pair: Pair, row: int) -> str:
    """Write two wrong answers in the order of the runs, briefly."""
    one, two = (each.classes[each.answers[row]] for each in pair)
    return f"both {one}" if one == two else f"{one} · {two}"
