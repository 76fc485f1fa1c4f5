"""The Files tab: what was taken as what, what was left out and why, and where it all lies."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app import theme
from app.screens.data.one_set.view import View
from app.session import store
from cifar_core.data import DataStatus
from cifar_core.data.decoding.lists import lists_of
from cifar_core.data.hub.names import is_hub_name

MOST_LISTED = 1000  # files of a list that are shown; the file has them all
VALIDATION = (
    "Each run keeps part of the training images of every class back, to choose its best epoch."
)
OWN_VALIDATION = "The set has validation images of its own; each run uses them to choose its epoch."
MISSING = {"unreadable": "Pictures that cannot be read", "ignored": "Other files"}


def draw(view: View) -> None:
    """Draw what is known of the files of a set."""
    about(view.one, view=view)
    left_out(view.one)
    places(view)


def about(one: DataStatus, *, view: View | None = None) -> None:
    """Say where the images come from, what was taken as what, and how they are divided."""
    details = view.details if view else None
    said = list(details.found.said) if details else []
    origin = (details.origin if details else "") or one.origin
    # how a folder is divided is known once it is read; sets of earlier versions had train and test
    is_known = view is not None or not (one.kind == "folder" or is_hub_name(one.source))
    lines = [*said, one.note, origin, *([one.split] if is_known and not said else [])]
    if is_known:
        own = view is not None and view.images.train.kept_back is not None
        lines.append(OWN_VALIDATION if own else VALIDATION)
    if any(lines):
        st.subheader("What was taken as what" if said else "About these images", anchor=False)
        st.markdown("\n\n".join(theme.safe(words) for words in lines if words))


def left_out(one: DataStatus) -> None:
    """List the files that were left out, with the reasons."""
    lists = lists_of(store().root, one.source)
    for key, title in MISSING.items():
        path: Path | None = getattr(lists, key)
        if path is None:
            continue
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, nrows=MOST_LISTED + 1)
        st.subheader(title, anchor=False)
        shown = rows[:MOST_LISTED].set_axis(["File", "Reason"], axis="columns")
        st.dataframe(
            shown, hide_index=True, height=min(320, 35 * (1 + len(shown)) + 3), alt=title,
            key=f"{key} of {one.source}",
        )  # fmt: skip
        if len(rows) > MOST_LISTED:
            st.caption(f"The first {theme.count(MOST_LISTED)}; the file has all of them.")
        st.download_button(
            "CSV", path.read_bytes, f"{one.title} {key}.csv", "text/csv", key=f"{key} csv",
            icon=":material/download:", type="tertiary",
        )  # fmt: skip


def places(view: View) -> None:
    """Say where the images lie, how large they are, and how they are recognized."""
    one, images = view.one, view.images
    side = images.train.pixels.shape[1]
    megabytes = (images.train.pixels.nbytes + images.test.pixels.nbytes) / 1e6
    facts = {
        "Place": one.where,
        "Decoded": f"{side} x {side} pixels, {megabytes:,.1f}\u00a0MB",
        "On the disk, at all sizes": f"{one.megabytes:,.1f}\u00a0MB",
    }
    st.subheader("Where they are", anchor=False)
    st.table(
        {"": list(facts), "Value": [theme.safe(value) for value in facts.values()]},
        border="horizontal", hide_index=True, hide_header=True, alt="Where the images are",
    )  # fmt: skip
    st.caption(f"Fingerprint: `{images.fingerprint}`. Each run records it, and resumes only on "
               "images that have it.")  # fmt: skip
