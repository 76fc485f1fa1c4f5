"""The Settings tab: what a run was trained with, on what, and how to get the same again."""

from dataclasses import Field
from pathlib import Path
from typing import Any

import streamlit as st

from app import boundary, theme
from app.screens.run.imported.settings import imported_settings
from app.screens.run.settings.family import has_relatives, outline
from app.screens.run.settings.reproduce import reproduce
from cifar_core.data.listing import kind_of, title_of
from cifar_core.disk import files
from cifar_core.runs import CURVES, Run, RunStatus
from cifar_core.runs.record.records import Environment
from cifar_core.settings import label_of, rule_of, shown
from cifar_core.settings.declaration import is_offered
from cifar_core.statistics.class_shares import are_uneven


def draw(run: Run, status: RunStatus) -> None:
    """Draw the settings, and closed below them the machine and the way to the same run."""
    if run.kind == CURVES:
        boundary.part(imported_settings)(run, status)
        return
    boundary.part(settings)(run, status)
    parts = {"Images and machine": environment, "Reproduce": reproduce}
    if has_relatives(run):
        parts = {"Family": outline, **parts}
    for title, part in parts.items():
        box = st.expander(title, key=f"part {part.__name__}", on_change="rerun")
        if box.open:
            with box:
                boundary.part(part)(run, status)


def settings(run: Run, status: RunStatus) -> None:
    """Draw every relevant setting, in the groups of the declarations."""
    with st.skeleton(height=240):
        config = run.config  # imports torch, which no other part of this page needs
    from cifar_core.config import GROUPS

    groups: dict[str, dict[str, str]] = {}
    for f in sorted(config.relevant(), key=lambda f: GROUPS.index(rule_of(f).group)):
        value = getattr(config, f.name)
        if not is_offered(f, value):
            continue
        changed = value != f.default
        label = f"**{label_of(f)}**" if changed else label_of(f)
        groups.setdefault(rule_of(f).group, {})[label] = theme.safe(
            in_words(f, value, run.store_root)
        )
    st.caption("Bold: differs from the default.")
    columns, filled = st.columns(3, gap="large"), [0, 0, 0]
    for title, values in groups.items():
        shortest = filled.index(min(filled))
        filled[shortest] += len(values) + 3
        with columns[shortest]:
            st.markdown(f"**{title}**")
            st.table(values, border="horizontal", alt=f"Settings: {title}")


def in_words(setting: Field[Any], value: Any, root: Path) -> str:
    """Write the value of a setting; images that are not a folder of one's own by their title."""
    if setting.name == "data" and kind_of(value) != "folder":
        return title_of(value, root)
    return shown(setting, value)


def environment(run: Run, status: RunStatus) -> None:
    """Draw the machine that the run trains on, and its images."""
    recorded = files.read_json(run.path / "environment.json", Environment)
    if not recorded:
        st.caption("Known once the run has started.")
        return
    data, step = recorded.get("data", {}), recorded.pop("step_plan", None)
    if step:
        st.markdown(f":material/speed: {theme.safe(step['sentence'])}")
    if recorded.pop("teachers", None):
        named = ", ".join(
            f"{one.title} (epoch {one.epoch:.3g})" for one in run.environment.teachers
        )
        st.markdown(f":material/school: Teachers: {theme.safe(named)}")
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
