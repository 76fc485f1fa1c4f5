"""The checkpoints of a run: what has been saved, and which of them are pinned."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.pages.run.model_export import model_export
from cifar_core.errors import CifarError
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record import marks
from cifar_core.runs.record.checkpoints import CheckpointInfo

PIN, PINNED = "Pin", f"{theme.PIN} Pinned"  # what the button of each checkpoint says
WHY = "A pinned checkpoint is never deleted by itself, even when it is no longer the best."
ROW, MOST_ROWS = 36, 12  # pixels a row; rows in sight, more of them scroll
WIDTH = 110  # pixels of the column of pins


def checkpoints(run: Run, status: RunStatus) -> None:
    """Draw what has been saved, newest first."""
    found = run.checkpoints()
    if not found:
        st.caption("One is saved at the end of each epoch.")
        return
    st.dataframe(
        frame(run, found),
        hide_index=True,
        row_height=ROW,
        height=(min(len(found), MOST_ROWS) + 1) * ROW + 2,
        column_config={"pin": pin_column(run, [info.name for info in found])},
        alt="Checkpoints, newest first",
    )
    stay = "The run is pinned, so all of them stay. " if run.is_pinned else ""
    st.caption(f"{stay}In {theme.safe(str(run.path / 'checkpoints'))}")
    model_export(run)


def frame(run: Run, found: Sequence[CheckpointInfo]) -> pd.DataFrame:
    """Lay the checkpoints out, a row each; `pin` holds what its button says, if there is one."""
    pinned = run.pinned_checkpoints
    yes, no = (PINNED, PIN) if may_pin(run) else ("pinned", "")
    return pd.DataFrame(
        {
            "Checkpoint": [info.name for info in found],
            "Epoch": [f"{info.epoch:g}" for info in found],
            "Validation accuracy": [theme.percent(info.val_accuracy, 2) for info in found],
            "Size": [f"{info.megabytes:.1f} MB" for info in found],
            "Note": [remark(info) for info in found],
            "pin": [yes if info.name in pinned else no for info in found],
        }
    )


def remark(info: CheckpointInfo) -> str:
    """Say what is special about a checkpoint, if anything is."""
    return "best" if info.best else "" if info.resumable else "weights only"


def may_pin(run: Run) -> bool:
    """Tell whether whoever looks may pin the run's checkpoints."""
    return run.by.may(OPERATOR, run.owner)


def pin_column(run: Run, names: Sequence[str]) -> Any:
    """Describe the column of pins: buttons for whoever may pin, words for the others."""
    if not may_pin(run):
        return st.column_config.TextColumn("Keep", help=WHY, width=WIDTH)
    key = f"pin checkpoints {run.id}"
    return st.column_config.ButtonColumn(
        "Keep", help=WHY, type="tertiary", alignment="left", width=WIDTH,
        key=key, on_click=pin_clicked, args=(key, run, names),
    )  # fmt: skip


def pin_clicked(key: str, run: Run, names: Sequence[str]) -> None:
    """Do what the button that was clicked said, whatever others have done meanwhile."""
    click = st.session_state[key]
    if click is None or click["row"] >= len(names):
        return
    try:
        marks.pin_checkpoint(run, names[click["row"]], click["label"] == PIN)
    except CifarError as error:  # such as that it has been deleted since
        st.toast(theme.safe(str(error)), icon=":material/error:")
