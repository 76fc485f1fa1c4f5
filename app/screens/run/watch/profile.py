"""Where the time of a step goes: asks the trainer for a profile, and draws it."""

import streamlit as st

from app import boundary, theme
from app.screens.run.watch import charts
from app.shared.figure import show_figure
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.profiles import ABOUT, Profile


def profile(run: Run, status: RunStatus) -> None:
    """Draw the last profile, and offer another while the run trains."""
    due = run.profile_is_due
    boundary.fragment(draw, run_every=1.0 if due else None)(run, status, due)


def draw(run: Run, status: RunStatus, due: bool) -> None:
    """Draw the last profile; repeated every second until one that is due has arrived."""
    if due and not run.profile_is_due:
        st.rerun()  # so that this is no longer repeated
    latest = run.profile
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(headline(latest, status), width="stretch")
        if status.state in ("starting", "running"):
            label = "Profiling" if due else "Profile again" if latest else "Profile 20 steps"
            if st.button(label, icon=":material/speed:", key="profile", disabled=due):
                request_profile(run)
    if latest and not latest.error:
        figures(latest)


def headline(latest: Profile | None, status: RunStatus) -> str:
    """Say what the profile shows, or why there is none."""
    if latest:
        return theme.safe(latest.error or latest.sentence)
    if status.is_live or status.state == "queued":
        return "See where the time of a step goes, measured over a few steps while the run trains."
    return "This run has no profile. Only a run that is training can be profiled."


def request_profile(run: Run) -> None:
    """Ask the trainer for a profile, or show why it cannot make one."""
    try:
        run.ask_profile()
    except boundary.REFUSED as error:
        boundary.toast(error)
    else:
        st.rerun()


def figures(latest: Profile) -> None:
    """Draw the parts of a step, a hint if there is one, and the most expensive operators."""
    values = latest.values
    if latest.hint:
        st.markdown(f":orange[:material/lightbulb:] {theme.safe(latest.hint)}")
    show_figure(
        charts.profile_figure(latest.bars),
        key=f"profile chart {latest.request}",
        alt="Milliseconds of a step in each of its parts",
    )
    st.caption(
        f"Mean of {theme.plural(values['steps'], 'step')} of {values['batch_size']} images before "
        f"step {values['step']:,}, on {theme.safe(values['device_name'])} with "
        f"{theme.plural(values['threads'], 'CPU thread')}; a step took {values['step_ms']:.3g} "
        f"± {values['step_spread_ms']:.2g} ms. The profiler itself adds a little time."
    )
    with st.expander("Parts and most expensive operators"):
        parts, operators = st.columns(2, gap="large")
        with parts:
            st.table(
                {bar.title: ABOUT[bar.name] for bar in latest.bars}, border="horizontal",
                alt="What each part is",
            )  # fmt: skip
        with operators:
            column = "device_ms" if latest.on_gpu else "ms"
            rows = values["operators"]
            st.table(
                {
                    "Operator": [f"`{row['name']}`" for row in rows],
                    "Calls per step": [f"{row['calls']:.3g}" for row in rows],
                    "ms per step": [f"{row[column]:.3g}" for row in rows],
                },
                border="horizontal", hide_index=True, alt="The most expensive operators",
            )  # fmt: skip
