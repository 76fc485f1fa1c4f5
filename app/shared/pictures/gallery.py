"""Many small pictures in one clickable grid.

They are sent as one sheet, because dozens of Streamlit images are dozens of files to encode, keep
and fetch.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app.shared.pictures.thumbnails import thumbnails

HERE = Path(__file__).parent
COLUMNS = 8  # of the sheet; on the page, as many as fit

_mount = st.components.v2.component(
    "cifar_lab.gallery",
    html="<div class='gallery'></div>",
    css=(HERE / "gallery.css").read_text("utf-8"),
    js=(HERE / "gallery.js").read_text("utf-8"),
)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """The text of one picture in a gallery; an empty line is left out."""

    key: str  # returned when the picture is clicked
    truth: str  # the true class
    prediction: str  # the predicted class, with its confidence or its run
    right: bool
    title: str  # for hovering and for screen readers
    chosen: bool = False  # drawn with a frame


def gallery(
    pixels: NDArray[np.uint8],
    tiles: Sequence[Tile],
    *,
    key: str,
    width: int = 96,
    wrap: bool = False,
    on_click: Callable[[str], object] | None = None,
) -> str | None:
    """Draw pictures [N, side, side, 3]; return the key of the one that was clicked just now.

    Each is `width` pixels wide on the page. `wrap` continues a long text in the next line, where
    it is cut otherwise. `on_click` gets the key before the page is drawn.
    """

    def clicked() -> None:
        if on_click and (opened := st.session_state[key].opened):
            on_click(opened)

    small = thumbnails(pixels, width)
    side = small.shape[1]
    data = {
        "sheet": data_url(sheet(small)), "side": side, "columns": COLUMNS, "zoom": width / side,
        "wrap": wrap,
        "tiles": [vars(tile) for tile in tiles],
    }  # fmt: skip
    return _mount(key=key, data=data, height="content", on_opened_change=clicked).opened


def sheet(pixels: NDArray[np.uint8], columns: int = COLUMNS) -> Image.Image:
    """Lay out pictures [N, side, side, 3] in rows without gaps."""
    count, side = pixels.shape[:2]
    rows = -(-count // columns)
    full = np.zeros((rows * columns, side, side, 3), np.uint8)
    full[:count] = pixels
    grid = full.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return Image.fromarray(grid.reshape(rows * side, columns * side, 3))


def data_url(picture: Image.Image) -> str:
    """Return a picture as a data: URL."""
    file = BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + b64encode(file.getvalue()).decode()
