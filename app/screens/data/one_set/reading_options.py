"""The dialog in which a person confirms or changes how a set of images is read."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from msgspec.structs import replace

from app import boundary, theme
from app.cache import albums
from app.session import store
from cifar_core.data import DataStatus
from cifar_core.data.contents import Columns
from cifar_core.data.find import drawn_as, source_of
from cifar_core.data.layout.refusals import NoClassesError
from cifar_core.data.options import SetOptions, options_of
from cifar_core.runs.store import image_sets

FOUND = "As found"  # a column that the program chooses
COLUMNS = {  # option -> what it says of a picture
    "file_column": ("file", "Picture's file"),
    "label_column": ("label", "Class"),
    "part_column": ("part", "Part"),
    "group_column": ("group", "Group (kept in one part)"),
}


@boundary.dialog("How these images are read")
def reading_options(one: DataStatus) -> None:
    """Show what was decided or found, and take other decisions."""
    form(one)


def form(one: DataStatus) -> None:
    """Draw the decisions, and keep them when they are sent."""
    root = store().root
    had = options_of(root, one.source)
    st.caption(
        "Another decision reads the set again. Runs that are finished keep their results, which "
        "refer to the images as they were; a run that stopped cannot be resumed on other images."
    )
    with st.form("reading", border=False):
        changed = replace(had, **named(one, had), **drawn(one, root, had), unreadable=share(
            "Unreadable pictures that may be left out", had.unreadable, key="unreadable",
            help="Percent of all pictures. With more than these the set is refused.",
        ))  # fmt: skip
        sent = st.form_submit_button("Read them like this", type="primary")
    if sent:
        boundary.attempt(lambda: decide(one, changed))


def decide(one: DataStatus, options: SetOptions) -> None:
    """Keep the decisions, so that the set is read again."""
    image_sets.decide(store(), one.source, options)
    albums.forget(one.source, str(store().root))


def named(one: DataStatus, had: SetOptions) -> dict[str, object]:
    """Take where the classes come from: columns of a table, or a pattern of the file names."""
    columns, proposed = labels_of(one.source, store().root)
    if columns is None:
        pattern = st.text_input(
            "Pattern of the file names", had.pattern or proposed, key="pattern",
            placeholder="{class}_{number}",
            help="Where the names of the files, and no folders, say the class.",
        )  # fmt: skip
        return {"pattern": (pattern or "").strip()}
    st.markdown(columns_words(dataclasses.asdict(columns)))
    chosen = {option: column(option, columns, getattr(had, option)) for option in COLUMNS}
    return {**chosen, "confirmed": True}


def columns_words(columns: Mapping[str, Any]) -> str:
    """Say which columns of a table were taken, by what they say of a picture."""
    says = {"file": "file", "label": "class", "part": "part", "group": "group"}
    taken = [f"{word} = {theme.safe(columns[key])}" for key, word in says.items() if columns[key]]
    return f"Labels come from **{theme.safe(columns['table'])}**: {', '.join(taken)}."


def column(option: str, columns: Columns, chosen: str) -> str:
    """Take a column of a table; "" for the one that is found."""
    offered = ["", *columns.names]
    name = st.selectbox(
        COLUMNS[option][1], offered, index=offered.index(chosen) if chosen in offered else 0,
        format_func=lambda name: name or found_as(columns, option), key=option,
    )  # fmt: skip
    return str(name)


def found_as(columns: Columns, option: str) -> str:
    """Name the column that the program finds by itself."""
    name = getattr(columns, COLUMNS[option][0])
    return f"{FOUND}: {name}" if name else f"{FOUND}: none"


def labels_of(name: str, root: Path) -> tuple[Columns | None, str]:
    """Return the columns of a set's table of labels, and a pattern for the names of its files.

    The pattern is proposed only where nothing else says the classes; "" if none fits.
    """
    try:
        source = source_of(name, root)
        return source.open(source.path, source.options, root).columns, ""
    except NoClassesError as error:
        return None, error.pattern
    except boundary.REFUSED:
        return None, ""


def drawn(one: DataStatus, root: Path, had: SetOptions) -> dict[str, object]:
    """Take how the test images are drawn, where the set has none of its own."""
    if not drawn_as(one.source, root):
        return {}
    seed = st.number_input(
        "Seed of the test images", 0, 10**9, had.split_seed, key="split_seed",
        help="Another seed draws other test images.",
    )  # fmt: skip
    return {
        "test_share": share(
            "Test images", had.test_share, key="test_share",
            help="Percent of the images of each class that are set aside for the test.",
        ),
        "split_seed": int(seed),
        "keep_together": st.toggle(
            "Nearly identical images stay in one part", had.keep_together, key="keep_together"
        ),
    }  # fmt: skip


def share(label: str, had: float, *, key: str, help: str) -> float:
    """Take a share in [0, 1] as a percentage."""
    percent = st.number_input(
        f"{label} (%)", 0.0, 99.0, round(100 * had, 4), step=1.0, format="%g", key=key, help=help
    )
    return had if percent == round(100 * had, 4) else float(percent) / 100
