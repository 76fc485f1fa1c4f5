"""The runs that wait, as a list that is moved by mouse, finger, arrow keys or buttons.

The browser's part moves a row at once and then asks for the new order. Until it is answered, later
updates of the page leave the order in the browser as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import streamlit as st
from msgspec import Struct

from cifar_core.disk.checks import Text, Texts, Whole, as_type
from cifar_core.errors import RunError

T = TypeVar("T")
HERE = Path(__file__).parent
KEY = "queue_list"  # of the component; its requests are in the session under this key

_mount = st.components.v2.component(
    "cifar_lab.queue_list",
    html="<div class='queue-list'></div>",
    css=(HERE / "queue_list.css").read_text("utf-8"),
    js=(HERE / "queue_list.js").read_text("utf-8"),
)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A run that waits, as the list shows it."""

    id: str
    number: int
    name: str
    owner: str  # empty if it is the visitor's own
    takes: str  # how long it takes
    starts: str  # when it starts
    why: str  # what it waits for other than its turn
    device: str  # that it asks for
    mine: bool  # whether the visitor may move, change and remove it


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A device that a run may ask for."""

    key: str
    title: str


def queue_list(
    runs: Sequence[Waiting],
    choices: Sequence[Choice],
    *,
    answered: int,
    on_moved: Callable[[], None],
    on_removed: Callable[[], None],
    on_device: Callable[[], None],
) -> None:
    """Draw the list; devices are shown if there are several to choose from.

    `answered` is the token of the last move that was dealt with, whatever came of it.
    """
    _mount(
        key=KEY,
        data={
            "runs": [vars(run) for run in runs],
            "choices": [vars(choice) for choice in choices],
            "answered": answered,
        },
        height="content",
        on_moved_change=on_moved,
        on_removed_change=on_removed,
        on_device_change=on_device,
    )


class Move(Struct, frozen=True, kw_only=True):
    """A new order, the one that was seen, the run that was moved, and the number of the request."""

    ids: Texts = []
    seen: Texts = []
    run: Text = ""
    token: Whole = 0


class OtherDevice(Struct, frozen=True, kw_only=True):
    """A run, and the device that it shall ask for."""

    run: Text = ""
    device: Text = ""


def requested(name: str, like: type[T]) -> T:
    """Return what the browser asks for under a name, in a callback.

    Raises RunError if that is something else.
    """
    try:
        return as_type(st.session_state.get(KEY, {}).get(name), like)
    except ValueError as error:
        raise RunError(
            "The list asked for something that is not known here. Load the page again."
        ) from error
