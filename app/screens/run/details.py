"""The details of a run that fewer people need, in tabs that are drawn when opened."""

import streamlit as st

from app import boundary, theme
from app.screens.run.checkpoints import checkpoints
from app.screens.run.profile import profile
from app.screens.run.reproduce import reproduce
from cifar_core.disk import files
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.action_log import Action
from cifar_core.runs.record.attempt import Attempt
from cifar_core.runs.record.records import Environment
from cifar_core.settings import label_of, rule_of
from cifar_core.statistics.class_shares import are_uneven

LOG_LINES = 13  # more of them scroll
SHORT = 100  # characters of an action in the table


def details(run: Run, status: RunStatus) -> None:
    """Draw the tabs, each only when it is opened."""
    parts = {"Log": log_tail, "Settings": settings, "Environment": environment,
             "Checkpoints": checkpoints, "Attempts": attempts, "Profile": profile,
             "Reproduce": reproduce, "History": history}  # fmt: skip
    for tab, draw in zip(
        st.tabs(list(parts), on_change="rerun", key="details"), parts.values(), strict=True
    ):
        if tab.open:
            with tab:
                boundary.part(draw)(run, status)


def log_tail(run: Run, status: RunStatus) -> None:
    """Draw the end of the log, following it while the run is live."""

    def draw() -> None:
        text = run.log_tail(200)
        if not text:
            st.caption("The log is empty.")
            return
        high = text.count("\n") > LOG_LINES
        with st.container(height=320 if high else "content", border=False, autoscroll=high or None):
            st.code(text, language=None, wrap_lines=True)

    boundary.fragment(draw, run_every=2.0 if status.is_live else None)()


def settings(run: Run, status: RunStatus) -> None:
    """Draw every relevant setting, in the groups of the declarations."""
    with st.skeleton(height=240):
        config = run.config  # imports torch, which no other part of this page needs
    groups: dict[str, dict[str, str]] = {}
    for f in config.relevant():
        value = getattr(config, f.name)
        among = rule_of(f).among
        shown = among[value].title if among else theme.plain(value)
        changed = value != f.default
        label = f"**{label_of(f)}**" if changed else label_of(f)
        groups.setdefault(rule_of(f).group, {})[label] = theme.safe(shown)
    st.caption("Bold: differs from the default.")
    columns, filled = st.columns(3, gap="large"), [0, 0, 0]
    for title, values in groups.items():
        shortest = filled.index(min(filled))
        filled[shortest] += len(values) + 3
        with columns[shortest]:
            st.markdown(f"**{title}**")
            st.table(values, border="horizontal", alt=f"Settings: {title}")


def environment(run: Run, status: RunStatus) -> None:
    """Draw the machine that the run trains on, and its images."""
    recorded = files.read_json(run.path / "environment.json", Environment)
    if not recorded:
        st.caption("Known once the run has started.")
        return
    data, step = recorded.get("data", {}), recorded.pop("step_plan", None)
    if step:
        st.markdown(f":material/speed: {theme.safe(step['sentence'])}")
    machine = {key: value for key, value in recorded.items() if not isinstance(value, dict)}
    versions = {
        name: value
        for group in recorded.values() if isinstance(group, dict) and group is not data
        for name, value in group.items()
    }  # fmt: skip
    data = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in data.items()
        if not name.endswith("_counts") or are_uneven(value)
    }
    with st.grid(2, min_column_width=320, gap="large"):
        for title, values in (("Images", data), ("Machine", machine | versions)):
            with st.container():
                st.markdown(f"**{title}**")
                rows = {theme.title(k): theme.safe(theme.fact(v)) for k, v in values.items()}
                st.table(rows, border="horizontal", alt=title)


def attempts(run: Run, status: RunStatus) -> None:
    """Draw the processes that worked on the run."""
    attempts = run.attempts()
    if not attempts:
        st.caption("This run has not been started.")
    for a in attempts:
        alive = status.is_live and a.number == attempts[-1].number
        end = f" to {theme.clock(a.ended_at)}" if a.ended_at else ", still running" if alive else ""
        began = theme.clock(a.started_at) if a.started_at else "at an unknown time"
        st.markdown(f"**Attempt {a.number}** on {a.device or 'an unknown device'}, {began}{end}")
        words = [beginning(a, alive=alive), a.ended, a.note]
        st.caption(theme.safe(" ".join(filter(None, words))))


def beginning(attempt: Attempt, *, alive: bool) -> str:
    """Say where an attempt started, as far as its start.json says."""
    if attempt.begun:
        origin = f"step {attempt.from_step:,}" if attempt.from_checkpoint else "the beginning"
        return f"Started from {origin}."
    return "It is being prepared." if alive else "Where it started is not recorded."


def history(run: Run, status: RunStatus) -> None:
    """Draw who did what to the run."""
    if run.owner:
        st.markdown(f"Created by {theme.safe(run.owner)}")
    log = run.history()
    if not log:
        st.caption("No actions are recorded.")
        return
    rows = {
        "When": [theme.clock(action.at) for action in log],
        "Who": [theme.safe(action.by) for action in log],
        "What": [theme.safe(theme.short(words_of(action), SHORT)) for action in log],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="Actions, newest first")
    if long := [action for action in log if len(words_of(action)) > SHORT]:
        with st.expander("Whole texts"):
            for action in long:
                st.caption(theme.safe(f"{theme.clock(action.at)}, {action.by}: {action.did}"))
                st.code(action.detail, language=None, wrap_lines=True)


def words_of(action: Action) -> str:
    """Return what a person did, on one line."""
    return " ".join(f"{action.did} {action.detail}".split())
