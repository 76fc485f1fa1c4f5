"""Everything known about a run that fewer people need, in tabs that are drawn when opened."""

import streamlit as st

from app import theme
from app.pages.run.checkpoints import checkpoints
from app.pages.run.profile import profile
from app.pages.run.reproduce import reproduce
from cifar_core.disk import files
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.records import Environment
from cifar_core.settings import label_of, rule_of

LOG_LINES = 13  # more of them scroll


def details(run: Run, status: RunStatus) -> None:
    """Draw what fewer people need, each part only when it is opened."""
    parts = {"Log": log_tail, "Settings": settings, "Environment": environment,
             "Checkpoints": checkpoints, "Attempts": attempts, "Profile": profile,
             "Reproduce": reproduce, "History": history}  # fmt: skip
    for tab, draw in zip(
        st.tabs(list(parts), on_change="rerun", key="details"), parts.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw(run, status)


def log_tail(run: Run, status: RunStatus) -> None:
    """Draw the end of the log, following it while the run lives."""

    def draw() -> None:
        text = run.log_tail(200)
        if not text:
            st.caption("Nothing has been printed yet.")
            return
        high = text.count("\n") > LOG_LINES
        with st.container(height=320 if high else "content", border=False, autoscroll=high or None):
            st.code(text, language=None, wrap_lines=True)

    st.fragment(draw, run_every=2.0 if status.is_live else None)()


def settings(run: Run, status: RunStatus) -> None:
    """Draw every setting, in the groups of their declarations."""
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
    st.caption("Bold: not the default.")
    columns, filled = st.columns(3, gap="large"), [0, 0, 0]
    for title, values in groups.items():
        place = filled.index(min(filled))  # the column that ends highest
        filled[place] += len(values) + 3
        with columns[place]:
            st.markdown(f"**{title}**")
            st.table(values, border="horizontal", alt=f"Settings: {title}")


def environment(run: Run, status: RunStatus) -> None:
    """Draw where the run trains and on which images."""
    known = files.read_json(run.path / "environment.json", Environment)
    if not known:
        st.caption("Known once the run has started.")
        return
    data, step = known.get("data", {}), known.pop("step_plan", None)
    if step:
        st.markdown(f":material/speed: {theme.safe(step['sentence'])}")
    machine = {key: value for key, value in known.items() if not isinstance(value, dict)}
    versions = {
        name: value
        for group in known.values() if isinstance(group, dict) and group is not data
        for name, value in group.items()
    }  # fmt: skip
    if isinstance(data.get("classes"), list):
        data = {**data, "classes": ", ".join(data["classes"])}
    with st.grid(2, min_column_width=320, gap="large"):
        for title, values in (("Images", data), ("Machine", machine | versions)):
            with st.container():
                st.markdown(f"**{title}**")
                rows = {theme.title(k): theme.safe(theme.fact(v)) for k, v in values.items()}
                st.table(rows, border="horizontal", alt=title)


def attempts(run: Run, status: RunStatus) -> None:
    """Draw the processes that worked on the run."""
    found = run.attempts()
    if not found:
        st.caption("None yet.")
        return
    for a in found:
        end = f" to {theme.clock(a.ended_at)}" if a.ended_at else ", still at work"
        start = f"step {a.from_step:,}" if a.from_checkpoint else "the beginning"
        st.markdown(f"**Attempt {a.number}** on {a.device}, {theme.clock(a.started_at)}{end}")
        st.caption(theme.safe(" ".join(filter(None, [f"From {start}.", a.ended, a.note]))))


def history(run: Run, status: RunStatus) -> None:
    """Draw who asked for what."""
    if run.owner:
        st.markdown(f"Made by {theme.safe(run.owner)}")
    found = run.history()
    if not found:
        st.caption("Nobody has changed anything since this is written down.")
        return
    rows = {
        "When": [theme.clock(deed.at) for deed in found],
        "Who": [theme.safe(deed.by) for deed in found],
        "What": [theme.safe(f"{deed.did} {deed.detail}".strip()) for deed in found],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="What people asked for, newest first")
