"""The command that trains the same as the form, for a terminal or a script."""

import shlex
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.screens.train.form import Form
from app.screens.train.own_runs.chosen import Chosen
from app.session import Key, remembered
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.installation import PROGRAM

BASE = "lab_cnn"  # the preset that a command starts from if the form did not start from one


def same_as_a_command(config: TrainConfig, form: Form) -> None:
    """Draw a button that shows the command."""
    start = form.own.chosen if form.own else None
    line = command(config, remembered(Key.DRAFT_SOURCE), start, form.teachers)
    with st.popover("Same as a command", icon=":material/terminal:", type="tertiary"):
        st.code(line, language=None, wrap_lines=True)


def command(
    config: TrainConfig, source: str, start: Chosen | None = None, teachers: Sequence[Chosen] = ()
) -> str:
    """Return the command, in one line for a POSIX shell."""
    preset = source if source in PRESETS else BASE
    words = [*PROGRAM.split(), "train", "--preset", preset]
    for name, value in changes(config, PRESETS[preset].config).items():
        words += ["--set", f"{name}={value}"]
    words += ["--data", config.data]
    if start:
        words += ["--from", start.words]
    for teacher in teachers:
        words += ["--teacher", teacher.words]
    return shlex.join(words)


def changes(config: TrainConfig, base: TrainConfig) -> dict[str, Any]:
    """Return the settings in which a run differs from a preset."""
    before = base.to_dict()
    values = {f.name: getattr(config, f.name) for f in config.relevant() if f.name != "data"}
    return {name: value for name, value in values.items() if value != before[name]}
