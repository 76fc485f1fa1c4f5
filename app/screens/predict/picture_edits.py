"""Editing a picture before it is classified: the region that the network sees, and a cover."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app.shared.pictures.picture import Picture
from cifar_core.data.pictures.edits import inside, square

START = {
    "region_size": 100, "region_across": 50, "region_down": 50,
    "cover_size": 30, "cover_across": 50, "cover_down": 50,
}  # fmt: skip
PARTS = {"size": 5, "across": 0, "down": 0}  # in percent, each with the least
COVERS = {"None": "", "Gray": "grey", "Blurred": "blur"}


def edited(picture: Picture) -> Picture:
    """Return the picture with the edits that its controls, drawn later, are set to."""

    def parts(what: str) -> list[int]:
        names = [f"{what}_{name}" for name in PARTS]
        return [st.session_state.get(f"{name} {picture.key}", START[name]) for name in names]

    region, untouched = parts("region"), [START[f"region_{name}"] for name in PARTS]
    if region != untouched:
        picture = replace(picture, box=square(picture.image.size, *(n / 100 for n in region)))
    if not (how := COVERS[st.session_state.get(f"cover {picture.key}", "None")]):
        return picture
    left, top, right, bottom = picture.region
    hidden = square((right - left, bottom - top), *(n / 100 for n in parts("cover")))
    return replace(picture, cover=(inside(picture.region, hidden), how))


def edit_controls(picture: Picture) -> None:
    """Draw the controls that `edited` reads, in a popover."""
    with st.popover("Crop or cover", icon=":material/crop:", type="tertiary"):
        st.markdown("**What the network sees**")
        sliders(picture, "region")
        how = st.segmented_control(
            "Cover a part", list(COVERS), default="None", required=True,
            key=f"cover {picture.key}",
            help="Hides a part of the picture, to see how the prediction changes.",
        )  # fmt: skip
        if how != "None":
            sliders(picture, "cover")


def sliders(picture: Picture, what: str) -> None:
    """Draw the size and the position of a square."""
    draw: Callable[..., int] = st.slider
    for name, low in PARTS.items():
        full = f"{what}_{name}"
        draw(name.capitalize(), low, 100, START[full], format="%d %%", key=f"{full} {picture.key}")
