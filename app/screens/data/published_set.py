"""The page of a published set that is not on this machine: what it holds, and how to get it."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.screens.data.download import download
from cifar_core.data.published.downloads.with_torchvision import obstacle
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.published.published_set import PublishedSet

MOST_NAMES = 20  # classes named in a sentence
LARGE = 1_000  # megabytes from which the place on the disk is mentioned


def published_set(key: str) -> None:
    """Draw the page."""
    spec = PUBLISHED[key]
    st.header(theme.safe(spec.title), anchor=False)
    st.markdown(theme.safe(spec.summary))
    st.markdown(" \u00b7 ".join(facts(spec)))
    if why := obstacle(spec):
        st.markdown(theme.safe(why))
    else:
        download(key)
    if not spec.by_hand and (spec.megabytes or 0) >= LARGE:
        st.caption("While it is unpacked, the disk needs about twice that.")
    about(spec)


def facts(spec: PublishedSet) -> list[str]:
    """Say how many classes and images there are, and how much there is to download."""
    size = f"{spec.size} to download" if spec.size else "to be got by hand" if spec.by_hand else ""
    return [
        f"{theme.count(spec.classes)} classes",
        theme.plural(spec.images, "image"),
        *([size] if size else []),
    ]


def about(spec: PublishedSet) -> None:
    """Say how the images are divided, what their classes are, and who made them."""
    st.subheader("About these images", anchor=False)
    lines = [parts(spec), spec.split, classes_named(spec.names), spec.origin]
    st.markdown("\n\n".join(theme.safe(words) for words in lines if words))
    links = [f"[The authors' page]({spec.source})"]
    if spec.paper and spec.paper != spec.source:
        links.append(f"[Paper]({spec.paper})")
    st.markdown(" \u00b7 ".join(links))


def parts(spec: PublishedSet) -> str:
    """Say how many images are in each part."""
    counts = (
        ("to train on", spec.train),
        ("for validation", spec.val),
        ("to test with", spec.test),
    )
    named = [f"{theme.count(number)} {what}" for what, number in counts if number]
    if len(named) == 1:
        return "Some images of each class are set aside as test images when the set is read."
    return f"Images: {', '.join(named)}."


def classes_named(names: Sequence[str]) -> str:
    """Name the classes in a sentence, of many only the first; empty if none is known."""
    if not names:
        return ""
    more = len(names) - MOST_NAMES
    and_more = f" and {theme.count(more)} more" if more > 0 else ""
    return f"Classes: {', '.join(names[:MOST_NAMES])}{and_more}."
