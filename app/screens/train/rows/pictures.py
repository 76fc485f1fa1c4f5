"""Some images as they are, and as the network may see them in an epoch."""

import streamlit as st

from app.cache import image_sizes
from app.screens.train.form import Form
from app.session import Key, remember, remembered, store
from app.shared.charts import picture_rows
from cifar_core.data.augmentation.augment import Augment

SHOWN = 8  # images, before and after augmentation
ZOOM = 3  # times 32 pixels that each takes on the sheet


def augmented(form: Form) -> None:
    """Draw up to SHOWN images at the run's size, and as they may appear in one epoch."""
    from cifar_core.data.augmentation import preview

    draft = form.draft
    if draft.images is None:
        st.caption("The images are still being read; what they look like is shown afterwards.")
        return
    if draft.size is None:
        st.caption("What the images look like is shown once all settings are possible.")
        return
    seed, sizing = remembered(Key.RESHUFFLE, 0), draft.size.sizing
    images = image_sizes.some(
        draft.source, str(store().root), draft.images.fingerprint, seed, SHOWN, sizing
    )
    augment = Augment.from_settings(form.values)
    after = preview.augmented(images.pixels, augment, wider=images.wider, seed=seed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Top: what the network is tested on, {sizing.side} x {sizing.side} pixels, here of "
            "training images. Bottom: as they may appear in one epoch."
        )
        st.space("stretch")
        st.button(
            "Reshuffle", icon=":material/shuffle:", type="tertiary", key="other_images",
            on_click=remember, args=(Key.RESHUFFLE, seed + 1),
        )  # fmt: skip
    st.image(
        picture_rows([images.pixels, after], zoom=ZOOM), width="stretch", output_format="PNG",
        alt="Images before and after augmentation",
    )  # fmt: skip
