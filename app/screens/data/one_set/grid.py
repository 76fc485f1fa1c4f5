"""A grid of images with their names; a click shows one larger, with what is known of it."""

from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from app import boundary, theme
from app.screens.data.one_set.view import View
from app.shared.pictures.gallery import Tile, gallery
from cifar_core.data import roots
from cifar_core.data.dataset import SIZE
from cifar_core.data.pictures.images import open_image
from cifar_core.data.review.album import TITLES, Indices
from cifar_core.disk.files import is_there

PAGE = 24  # images of a page
ZOOM = 2.5  # times as large as images of 32 pixels
LARGE = 320  # pixels of an enlarged image
LONGEST_FILE = 200_000_000  # bytes of a picture that is opened to be shown as it is


def pages(view: View, indices: Indices, *, key: str) -> None:
    """Draw images [M] a page at a time; another `key` begins with its first page."""
    if not len(indices):
        st.caption("No image matches.")
        return
    place = st.container()
    page = 1
    if len(indices) > PAGE:
        with st.container(horizontal=True, vertical_alignment="center"):
            page = st.pagination(-(-len(indices) // PAGE), key=f"page of {key}")
            st.caption(theme.plural(len(indices), "image"), width="content")
    with place:
        grid(view, indices[(page - 1) * PAGE : page * PAGE], key=key, zoom=ZOOM)


def grid(
    view: View,
    indices: Indices,
    *,
    key: str,
    zoom: float,
    by_class: bool = False,
    in_full: bool = False,
) -> None:
    """Draw images [M] with their names; `by_class` writes the class under each one instead.

    `in_full` writes class, part and the whole name, in as many lines as that takes.
    """
    tiles = [tile(view, index, by_class=by_class, in_full=in_full) for index in indices.tolist()]
    pixels = view.album.pixels(indices)
    clicked = gallery(pixels, tiles, key=key, width=round(SIZE * zoom), wrap=in_full)
    if clicked and clicked.isdecimal() and int(clicked) < len(view.album):
        larger(view, int(clicked))


def tile(view: View, index: int, *, by_class: bool, in_full: bool) -> Tile:
    """Return the words of an image."""
    album = view.album
    name = album.name(index)
    words = album.label(index) if by_class else name.rpartition("/")[2]
    if in_full:
        words = f"{album.label(index)}, {TITLES[album.part(index)].lower()}: {words}"
    title = f"{name}: {album.label(index)}, {TITLES[album.part(index)].lower()}{size(view, index)}"
    return Tile(key=str(index), truth=words, prediction="", right=True, title=title)


def size(view: View, index: int) -> str:
    """Write the size of a picture before it was scaled, after a comma; empty if unknown."""
    if view.album.sizes is None:
        return ""
    width, height = view.album.sizes[index].tolist()
    return f", {width:,} x {height:,} pixels"


def larger(view: View, index: int) -> None:
    """Open a dialog with one image."""
    title = theme.safe(theme.short(view.album.name(index).rpartition("/")[2], 60))
    boundary.dialog(title, width="medium")(enlarged)(view, index)


def enlarged(view: View, index: int) -> None:
    """Draw an image as a network sees it, beside its own file if that can be opened."""
    album = view.album
    seen = Image.fromarray(album.pixels(np.array([index]))[0])
    seen = seen.resize((LARGE, LARGE), Image.Resampling.NEAREST)
    name, label = album.name(index), album.label(index)
    file = original(view, index)
    with st.container(horizontal=True):
        if file is not None:
            st.image(file, caption="The picture", width=width_of(file), alt=f"{name}, as it is")
        st.image(seen, caption="What a network sees", width=LARGE, alt=f"{name}, {label}")
    facts = {
        "File" if album.names else "Image": name,
        "Class": label,
        "Part": TITLES[album.part(index)],
    }
    if album.sizes is not None:
        facts["Original size"] = size(view, index).removeprefix(", ")
    if album.is_gray is not None and album.is_gray[index]:
        facts["Color"] = "gray, shown to networks as three equal channels"
    st.table(
        {"": list(facts), "Value": [theme.safe(value) for value in facts.values()]},
        border="horizontal", hide_index=True, hide_header=True, alt="What is known of the image",
    )  # fmt: skip


def width_of(picture: Image.Image) -> int:
    """Return the width in pixels at which a picture is at most LARGE high and wide."""
    return max(1, round(picture.width * LARGE / max(picture.size)))


def original(view: View, index: int) -> Image.Image | None:
    """Open the file of an image; None if it is in an archive, is gone or cannot be opened."""
    source = Path(view.one.source)
    if not (view.album.names and source.is_absolute() and is_there(source) and source.is_dir()):
        return None
    path = source / view.album.names[index]
    try:
        roots.refuse_way_out(path)
        if not path.resolve().is_relative_to(source.resolve()) or not path.is_file():
            return None
        if path.stat().st_size > LONGEST_FILE:
            return None
        picture = open_image(path.read_bytes(), path.name)
    except (*boundary.REFUSED, ValueError):
        return None
    picture.thumbnail((2 * LARGE, 2 * LARGE))
    return picture
