"""Export of a run's network for other programs, each form checked before it is offered."""

import streamlit as st

from app import theme
from app.shared.job_offer import offer
from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.runs.exchange.model_export import MODEL_FORMATS, ModelFormat, job, kept


def model_export(run: Run) -> None:
    """Draw a row for each form that the best checkpoint can be exported in."""
    st.markdown("**The network for other programs**, with the weights of the best epoch")
    st.caption("Input: images [N, 3, 32, 32] in [0, 1], any N. Output: logits [N, classes].")
    for form in MODEL_FORMATS.values():
        try:
            export_row(run, form)
        except RunError as error:  # the best checkpoint has gone
            st.caption(theme.safe(str(error)))
            return


def export_row(run: Run, form: ModelFormat) -> None:
    """Draw one form: what it is for, its button, or the file with how it did."""
    if form.missing:
        st.caption(f"{form.title}: {theme.safe(form.missing)}")
        return
    made = kept(run, form.key)
    if made is None:
        offer(job(run, form.key), form.title, form.summary, key=f"export {form.key}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"{form.title}, {theme.magnitude(made.path.stat().st_size)}B", made.path.read_bytes,
            f"{run.id}{form.ending}", key=f"download {form.key}", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        st.caption(theme.safe(made.sentence), width="content")
