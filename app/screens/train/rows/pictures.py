"""Some images as they are, and as the network may see them in an epoch."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.screens.train.form import Form
from app.session import Key, remember, remembered
from app.shared.charts import picture_rows
from cifar_core.data.augmentation.augment import Augment

SHOWN = 8  # images, before and after augmentation
WIDTH = 96  # pixels of the sheet that a smaller image is enlarged to


def augmented(form: Form) -> None:
    """Draw up to SHOWN images, original and as they may appear in one epoch."""
    from cifar_core.data.augmentation import preview

    if form.draft.images is None:
        st.caption("The images are still being read; what they look like is shown afterwards.")
        return
    images = form.draft.images.train
    seed, count = remembered(Key.RESHUFFLE, 0), min(SHOWN, len(images))
    chosen = np.random.default_rng(seed).choice(len(images), count, replace=False)
    before = np.asarray(images.pixels[np.sort(chosen)])
    after = preview.augmented(before, Augment.from_settings(form.values), seed=seed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Top: original. Bottom: as they may appear in one epoch." + size_of(form, before)
        )
        st.space("stretch")
        st.button(
            "Reshuffle", icon=":material/shuffle:", type="tertiary", key="other_images",
            on_click=remember, args=(Key.RESHUFFLE, seed + 1),
        )  # fmt: skip
    st.image(
        picture_rows([before, after], zoom=max(1, WIDTH // before.shape[1])), width="stretch",
        output_format="PNG", alt="Images before and after augmentation",
    )  # fmt: skip


def size_of(form: Form, shown: NDArray[np.uint8]) -> str:
    """Say that images [n, S, S, 3] are shown at another size than the run's, where they are."""
    wanted, side = form.values["image_size"], shown.shape[1]
    if wanted in (0, side):
        return ""
    return f" Shown at {side} pixels a side; those of the run have {wanted}."
