"""The card of the images: what they are, a few of them, and how to choose others."""

import numpy as np
import streamlit as st

from app import theme
from app.navigation import link
from app.screens.train.form import Form
from app.screens.train.proposed import await_images, taken
from app.shared.charts import picture_rows
from app.shared.picker import choose_dataset
from app.shared.pictures.reading import watch_reading
from app.shared.widgets import say_problem
from cifar_core.data import DataStatus
from cifar_core.data.dataset import Dataset, counts
from cifar_core.runs.prepare.image_size import space_of
from cifar_core.statistics.class_shares import are_uneven, majority_share

PICTURES = 6
KEY = "images"  # of the choice
MEANWHILE = "You can go on meanwhile, and start: the run waits for its images."


def images_card(form: Form) -> None:
    """Draw the card. Images that are not open yet are shown as soon as they are."""
    with st.container(border=True, key="card-images", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xsmall", width="stretch"):
                st.subheader("1 Images", anchor=False)
                about(form)
            if form.draft.images is not None:
                thumbnails(form.draft.images)
            with st.container(gap="xsmall", width="content"):
                if st.button("Change", key="change_images"):
                    choose_dataset(KEY, chosen=form.draft.source)
                with st.popover("Name a folder or file", type="tertiary"):
                    form.inputs([f for f in form.card_fields if f.name == "data"])
        if why := form.draft.problems.get("data"):
            say_problem(why)


def choose(prefix: str, source: str) -> None:
    """Put chosen images into the form."""
    st.session_state[f"{prefix}.data"] = source
    await_images(source)


def about(form: Form) -> None:
    """Say which images they are, how many, and of what."""
    images, status = form.draft.images, status_of(form)
    title = images.title if images else status.title if status else str(form.values["data"])
    st.markdown(f"**{theme.safe(title)}**")
    if images is not None:
        st.caption(theme.safe(counted(images)))
        if words := size_words(form) or images.note:
            st.caption(theme.safe(words))
        if form.draft.size and form.draft.size.loss:
            st.caption(f":material/warning: {theme.safe(form.draft.size.loss)}")
        if uneven := largest(images):
            st.caption(theme.safe(uneven))
        if images.kind == "synthetic":
            link("data", "Get the real images", ":material/download:")
    elif form.draft.reading:
        watch_reading(form.draft.source, MEANWHILE)
    found = taken(form.draft)
    if found and found.why_not:
        st.caption(f":material/warning: {theme.safe(found.why_not)}")


def counted(images: Dataset) -> str:
    """Write how many images there are, and of which classes."""
    names = ", ".join(theme.short(name, 20) for name in images.classes[:3])
    more = ", \u2026" if len(images.classes) > 3 else ""
    return (
        f"{theme.plural(len(images.train), 'image')} to train on, {len(images.classes)} classes "
        f"({names}{more}), {theme.count(len(images.test))} to test"
    )


def size_words(form: Form) -> str:
    """Say at what size the network gets the images, and why; nothing if that is obvious.

    The note of images that are larger speaks of the size at which pages show them.
    """
    size = form.draft.size
    if size is None or size.is_plain or not size.reason:
        return ""
    room = f" They will take {space_of(size.bytes_needed)} on the disk."
    return f"The network gets images of {size.reason}{room if size.bytes_needed else ''}"


def largest(images: Dataset) -> str:
    """Say which class most images are of, if the classes are uneven; else nothing."""
    sizes = counts(images.train.labels, images.classes)
    if not are_uneven(sizes):
        return ""
    name = theme.short(images.classes[sizes.index(max(sizes))], 20)
    return f"Uneven: {theme.percent(majority_share(sizes), 0)} are of the class {name}."


def status_of(form: Form) -> DataStatus | None:
    """Return what the list of images says about the chosen ones."""
    return next((one for one in form.sources if one.source == form.draft.source), None)


def thumbnails(images: Dataset) -> None:
    """Draw one image of each of the first classes."""
    labels = images.train.labels
    firsts = [int(np.argmax(labels == label)) for label in range(len(images.classes))][:PICTURES]
    pictures = np.asarray(images.train.pixels[firsts])
    st.image(picture_rows([pictures], zoom=2, gap=2), width=PICTURES * 44, output_format="PNG",
             alt="Some of the images")  # fmt: skip
