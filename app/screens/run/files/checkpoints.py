"""The checkpoints of a run: what has been saved, and which of them are pinned."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import boundary, theme
from app.screens.run.files.model_export import model_export
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record import marks
from cifar_core.runs.record.checkpoints import CheckpointInfo

PIN, PINNED = "Pin", f"{theme.PIN} Pinned"  # labels of each checkpoint's button
WHY = "A pinned checkpoint is never deleted automatically, even when it is no longer the best."
ROW, MOST_ROWS = 36, 12  # pixels per row; rows in view, more of them scroll
WIDTH = 110  # pixels of the pin column


def checkpoints(run: Run, status: RunStatus) -> None:
    """Draw what has been saved, newest first."""
    saved = run.checkpoints()
    if not saved:
        st.caption("A training run saves one at the end of each epoch.")
        return
    st.dataframe(
        frame(run, saved),
        hide_index=True,
        row_height=ROW,
        height=(min(len(saved), MOST_ROWS) + 1) * ROW + 2,
        column_config={"pin": pin_column(run, [info.name for info in saved])},
        alt="Checkpoints, newest first",
    )
    stay = "The run is pinned, so all of them are kept. " if run.is_pinned else ""
    st.caption(f"{stay}Saved in {theme.safe(str(run.path / 'checkpoints'))}")
    model_export(run)


def frame(run: Run, saved: Sequence[CheckpointInfo]) -> pd.DataFrame:
    """Return one row per checkpoint; `pin` holds the label of its button, if there is one."""
    pinned = run.pinned_checkpoints
    yes, no = (PINNED, PIN) if may_pin(run) else ("pinned", "")
    return pd.DataFrame(
        {
            "Checkpoint": [info.name for info in saved],
            "Epoch": [f"{info.epoch:g}" for info in saved],
            "Validation accuracy": [theme.percent(info.val_accuracy, 2) for info in saved],
            "Size": [f"{info.megabytes:.1f} MB" for info in saved],
            "Note": [remark(info) for info in saved],
            "pin": [yes if info.name in pinned else no for info in saved],
        }
    )


def remark(info: CheckpointInfo) -> str:
    """Say what is special about a checkpoint; empty if nothing is."""
    return "best" if info.best else "" if info.resumable else "weights only"


def may_pin(run: Run) -> bool:
    """Whether the visitor may pin the run's checkpoints."""
    return run.by.may(OPERATOR, run.owner)


def pin_column(run: Run, names: Sequence[str]) -> Any:
    """Describe the pin column: buttons for visitors who may pin, words for the others."""
    if not may_pin(run):
        return st.column_config.TextColumn("Keep", help=WHY, width=WIDTH)
    key = f"pin checkpoints {run.id}"
    return st.column_config.ButtonColumn(
        "Keep", help=WHY, type="tertiary", alignment="left", width=WIDTH,
        key=key, on_click=boundary.callback(pin_clicked), args=(key, run, names),
    )  # fmt: skip


def pin_clicked(key: str, run: Run, names: Sequence[str]) -> None:
    """Do what the clicked button said, whatever others have done in the meantime."""
    click = st.session_state[key]
    if click is None or click["row"] >= len(names):
        return
    try:
        marks.pin_checkpoint(run, names[click["row"]], click["label"] == PIN)
    except boundary.REFUSED as error:  # such as that it has been deleted in the meantime
        boundary.toast(error)
