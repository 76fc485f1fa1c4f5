"""Choosing pictures to explain: uploaded, taken with a camera, or picked from the test set."""

import streamlit as st

from app import theme
from app.access.uploads import upload_box
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.pictures.picture import MOST, Picture
from app.shared.pictures.samples import choose_sample, is_sample, suit
from app.shared.pictures.test_images import linked, picked
from cifar_core.data.find import is_away
from cifar_core.data.images import open_image
from cifar_core.errors import ImageError

LINKED = "Linked"


def choose_pictures(network: Network) -> list[Picture]:
    """Let the person upload or take pictures, or pick some from the test set."""
    sources = ["Upload", "Camera"]
    if not is_away(network.run.source):
        sources.append("Test set")
    image = st.query_params.get("image", "")
    drawn = is_sample(image)
    if image and not drawn:
        sources = [LINKED, *sources]
    if image and remembered(Key.LINKED) != image:  # the link was followed just now
        remember(Key.LINKED, image)
        st.session_state["source"] = "Upload" if drawn else LINKED
    if st.session_state.get("source", sources[0]) not in sources:
        del st.session_state["source"]  # of another network, whose images are here
    source = st.segmented_control(
        "Picture", sources, default=None if "source" in st.session_state else "Upload",
        required=True, key="source", persist_state="session", width="stretch",
    )  # fmt: skip
    if source == LINKED:
        return linked(network, image)
    if source == "Test set":
        return picked(network)
    if source == "Camera":
        return photographed()
    return uploaded() or (choose_sample(image) if drawn or suit(network) else [])


def uploaded() -> list[Picture]:
    """Draw the upload box; a file that cannot be opened gets an error."""
    files = upload_box(
        "picture", "Pictures", accept_multiple_files=True, key="upload",
        label_visibility="collapsed",
    )  # fmt: skip
    pictures = [opened(file.getvalue(), file.name) for file in files[:MOST]]
    if len(files) > MOST:
        st.caption(f"Only the first {MOST} of {len(files)} pictures are used.")
    return [picture for picture in pictures if picture is not None]


def photographed() -> list[Picture]:
    """Take a picture with the camera of the person's device."""
    file = st.camera_input("Camera", key="camera", label_visibility="collapsed")
    picture = opened(file.getvalue(), "Camera") if file else None
    return [picture] if picture else []


def opened(data: bytes, name: str) -> Picture | None:
    """Open a file's content as a picture, or show why it cannot be opened."""
    try:
        return Picture(name=name, image=open_image(data, name))
    except ImageError as error:
        st.error(theme.safe(str(error)), icon=":material/broken_image:")
        return None
