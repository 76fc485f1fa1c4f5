"""Bringing pictures to explain: uploaded, or picked from the test set."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app import theme
from app.session import Key, dataset, remember, remembered
from cifar_core.data.dataset import Dataset
from cifar_core.data.images import open_image
from cifar_core.errors import CifarError, ImageError
from cifar_core.explain.render import enlarge
from cifar_core.runs import Run

KINDS = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
MOST = 12  # pictures explained at once
OFFERED = 8  # test images shown to choose from


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Something to explain."""

    name: str
    image: Image.Image
    truth: str = ""  # the class it is known to show
    mask: NDArray[np.bool_] | None = None  # [32, 32], where the object is, if that is known

    @property
    def digest(self) -> str:
        """Return what tells this picture from others."""
        return sha256(self.image.tobytes() + bytes(str(self.image.size), "ascii")).hexdigest()


def choose_pictures(run: Run) -> list[Picture]:
    """Let the person bring pictures or pick one of the test set."""
    source = st.segmented_control(
        "Picture", ["Upload", "Test image"], default="Upload", required=True, key="source",
        persist_state="session",
    )  # fmt: skip
    return uploaded() if source == "Upload" else picked(run)


def uploaded() -> list[Picture]:
    """Draw the upload box; what cannot be opened is said in a sentence."""
    files = st.file_uploader(
        "Pictures", type=KINDS, accept_multiple_files=True, key="upload",
        label_visibility="collapsed", max_upload_size=20,
    )  # fmt: skip
    pictures = []
    for file in files[:MOST]:
        try:
            pictures.append(Picture(name=file.name, image=open_image(file.getvalue(), file.name)))
        except ImageError as error:
            st.error(theme.safe(str(error)), icon=":material/broken_image:")
    if len(files) > MOST:
        st.caption(f"The first {MOST} of {len(files)} pictures are shown.")
    return pictures


def picked(run: Run) -> list[Picture]:
    """Draw some test images of a class, one of which can be chosen."""
    try:
        images = dataset(run.environment["data"]["source"], str(run.store_root))
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return []
    name = st.selectbox("Class", images.classes, key="class", persist_state="session")
    seed = remembered(Key.OFFER, 0)
    places = np.flatnonzero(images.test.labels == images.classes.index(name))
    offered = np.random.default_rng(seed).permutation(places)[:OFFERED]
    with st.grid(4, min_column_width=56, gap="xsmall"):
        for place in offered:
            with st.container(gap=None, horizontal_alignment="center"):
                st.image(enlarge(test_image(images, int(place)), 96), width="stretch",
                         output_format="PNG", alt=f"Test image {place}")  # fmt: skip
                st.button(
                    f"{place}", type="tertiary", key=f"pick {place}", on_click=remember,
                    args=(Key.PICKED, int(place)), width="stretch",
                )  # fmt: skip
    st.button(
        "Others", icon=":material/shuffle:", type="tertiary", key="others", on_click=remember,
        args=(Key.OFFER, seed + 1),
    )  # fmt: skip
    place = remembered(Key.PICKED)
    if place is None or place >= len(images.test):
        place = int(offered[0])
    truth = images.classes[images.test.labels[place]]
    mask = None if images.test_masks is None else images.test_masks[place]
    image = test_image(images, place)
    return [Picture(name=f"Test image {place}", image=image, truth=truth, mask=mask)]


def test_image(images: Dataset, place: int) -> Image.Image:
    """Return one of the test images as a picture."""
    return Image.fromarray(np.asarray(images.test.pixels[place]))
