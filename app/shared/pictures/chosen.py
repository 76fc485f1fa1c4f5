"""Choosing pictures to explain: dropped, taken with a camera, or picked from small ones."""

import streamlit as st

from app import boundary, theme
from app.access.uploads import upload_box
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.pictures import samples, test_images
from app.shared.pictures.named import called, shown_to
from app.shared.pictures.picks import follow_address, forget, keep_address, picked
from app.shared.pictures.picture import MOST, Picture
from cifar_core.data.away import is_away
from cifar_core.data.pictures.images import open_image
from cifar_core.errors import ImageError


def choose_pictures(network: Network) -> list[Picture]:
    """Let the person drop or take pictures, or pick small ones; return what was chosen last."""
    follow_address()
    own = [shown_to(network, picture) for picture in (*dropped(), *photographed())]
    if not is_away(network.run.source):
        test_images.offer(network)
    elif samples.suit(network):
        samples.offer()
    if names := picked():
        if own:
            st.button(
                f"Back to {theme.plural(len(own), 'picture')} of yours",
                icon=":material/undo:", type="tertiary", key="own",
            on_click=boundary.callback(forget),
            )  # fmt: skip
        own = [picture for name in names if (picture := called(network, name))]
    keep_address()
    return own


def dropped() -> list[Picture]:
    """Draw the box to drop pictures in; a file that cannot be opened gets an error."""
    files = upload_box(
        "picture", "Pictures", accept_multiple_files=True, key="upload",
        on_change=boundary.callback(forget),
        label_visibility="collapsed",
    )  # fmt: skip
    pictures = [opened(file.getvalue(), file.name) for file in files[:MOST]]
    if len(files) > MOST:
        st.caption(f"Only the first {MOST} of {len(files)} pictures are used.")
    return [picture for picture in pictures if picture is not None]


def photographed() -> list[Picture]:
    """Offer the camera of the person's device, and take a picture with it."""
    on = remembered(Key.CAMERA, False)
    label = "Put the camera away" if on else "Use the camera"
    st.button(label, icon=":material/photo_camera:", type="tertiary", key="use camera",
              on_click=remember, args=(Key.CAMERA, not on))  # fmt: skip
    if not on:
        return []
    file = st.camera_input(
        "Camera", key="camera", label_visibility="collapsed", on_change=boundary.callback(forget)
    )
    picture = opened(file.getvalue(), "Camera") if file else None
    return [picture] if picture else []


def opened(data: bytes, name: str) -> Picture | None:
    """Open a file's content as a picture, or show why it cannot be opened."""
    try:
        return Picture(name=name, image=open_image(data, name))
    except ImageError as error:
        st.error(theme.safe(str(error)), icon=":material/broken_image:")
        return None
