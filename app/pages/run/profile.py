"""Where the time of a run's steps goes: asks its trainer, and draws what it answered."""

import streamlit as st

from app import theme
from app.pages.run import charts
from cifar_core.errors import CifarError
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.profiles import ABOUT, Profile


def profile(run: Run, status: RunStatus) -> None:
    """Draw the last profile and offer another one while the run trains."""
    due = run.profile_is_due
    st.fragment(draw, run_every=1.0 if due else None)(run, status, due)


def draw(run: Run, status: RunStatus, due: bool) -> None:
    """Draw what there is; repeated every second until a profile that is due has come."""
    if due and not run.profile_is_due:
        st.rerun()  # so that this is no longer repeated
    found = run.profile
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(headline(found, status), width="stretch")
        if status.state in ("starting", "running"):
            label = "Profiling" if due else "Profile again" if found else "Profile 20 steps"
            if st.button(label, icon=":material/speed:", key="profile", disabled=due):
                ask(run)
    if found and not found.error:
        figures(found)


def headline(found: Profile | None, status: RunStatus) -> str:
    """Say what came out, or why there is nothing."""
    if found:
        return theme.safe(found.error or found.sentence)
    if status.is_live or status.state == "queued":
        return "Where does the time of a step go? A few steps, measured while the run trains, tell."
    return "This run was not profiled while it trained. Only steps that are taken can be measured."


def ask(run: Run) -> None:
    """Ask the trainer, or say why it cannot be asked."""
    try:
        run.ask_profile()
    except CifarError as error:
        st.toast(theme.safe(str(error)), icon=":material/error:")
    else:
        st.rerun()


def figures(found: Profile) -> None:
    """Draw the parts of a step, a hint if there is one, and the operators for who wants them."""
    values = found.values
    if found.hint:
        st.markdown(f":orange[:material/lightbulb:] {theme.safe(found.hint)}")
    st.plotly_chart(
        charts.profile_figure(found.bars), key=f"profile chart {found.request}",
        config={"displayModeBar": False}, alt="Milliseconds of a step in each of its parts",
    )  # fmt: skip
    st.caption(
        f"Mean of {theme.plural(values['steps'], 'step')} of {values['batch_size']} images before "
        f"step {values['step']:,}, on {theme.safe(values['device_name'])} with "
        f"{theme.plural(values['threads'], 'CPU thread')}; a step took {values['step_ms']:.3g} "
        f"± {values['step_spread_ms']:.2g} ms. The profiler itself adds a little."
    )
    with st.expander("The parts, and the most expensive operators"):
        parts, operators = st.columns(2, gap="large")
        with parts:
            st.table(
                {bar.title: ABOUT[bar.name] for bar in found.bars}, border="horizontal",
                alt="What each part is",
            )  # fmt: skip
        with operators:
            column = "device_ms" if found.on_gpu else "ms"
            rows = values["operators"]
            st.table(
                {
                    "Operator": [f"`{row['name']}`" for row in rows],
                    "Calls a step": [f"{row['calls']:.3g}" for row in rows],
                    "ms a step": [f"{row[column]:.3g}" for row in rows],
                },
                border="horizontal", hide_index=True, alt="The most expensive operators",
            )  # fmt: skip
