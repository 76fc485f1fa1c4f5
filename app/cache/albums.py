"""Sets of images as they are browsed, cached in memory for all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.cache.results import dataset

if TYPE_CHECKING:
    from cifar_core.data.decoding.details import Details
    from cifar_core.data.review.album import Album
    from cifar_core.data.review.class_counts import ClassCounts


@st.cache_resource(max_entries=8, show_spinner=False)
def album(source: str, root: str, fingerprint: str) -> "Album":
    """Return the images of a source with what is known of their files.

    `fingerprint` is that of the images, so that others get an album of their own.
    """
    from cifar_core.data.review.album import album_of

    known = details(source, root, fingerprint)
    if known is None:
        return album_of(dataset(source, root))
    return album_of(dataset(source, root), sizes=known.sizes, is_gray=known.gray, names=known.names)


@st.cache_resource(max_entries=8, show_spinner=False)
def details(source: str, root: str, fingerprint: str) -> "Details | None":
    """Return what was found in the files of a source; None for sets without files."""
    from cifar_core.data.decoding.details import details_of

    return details_of(Path(root), source, fingerprint)


@st.cache_resource(max_entries=64, show_spinner=False)
def counts(source: str, root: str, fingerprint: str) -> "ClassCounts":
    """Return how many images each class of a source has."""
    from cifar_core.data.review.class_counts import class_counts

    return class_counts(album(source, root, fingerprint))


@st.cache_resource(max_entries=8, show_spinner=False)
def gray(source: str, root: str, fingerprint: str) -> "NDArray[np.bool_]":
    """Return a mask [N] of the gray images of a source."""
    from cifar_core.data.review.album import gray

    return gray(album(source, root, fingerprint))


def forget(source: str, root: str) -> None:
    """Open the images of a source again when they are asked for next."""
    dataset.clear(source, root)
