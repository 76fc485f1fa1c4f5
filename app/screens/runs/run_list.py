"""The list of runs in the browser: a table whose names are links, on a narrow screen cards.

A row is changed in place when its run has changed, so that ticks, focus and scrolling outlive the
updates of a live list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from cifar_core import palette

HERE = Path(__file__).parent
KEY = "run_list"  # of the component; its answers are in the session under this key
PENS = "\n".join(
    f".pen-{place} {{ --pen: light-dark({light}, {dark}); }}"
    for place, (light, dark) in enumerate(zip(palette.LIGHT, palette.DARK, strict=True))
)

_mount = st.components.v2.component(
    "cifar_lab.run_list",
    html="<div class='run-list'></div>",
    css=(HERE / "run_list.css").read_text("utf-8") + PENS,
    js=(HERE / "run_list.js").read_text("utf-8"),
)

Kind = Literal["text", "number", "share", "name", "state", "tags", "curve", "links"]


@dataclass(frozen=True, kw_only=True)
class Head:
    """A column of the list."""

    key: str
    title: str
    about: str  # for hovering
    kind: Kind = "text"
    sortable: bool = True


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the list: a run, or a group of runs."""

    id: str  # what a tick is kept by
    label: str  # for a screen reader at its check box
    cells: Sequence[Any]  # one for each column; run_list.js says what each kind of column takes
    when: str = ""  # its number, how long it took and when it ended, for a card


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """The ticked rows; the browser keeps them until the page sets others, with another version."""

    ids: Sequence[str] = ()
    version: int = 0


def run_list(
    heads: Sequence[Head],
    lines: Sequence[Line],
    *,
    label: str,
    ticks: Ticks,
    sort: str,
    on_sort: Callable[[], None],
    chosen: bool,
) -> None:
    """Draw the list."""
    data = {
        "label": label,
        "heads": [vars(head) for head in heads],
        "lines": [vars(line) for line in lines],
        "ticks": vars(ticks),
        "sort": sort,
        "chosen": chosen,  # whether a card shows every column too
    }
    _mount(
        key=KEY,
        data=data,
        height="content",
        on_ticked_change=lambda: None,
        on_sort_change=on_sort,
    )


def answered(name: str) -> Any:
    """Return what the browser last sent under a name; None before it has sent anything."""
    return st.session_state.get(KEY, {}).get(name)
