"""A line of the Queue page for each run, with the buttons of those who may use them."""

import math
import time
from collections.abc import Callable

import streamlit as st

from app import boundary, theme
from app.boundary import attempt
from app.navigation import link
from app.session import store
from app.shared.picker.networks import about
from cifar_core.devices import Inventory
from cifar_core.people import OPERATOR
from cifar_core.runs import STATES, TRAINING, Run, RunRow

EPOCH, NOW, PAUSE = "After this epoch", "Now, with a checkpoint", "Pause"
STOPS: dict[str, Callable[[Run], None]] = {
    EPOCH: lambda run: run.stop("epoch"),
    NOW: lambda run: run.stop("now"),
    PAUSE: lambda run: run.pause(),
}


def running_line(row: RunRow, found: Inventory) -> None:
    """Draw a run that has a process: how far it is, when it is done, and Stop."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"running-{row.id}"
    ):  # fmt: skip
        name(row)
        if row.total_steps:
            st.progress(min(1.0, row.step / row.total_steps), width=200)
        st.caption(how_far(row), width=110)
        done = row.eta_seconds
        st.caption(f"done \u2248 {theme.clock(time.time() + done)}" if done else "", width=110)
        if len(found.devices) > 1:
            st.caption(theme.safe(row.device), width=80)
        with st.container(width=110, horizontal_alignment="right"):
            if row.state in ("starting", "running") and may_change(row):
                stop_menu(row)


def how_far(row: RunRow) -> str:
    """Say which epoch a run is in; while it starts or stops, that."""
    if row.state != "running" or row.kind != TRAINING or not row.total_steps:
        return STATES[row.state].title
    return f"epoch {min(row.epochs_done + 1, row.epochs)} of {row.epochs}"


def stop_menu(row: RunRow) -> None:
    """Offer the ways to stop, the gentlest first."""
    ways = [EPOCH, NOW, PAUSE] if row.kind == TRAINING else [NOW, PAUSE]
    chosen = st.menu_button("Stop", ways, icon=":material/stop_circle:", key=f"stop {row.id}")
    if chosen:
        attempt(lambda: STOPS[chosen](store().run(row.id)))


def waiting_line(
    row: RunRow, place: int, last: int, found: Inventory, *, takes: float, starts_in: float
) -> None:
    """Draw a run that waits: its place, how long it takes, when it starts, and how to move it."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"waiting-{row.id}"
    ):  # fmt: skip
        name(row, place)
        if row.reason:  # it waits for something other than its turn
            st.caption(theme.safe(row.message), width=330)
        else:
            st.caption(about(takes) if math.isfinite(takes) else "", width=90)
            st.caption(start_words(starts_in), width=130)
        if len(found.devices) > 1:
            st.caption(wanted(row, found), width=90)
        with st.container(
            horizontal=True, horizontal_alignment="right", gap="xsmall", width=330
        ):  # fmt: skip
            if may_change(row):
                buttons(row, place, last)


def start_words(seconds: float) -> str:
    """Say when a run starts; nothing if that is not known."""
    if not math.isfinite(seconds):
        return ""
    return f"starts \u2248 {theme.clock(time.time() + seconds)}" if seconds else "starts soon"


def wanted(row: RunRow, found: Inventory) -> str:
    """Say which device a run asks for."""
    device = str(row.settings.get("device", "auto"))
    if device == "auto":
        return "CPU" if found.devices[0].is_cpu else "any GPU"
    return theme.safe(device)


def buttons(row: RunRow, place: int, last: int) -> None:
    """Draw what moves a run in the queue, and what takes it out."""
    if place > 2:
        action("First", "vertical_align_top", row, lambda run: store().to_front(run))
    if place > 1:
        action("Up", "arrow_upward", row, lambda run: store().move_up(run))
    if place < last:
        action("Down", "arrow_downward", row, lambda run: store().move_down(run))
    action("Remove", "close", row, remove)


def action(label: str, icon: str, row: RunRow, act: Callable[[Run], None]) -> None:
    """Draw a button that acts on a waiting run."""

    def do() -> None:
        act(store().run(row.id))

    st.button(
        label, icon=f":material/{icon}:", type="tertiary", key=f"{label.lower()} {row.id}",
        on_click=boundary.callback(do),
    )  # fmt: skip


def remove(run: Run) -> None:
    """Take a run out of the queue, if it still waits there."""
    if run.status.state != "queued":
        st.toast(f"#{run.number} has started meanwhile.")
        return
    run.stop("now")
    st.toast(f"#{run.number} was removed from the queue. It can be resumed on its page.")


def may_change(row: RunRow) -> bool:
    """Whether the visitor may stop, move or remove a run."""
    return store().by.may(OPERATOR, row.owner)


def name(row: RunRow, place: int = 0) -> None:
    """Draw the place and the name of a run, a link; with its owner if that is another person."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"link-{row.id}"
    ):  # fmt: skip
        if place:
            st.markdown(f"**{place}**", width="content")
        link("run", f"#{row.number} {theme.safe(row.name)}", id=row.number)
        if row.owner not in ("", store().by.name):
            st.caption(theme.safe(row.owner), width="content")
