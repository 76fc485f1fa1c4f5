"""Export of the table, metrics, TensorBoard event files and whole runs."""

import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import theme
from app.access.uploads import RUN
from cifar_core.disk.tables import as_csv, as_json
from cifar_core.installation import PROGRAM
from cifar_core.runs import TRAINING, Run, RunRow
from cifar_core.runs.exchange import run_zip
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import group_table, table
from cifar_core.runs.record.machine import rows
from cifar_core.runs.record.metrics import attempt_numbers

MOST_DOWNLOAD = RUN.megabytes * 2**20  # bytes: no more than the import form takes back


def table_downloads(shown: Sequence[RunRow] | Sequence[SeedGroup], columns: Sequence[str]) -> None:
    """Offer the table, as it is shown, as CSV and JSON."""
    groups = [line for line in shown if isinstance(line, SeedGroup)]
    rows = [line for line in shown if isinstance(line, RunRow)]

    def lines() -> list[dict[str, Any]]:
        return group_table(groups) if groups else table(rows, columns)

    with st.container(horizontal=True):
        st.download_button("CSV", lambda: as_csv(lines()), "runs.csv", "text/csv", key="csv",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.download_button("JSON", lambda: as_json(lines()), "runs.json", "application/json",
                           key="json", icon=":material/download:", on_click="ignore")  # fmt: skip


def run_downloads(runs: Sequence[Run]) -> None:
    """Offer the metrics of the runs and, if it is one run, all of it."""
    from cifar_core.runs.exchange import metric_files

    stem = runs[0].id if len(runs) == 1 else f"{len(runs)}-runs"
    st.markdown("**Curves**")
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: metric_files.metrics_csv(runs), f"{stem}-metrics.csv", "text/csv",
            key=f"metrics {stem}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "TensorBoard", lambda: metric_files.events_zip(runs), f"{stem}-tensorboard.zip",
            "application/zip", key=f"events {stem}", icon=":material/download:",
            on_click="ignore", help="Event files. Unpack them, then: tensorboard --logdir FOLDER",
        )  # fmt: skip
        if any(machine_file(run) for run in runs):
            st.download_button(
                "Machine, CSV", lambda: metric_files.machine_csv(runs), f"{stem}-machine.csv",
                "text/csv", key=f"machine {stem}", icon=":material/download:", on_click="ignore",
                help="Cores, memory, GPUs and disk while they trained.",
            )  # fmt: skip
    if len(runs) == 1:
        whole_run(runs[0])


def machine_file(run: Run) -> bool:
    """Whether a run has kept how it used its machine."""
    return any(rows.file_of(run.path, number).exists() for number in attempt_numbers(run.path))


def whole_run(run: Run) -> None:
    """Offer a zip with everything that another store needs."""
    if run.kind != TRAINING:
        return
    st.markdown("**The whole run**, for another store")
    if run.status.is_live:
        st.caption("Available once the run has stopped, paused or finished.")
        return
    weights = st.radio(
        "Weights", list(run_zip.WEIGHTS), key=f"weights {run.id}",
        format_func=lambda key: run_zip.WEIGHTS[key].title,
        captions=[option.summary for option in run_zip.WEIGHTS.values()],
        label_visibility="collapsed",
    )  # fmt: skip
    chosen = weights or "all"
    size = sum(piece.path.stat().st_size for piece in run_zip.pieces(run, chosen))
    if size > MOST_DOWNLOAD:
        st.caption(f"{size / 1e9:.1f} GB is too large for a browser download. In a terminal:")
        st.code(f"{PROGRAM} export {run.number} --weights {chosen}", language=None)
        return
    st.download_button(
        f"Zip, {theme.magnitude(size)}B", lambda: zipped(run, chosen), f"{run.id}.zip",
        "application/zip", key=f"zip {run.id}", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def zipped(run: Run, weights: str) -> bytes:
    """Return the zip of a run."""
    file = io.BytesIO()
    run_zip.export_run(run, file, weights)
    return file.getvalue()
