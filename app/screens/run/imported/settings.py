"""The Settings tab of a run that has only imported curves: its origin, mapping and settings."""

import streamlit as st

from app import boundary, theme
from app.screens.run.files.tab import history
from app.screens.run.imported.words import WHY
from cifar_core.disk import files
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.exchange.curves.targets import TARGETS
from cifar_core.runs.record.imported.curves_record import NAME, CurveRecord, CurvesRecord

MOST = 300  # lines of a table


def imported_settings(run: Run, status: RunStatus) -> None:
    """Draw what the other tool said, and what was taken for what."""
    known = files.read(run.path / NAME, CurvesRecord)
    st.caption(WHY)
    if (origin := run.about.imported) and origin.sha256:
        st.caption(f"SHA-256 of the file: {origin.sha256}")
    if known.curves:
        st.markdown("**Curves**")
        st.table(curves(known.curves[:MOST]), border="horizontal", hide_index=True,
                 alt="Curves: what was taken for what")  # fmt: skip
        if any(curve.kept < curve.points for curve in known.curves):
            st.caption(
                "Of several points at one step the last one counts. Of more than 10,000, the "
                "lowest and the highest of each of 4,999 equal stretches are kept."
            )
    for sentence in sentences(known):
        st.caption(theme.safe(sentence))
    st.markdown("**Settings, as the other tool names them**")
    if known.settings:
        rows = {theme.safe(name): theme.safe(theme.fact(value))
                for name, value in list(known.settings.items())[:MOST]}  # fmt: skip
        st.table(rows, border="horizontal", alt="Settings of the other tool")
    else:
        st.caption("The file names none.")
    box = st.expander("History", key="part imported history", on_change="rerun")
    if box.open:
        with box:
            boundary.part(history)(run, status)


def curves(curves: list[CurveRecord]) -> dict[str, list[str]]:
    """Return the table of what was taken for what."""
    return {
        "There": [theme.safe(curve.name) for curve in curves],
        "Here": [taken_for(curve) for curve in curves],
        "Points": [theme.count(curve.points) for curve in curves],
        "Kept": [theme.count(curve.kept) for curve in curves],
    }


def taken_for(curve: CurveRecord) -> str:
    """Say what a curve was taken for."""
    title = TARGETS[curve.target].title if curve.target in TARGETS else "Unknown"
    return f"{title}, from percent" if curve.percent else title


def sentences(known: CurvesRecord) -> list[str]:
    """Return what else is known of how the file was read."""
    left = [f"Left out: {', '.join(known.left_out[:20])}."] if known.left_out else []
    given = (
        [f"A person gave {known.steps_per_epoch:g} steps per epoch."]
        if known.steps_per_epoch
        else []
    )
    return [*left, *given, *known.notes]
