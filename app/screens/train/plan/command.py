"""The command that trains the same as the form, for a terminal or a script."""

import shlex
from typing import Any

import streamlit as st

from app.session import Key, remembered
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.installation import PROGRAM

BASE = "lab_cnn"  # the preset that a command starts from if the form did not start from one


def same_as_a_command(config: TrainConfig) -> None:
    """Draw a button that shows the command."""
    with st.popover("Same as a command", icon=":material/terminal:", type="tertiary"):
        st.code(command(config, remembered(Key.DRAFT_SOURCE)), language=None, wrap_lines=True)


def command(config: TrainConfig, source: str) -> str:
    """Return the command, in one line for a POSIX shell."""
    preset = source if source in PRESETS else BASE
    words = [*PROGRAM.split(), "train", "--preset", preset]
    for name, value in changes(config, PRESETS[preset].config).items():
        words += ["--set", f"{name}={value}"]
    return shlex.join([*words, "--data", config.data])


def changes(config: TrainConfig, base: TrainConfig) -> dict[str, Any]:
    """Return the settings in which a run differs from a preset."""
    before = base.to_dict()
    values = {f.name: getattr(config, f.name) for f in config.relevant() if f.name != "data"}
    return {name: value for name, value in values.items() if value != before[name]}
