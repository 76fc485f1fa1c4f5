"""The form that takes a run's zip, or files of another tool, of which a preview is shown first."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import boundary
from app.access.uploads import upload_box
from app.navigation import go
from app.session import Key, remember, remembered, store
from app.shared.run_import.preview import preview
from cifar_core.errors import ArchiveError
from cifar_core.installation import PROGRAM
from cifar_core.people import OPERATOR
from cifar_core.runs.exchange import import_run
from cifar_core.runs.exchange.curves.given import is_own_run
from cifar_core.runs.exchange.curves.look import look_at

HELP = (
    "A zip of a run from another store. Or, for comparison, curves of another tool: TensorBoard's "
    "event files or a zip of them, a CSV, and what Weights & Biases, Trackio and MLflow keep or "
    f"export. For larger files and folders, in a terminal: `{PROGRAM} import FILE`"
)
MOST = 50  # files at once


def import_form() -> None:
    """Draw the form, for visitors who may import."""
    if not store().by.may(OPERATOR):
        return
    with st.form("import", border=False, clear_on_submit=True):
        files = upload_box("run", "Import a run or curves", help=HELP, accept_multiple_files=True)
        submitted = st.form_submit_button("Import", icon=":material/upload:", key="import_now")
    if submitted and files:
        try:
            take(files)
        except boundary.REFUSED as error:
            boundary.show(error)


def take(files: Sequence[Any]) -> None:
    """Import a run from its zip, or show what is in files of another tool."""
    if len(files) > MOST:
        raise ArchiveError(
            f"These are {len(files)} files, but at most {MOST} can be taken at once."
        )
    runs = [file for file in files if is_own_run(file)]
    others = [file for file in files if file not in runs]
    if runs and (others or len(runs) > 1):
        raise ArchiveError(
            f"{runs[0].name} is a whole run of ours. Import such runs one at a time, without other "
            "files."
        )
    if runs:
        run = import_run.import_run(store(), runs[0])
        go("run", id=run.number)
    with st.spinner("Reading the curves", show_time=False):
        remember(Key.LOOKED, look_at([(file.name, file.getbuffer()) for file in others]))
    remember(Key.PREVIEW_DUE, True)
    remember(Key.LOOKS, remembered(Key.LOOKS, 0) + 1)
    st.rerun()  # the page opens the preview, and closes the popover that this form is in


def popover_key() -> str:
    """Return the key of a popover with this form; another one after each look, which closes it."""
    return f"import {remembered(Key.LOOKS, 0)}"


def due_preview() -> None:
    """Open the preview, once, after files were read."""
    if remembered(Key.PREVIEW_DUE):
        remember(Key.PREVIEW_DUE, False)
        preview()
