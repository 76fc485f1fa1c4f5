"""What may be uploaded: one limit for each kind of file, shown by its box and kept by the server.

The server knows the session of an upload, not its box. It accepts files up to the largest limit
among the boxes that the session has been shown; opening a file checks the limit of its own kind.
"""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.access import admitted
from cifar_core.data.pictures.limits import MAX_MEGABYTES
from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A kind of file that can be uploaded."""

    key: str
    title: str
    summary: str
    megabytes: int  # of one file, in units of 2**20 bytes, as Streamlit counts them
    endings: tuple[str, ...]  # that the box takes; none: any, so that opening says why it refuses


UPLOADS = Registry(
    "kind of upload",
    [
        Upload(
            key="picture", title="Picture", summary="To be classified and explained.",
            megabytes=MAX_MEGABYTES,
            endings=(),
        ),
        Upload(
            key="run", title="Run", summary="From another store, or curves of another tool.",
            megabytes=200, endings=(),
        ),
    ],
)  # fmt: skip
RUN = UPLOADS["run"]


def upload_box(kind: str, label: str, **options: Any) -> Any:
    """Draw a box for files of a kind, which says how large they may be."""
    upload = UPLOADS[kind]
    if context := get_script_run_ctx():
        admitted.allow(context.session_id, upload.megabytes)
    return st.file_uploader(
        label, type=list(upload.endings) or None, max_upload_size=upload.megabytes, **options
    )
