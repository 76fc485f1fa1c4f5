"""Taking a card away: its address, and its files as a ZIP."""

import io
import zipfile
from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app.screens.predict.maps import Shown
from app.screens.predict.predictions import Prediction
from app.shared.pictures.picks import PARAMETER
from app.shared.pictures.picture import Picture
from cifar_core.disk.tables import as_csv

LIKELIEST = 5  # classes of a picture in the table


def share(picture: Picture, number: int) -> None:
    """Offer the address of a card."""
    row = st.popover("Share", icon=":material/link:", type="tertiary", key=f"share{number}",
                     on_change="rerun")  # fmt: skip
    if row.open:
        with row:
            st.code(address(picture), language=None, wrap_lines=True)
            if not picture.ref:
                st.caption("The address does not contain your picture. Anyone who opens it drops "
                           "the picture there to see the same.")  # fmt: skip


def address(picture: Picture) -> str:
    """Return the address of this page with one picture alone."""
    query = {key: st.query_params[key] for key in st.query_params if key != PARAMETER}
    if picture.ref:
        query[PARAMETER] = picture.ref
    return f"{str(st.context.url or '/predict').partition('?')[0]}?{urlencode(query)}"


def download(
    shown: Shown, file: str, predictions: Sequence[Prediction], key: str, label: str = "Download"
) -> None:
    """Offer maps as a ZIP: pictures, arrays, records that reproduce them, and predictions."""

    def content() -> bytes:
        return zipped(shown, predictions)

    st.download_button(
        label, content, file, "application/zip", key=key, on_click="ignore",
        icon=":material/download:", type="tertiary",
        help="The maps as pictures, as arrays and as records that reproduce them, and a table of "
        "the predictions.",
    )  # fmt: skip


def zipped(shown: Shown, predictions: Sequence[Prediction]) -> bytes:
    """Return a ZIP of the files of maps and a table of the predictions."""
    files = {"predictions.csv": table_of(predictions)}
    for explanation, drawing in shown:
        files |= explanation.files(drawing)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def table_of(predictions: Sequence[Prediction]) -> bytes:
    """Return the likeliest classes of every picture and run as a CSV table."""
    lines = []
    for prediction in predictions:
        raw, picture = dict(prediction.raw), prediction.picture
        for name, share in prediction.ranked[:LIKELIEST]:
            lines.append(
                {
                    "picture": picture.name,
                    "truth": picture.truth,
                    "run": prediction.network.run.id,
                    "class": name,
                    "probability": f"{share:.6f}",
                    "raw probability": f"{raw[name]:.6f}",
                }
            )
    return as_csv(lines).encode()
