"""The Classes tab: how many images each class has, and a click shows them."""

from typing import Any

import numpy as np
import streamlit as st

from app import theme
from app.screens.data.one_set.grid import pages
from app.screens.data.one_set.view import View
from cifar_core.data.contents import PartOfSet
from cifar_core.data.review.album import TITLES
from cifar_core.data.review.class_counts import ClassCounts
from cifar_core.data.review.trust import EVEN

MOST_ROWS = 12  # classes in sight; of more, the table scrolls
ROW, SHARE = 35, 120  # pixels: the height of a row, and the width of the shares


def draw(view: View) -> None:
    """Draw the table of classes, and the images of the one that is chosen there."""
    counts = view.counts
    st.markdown(uneven(counts))
    left, right = st.columns([1, 1], gap="large")
    with left:
        chosen = table(view)
    with right:
        if chosen is None:
            st.caption("Click a class in the table to see its images.")
            return
        st.markdown(f"**{theme.safe(counts.classes[chosen])}**")
        numbers = np.flatnonzero(view.album.labels == chosen)
        pages(view, numbers, key=f"images of class {chosen}")


def table(view: View) -> int | None:
    """Draw the classes with their counts; return the number of the chosen one."""
    counts = view.counts
    columns: dict[str, Any] = {"Class": list(counts.classes), "Share": counts.shares.tolist()}
    for part, images in counts.by_part.items():
        columns[TITLES[part]] = images.tolist()
    state: Any = st.dataframe(
        columns,
        key=f"classes of {view.one.source}",
        hide_index=True,
        height="content" if len(counts.classes) <= MOST_ROWS else ROW * (1 + MOST_ROWS),
        on_select="rerun",
        selection_mode="single-cell",
        column_config={
            "Class": st.column_config.TextColumn(width="medium"),
            **{
                TITLES[part]: st.column_config.NumberColumn(format="localized")
                for part in counts.by_part
            },
            "Share": st.column_config.ProgressColumn(
                format="percent", min_value=0.0, max_value=1.0, width=SHARE
            ),
        },
        alt="Number of images of each class",
    )
    cells = state.selection.cells
    return int(cells[0][0]) if cells and cells[0][0] < len(counts.classes) else None


def uneven(counts: ClassCounts) -> str:
    """Say how even the classes are, and what an accuracy is to be compared with."""
    largest, share = theme.safe(counts.classes[counts.largest]), counts.majority_share
    if counts.imbalance <= EVEN:
        return (
            f"The classes are even: a network that always gives the same answer is right for "
            f"{theme.percent(share)} of the images."
        )
    smallest, fewest = theme.safe(counts.classes[counts.smallest]), counts.totals[counts.smallest]
    return (
        f"The largest class, **{largest}**, has {theme.percent(share)} of the images: a network "
        f"that always answers {largest} is right that often. The smallest, **{smallest}**, has "
        f"{theme.plural(int(fewest), 'image')}."
        + missing(counts)
    )  # fmt: skip


def missing(counts: ClassCounts) -> str:
    """Name the parts in which some class has no image."""
    gaps: list[str] = []
    part: PartOfSet
    for part, images in counts.by_part.items():
        if empty := int((images == 0).sum()):
            classes = "1 class has" if empty == 1 else f"{theme.count(empty)} classes have"
            gaps.append(f" {classes} no {TITLES[part].lower()} images.")
    return "".join(gaps)
