"""Some images as they are, and as the network may see them in an epoch."""

import numpy as np
import streamlit as st

from app.screens.train.form import Form
from app.session import Key, remember, remembered
from app.shared.charts import picture_rows
from cifar_core.data.augmentation.augment import Augment

SHOWN = 8  # images, before and after augmentation


def augmented(form: Form) -> None:
    """Draw up to SHOWN images, original and as they may appear in one epoch."""
    images = form.draft.images
    if images is None:
        st.caption("The images are still being read; what they look like is shown afterwards.")
        return
    augment = Augment.from_settings(form.values)
    seed, count = remembered(Key.RESHUFFLE, 0), min(SHOWN, len(images.train))
    chosen = np.random.default_rng(seed).choice(len(images.train), count, replace=False)
    before = np.asarray(images.train.pixels[np.sort(chosen)])
    after = augment.apply(before, seed=seed, epoch=0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Top: original. Bottom: as they may appear in one epoch.")
        st.space("stretch")
        st.button(
            "Reshuffle", icon=":material/shuffle:", type="tertiary", key="other_images",
            on_click=remember, args=(Key.RESHUFFLE, seed + 1),
        )  # fmt: skip
    st.image(
        picture_rows([before, after], zoom=3), width="stretch", output_format="PNG",
        alt="Images before and after augmentation",
    )  # fmt: skip
