"""The place on a page where files are dropped; its browser side sends them to app/upload/route.py.

What is being sent belongs to the browser's tab: a dialog that is closed and opened again shows it.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.session import store
from cifar_core.data.pictures.kinds import ENDINGS
from cifar_core.data.uploads import arriving

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "cifar_lab.upload",
    html="<div class='upload'></div>",
    css=(HERE / "drop.css").read_text("utf-8"),
    js="\n".join((HERE / name).read_text("utf-8") for name in ("transfer.js", "drop.js")),
)


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What has just arrived, complete."""

    set: str  # name of the uploaded set
    label: str  # the class that the pictures were put into, "" if none was named
    files: int


def drop_zone(
    key: str, prompt: str, *, into: str = "", label: str = "", title: str = "", ready: bool = True
) -> Arrived | None:
    """Draw the zone; return what has arrived since the page was last drawn, once.

    `into` is an uploaded set that the pictures of a class `label` are added to; without it a new
    set is made, with the folder's or file's own name as its title unless `title` is given.
    Uploads of this person that are not finished are listed below.
    """
    data = {
        "prompt": prompt, "into": into, "label": label, "title": title, "ready": ready,
        "pictures": list(ENDINGS), "waiting": waiting(), "drawn": time.time(),
    }  # fmt: skip
    now = _mount(
        key=key, data=data, height="content",
        on_arrived_change=lambda: None, on_changed_change=lambda: None,
    ).arrived  # fmt: skip
    return Arrived(set=now["set"], label=now["label"], files=now["files"]) if now else None


def waiting() -> list[dict[str, object]]:
    """Return this person's uploads that are not finished, for the browser."""
    return [
        {
            "id": upload.id, "key": upload.begun.key, "title": upload.begun.title,
            "have": upload.reached.bytes, "bytes": upload.begun.bytes, "files": upload.begun.files,
            "single": upload.begun.single, "into": upload.begun.into, "label": upload.begun.label,
        }
        for upload in arriving.arriving(store().root)
        if upload.begun.owner == store().by.name
    ]  # fmt: skip
