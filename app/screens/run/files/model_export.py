"""Exports a run's network for other programs, in several formats."""

import streamlit as st

from app import theme
from app.shared.job_offer import offer
from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.runs.exchange.model_export import MODEL_FORMATS, ModelFormat, job, kept


def model_export(run: Run) -> None:
    """Draw a row for each format that the best checkpoint can be exported in."""
    st.markdown("**The network for other programs**, with the weights of the best epoch")
    side = run.sizing.side
    st.caption(
        f"Input: images [N, 3, {side}, {side}] in [0, 1], any N. Output: logits [N, classes]."
    )
    for fmt in MODEL_FORMATS.values():
        try:
            export_row(run, fmt)
        except RunError as error:  # the best checkpoint is gone
            st.caption(theme.safe(str(error)))
            return


def export_row(run: Run, fmt: ModelFormat) -> None:
    """Draw one format: its button and purpose, or the exported file and the result of its check."""
    if fmt.missing:
        st.caption(f"{fmt.title}: {theme.safe(fmt.missing)}")
        return
    exported = kept(run, fmt.key)
    if exported is None:
        offer(job(run, fmt.key), fmt.title, fmt.summary, key=f"export {fmt.key}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"{fmt.title}, {theme.magnitude(exported.path.stat().st_size)}B",
            exported.path.read_bytes, f"{run.id}{fmt.ending}", key=f"download {fmt.key}",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.caption(theme.safe(exported.sentence), width="content")
