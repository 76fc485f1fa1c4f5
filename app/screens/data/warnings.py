"""What is wrong with a data set in a few words, for its card: only what is known already."""

from pathlib import Path

import streamlit as st

from app.screens.data.one_set.duplicates import meaning
from app.session import store
from cifar_core.data import DataStatus, find
from cifar_core.data.review import duplicates
from cifar_core.data.review.album import album_of
from cifar_core.data.review.trust import left_words, twice
from cifar_core.disk import files
from cifar_core.errors import CifarError


def is_refused(one: DataStatus) -> bool:
    """Whether a set could not be read when it was opened last, and has not changed since."""
    if one.decoded or not one.ready or one.kind != "folder":
        return False
    try:
        return bool(find.refusal_of(one.source, store().root))
    except (CifarError, OSError):
        return False


def warning(one: DataStatus) -> str:
    """Return the worst that is known of a set, as its page says it; empty if nothing is wrong."""
    root = store().root
    stamp = files.stamp(duplicates.path_of(one.fingerprint, root)) if one.fingerprint else 0
    known = repeated(one.source, str(root), one.fingerprint, stamp) if stamp else ""
    return known or "".join(left_words(one.left_out))


@st.cache_data(max_entries=256, show_spinner=False)
def repeated(source: str, root: str, fingerprint: str, stamp: int) -> str:
    """Say which images of a set are in it twice; `stamp` identifies the file that says it."""
    kept = duplicates.kept(fingerprint, Path(root))
    try:
        images = find.kept(source, Path(root)) if kept else None
    except (CifarError, OSError):
        return ""
    if kept is None or images is None or images.fingerprint != fingerprint:
        return ""
    found = meaning(kept, album_of(images))
    return next(iter(twice(found.leaked, found.nearly, found.conflicting)), "")
