"""The Sizes tab: how large the pictures were and of what shape, and a click shows them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import boundary, theme
from app.screens.data.one_set.charts import size_figure
from app.screens.data.one_set.grid import pages
from app.screens.data.one_set.view import View
from app.session import store
from app.shared.figure import show_figure
from cifar_core.data.review.sizes import (
    MEASURES,
    Measure,
    counted_sizes,
    histogram,
    size_summary,
    values_of,
)
from cifar_core.people import OPERATOR

ACROSS = {"width": "Width in pixels", "height": "Height in pixels", "shape": "Width : height"}


def draw(view: View) -> None:
    """Draw the sizes; only this part is drawn again when another bar is chosen."""
    boundary.fragment(looked_into, run_every=None)(view)


def looked_into(view: View) -> None:
    """Draw what is known of the sizes, and the images of what is chosen."""
    sizes, side = view.album.sizes, view.images.train.pixels.shape[1]
    if sizes is None:
        unknown(view, side)
        without_color(view)
        return
    summary = size_summary(sizes)
    if summary.distinct == 1:
        width, height = summary.median
        st.markdown(f"All pictures are {width:,} x {height:,} pixels." + scaled(sizes, side))
        without_color(view)
        return
    st.markdown(sizes_words(sizes) + scaled(sizes, side))
    measure: Measure = st.segmented_control(
        "Measure", list(MEASURES), default="width", required=True,
        format_func=lambda key: MEASURES[key], key="measure", label_visibility="collapsed",
    )  # fmt: skip
    bars = histogram(sizes, measure)
    state: Any = show_figure(
        size_figure(bars, ACROSS[measure]), key=f"sizes {measure} of {view.one.source}",
        alt=f"Number of images by {MEASURES[measure].lower()}",
        on_select="rerun", selection_mode="points",
    )  # fmt: skip
    points = state.selection.points
    if points and int(points[0]["point_index"]) < len(bars):
        bar = bars[int(points[0]["point_index"])]
        st.markdown(f"**{ACROSS[measure]}: {bar.label}**")
        chosen = np.flatnonzero(bar.holds(values_of(sizes, measure)))
        pages(view, chosen, key=f"images {measure} {bar.label}")
        return
    st.caption("Click a bar to see its images.")
    extremes(view, sizes)


def extremes(view: View, sizes: NDArray[np.int32]) -> None:
    """Offer the smallest, the largest and the gray images."""
    order = np.argsort(sizes.astype(np.int64).prod(axis=1), kind="stable")
    gray = np.flatnonzero(view.gray)
    groups = {"Smallest first": order, "Largest first": order[::-1]}
    if len(gray):
        groups[f"Gray ({theme.count(len(gray))})"] = gray
    name = st.segmented_control("Show", list(groups), key="extremes")
    if name:
        pages(view, groups[name], key=f"images {name}")
    if len(gray):
        st.caption(GRAY)


GRAY = "Gray pictures are shown to networks as three equal channels."


def without_color(view: View) -> None:
    """Say how many images are gray, and show them when asked."""
    gray = np.flatnonzero(view.gray)
    if not len(gray):
        st.markdown("None of them is gray.")
        return
    every = len(gray) == len(view.album)
    count = "All of them" if every else theme.plural(len(gray), "image")
    st.markdown(f"{count} {'is' if len(gray) == 1 and not every else 'are'} gray. {GRAY}")
    if not every and st.toggle("Show the gray images", key="gray"):
        pages(view, gray, key="images gray")


def unknown(view: View, side: int) -> None:
    """Say why no original sizes are known."""
    if view.one.kind != "folder":
        st.markdown(f"All images are {side} x {side} pixels, as their authors made them.")
        return
    st.markdown(
        f"Networks see these images at {side} x {side} pixels. How large the pictures were is not "
        "known, because an earlier version read them."
    )
    if store().by.may(OPERATOR):
        st.caption("*Read again*, in the menu *More* above, measures them.")


def scaled(sizes: NDArray[np.int32], side: int) -> str:
    """Say how many pictures were scaled to be shown to a network."""
    other = int((sizes != side).any(axis=1).sum())
    if not other:
        return " Networks see them as they are."
    which = (
        "They were"
        if other == len(sizes)
        else f"{theme.plural(other, 'picture')} " + ("was" if other == 1 else "were")
    )
    return f" {which} cropped to a square and scaled to {side} x {side}."


def sizes_words(sizes: NDArray[np.int32]) -> str:
    """Say how large pictures of several sizes are."""
    summary = size_summary(sizes)
    if summary.distinct == 2:
        (one, most), (other, rest) = counted_sizes(sizes)
        return (
            f"{theme.plural(most, 'picture')} of {size_words(one)} pixels and "
            f"{theme.count(rest)} of {size_words(other)}."
        )
    return (
        f"Usually {size_words(summary.median)} pixels (the medians); the smallest is "
        f"{size_words(sizes[summary.smallest].tolist())}, the largest "
        f"{size_words(sizes[summary.largest].tolist())}."
    )


def size_words(size: Sequence[int]) -> str:
    """Write a width and a height."""
    return f"{size[0]:,} x {size[1]:,}"
