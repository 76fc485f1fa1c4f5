"""Where an error becomes a sentence on a page, so that no page ends in a traceback.

An error that a person can fix (REFUSED) is shown where it happened, and the rest of the page is
drawn. Any other error is a fault of the program: the server (app/server.py) shows a code for it,
under which errors.log of the store has the traceback. Tests have no server, so there a fault
remains an exception.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec

import streamlit as st

from app import theme
from cifar_core.disk import faults_log
from cifar_core.disk.os_errors import explained
from cifar_core.errors import CifarError
from cifar_core.installation import default_store
from cifar_core.runs.store import looks

P = ParamSpec("P")
REFUSED = (CifarError, OSError)  # what a person can fix: the program's own errors and the system's
ICON = ":material/error:"
FAULT = (
    "This part of the page cannot be shown because of a fault in the program. Load the page again. "
    "If the fault stays, report it with its details: they are in {where}, under the code {code}."
)


def words(error: Exception) -> str:
    """Return an error of REFUSED as a sentence, safe for Markdown."""
    return theme.safe(explained(error, default_store().absolute()))


def show(error: Exception) -> None:
    """Show an error of REFUSED in its place on the page."""
    st.error(words(error), icon=ICON)


def toast(error: Exception) -> None:
    """Show an error of REFUSED in a corner of the page."""
    st.toast(words(error), icon=ICON)


def attempt(act: Callable[[], object]) -> None:
    """Do what a person asked for and redraw the page, or show why it cannot be done."""
    try:
        act()
    except REFUSED as error:
        looks.forget()
        toast(error)
    else:
        st.rerun()


def part(draw: Callable[P, object]) -> Callable[P, None]:
    """Return a function that draws a part of a page; if it is refused, a sentence is there."""
    return guarded(draw, show)


def callback(act: Callable[P, object]) -> Callable[P, None]:
    """Return a function for the click on a widget; if it is refused, a toast says why."""
    return guarded(act, toast)


def guarded(act: Callable[P, object], say: Callable[[Exception], None]) -> Callable[P, None]:
    """Return a function that does the same, and says why if it is refused."""

    @functools.wraps(act)
    def safely(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            act(*args, **kwargs)
        except REFUSED as error:
            say(error)

    return safely


def fragment(draw: Callable[P, object], run_every: float | None) -> Callable[P, None]:
    """Return a part of a page that is drawn again by itself, every `run_every` seconds."""
    return st.fragment(drawing(part(draw)), run_every=run_every)


def dialog(title: str, **options: Any) -> Callable[[Callable[P, object]], Callable[P, None]]:
    """Return a decorator for a function that draws a dialog, as st.dialog does."""
    return lambda draw: st.dialog(title, **options)(drawing(part(draw)))


def drawing(draw: Callable[P, None]) -> Callable[P, None]:
    """Return a function that draws the same with one look at the runs for all of it."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        with looks.shared():
            draw(*args, **kwargs)

    return drawn


def on_fault(error: Exception) -> bool:
    """Show the code of an error that no one expected; True, so that Streamlit shows no traceback.

    Streamlit calls this for scripts, fragments and callbacks, and logs the traceback itself.
    """
    if isinstance(error, REFUSED):
        show(error)
        return True
    root = default_store().absolute()
    code, log = faults_log.record(error, root)
    logging.getLogger(__name__).error("Code %s: %r (%s)", code, error, log)
    where = f"{log.name} in the store" if log.parent == root else f"{log.name} on the server"
    st.error(theme.safe(FAULT.format(where=where, code=code)), icon=ICON)
    return True
