"""How pages are found: by the name of their folder, imported when a page is first opened."""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

import streamlit as st

from app import boundary

FIRST = "runs"  # the page without a path
TO_THE_BROWSER = 0.1  # seconds that the server needs to send what has been drawn


def drawing(name: str, title: str) -> Callable[[], None]:
    """Return the function that draws a page; its module is imported late, as some import torch."""

    def draw() -> None:
        path, frame = f"app.screens.{name}.page", st.empty()
        if not hasattr(sys.modules.get(path), "page"):  # another visitor's import may be under way
            with frame.container():
                st.header(title, anchor=False)
                with st.skeleton(height=320):
                    time.sleep(TO_THE_BROWSER)  # an import of torch lets no other thread run
                    import_module(path)
            frame.empty()
        boundary.part(sys.modules[path].page)()

    return draw


def entry(
    name: str, title: str = "", icon: str | None = None, about: str = "", *, hidden: bool = False
) -> st.Page:
    """Describe a page; `name` is its folder in app/screens and its path in the address."""
    return st.Page(
        drawing(name, title),
        title=title or None,
        icon=icon,
        url_path=name,
        default=name == FIRST,
        help=about or None,
        visibility="hidden" if hidden else "visible",
    )


def go(name: str, **query: str | int) -> NoReturn:
    """Open another page."""
    st.switch_page(entry(name), query_params={key: str(value) for key, value in query.items()})


def link(name: str, label: str, icon: str | None = None, **query: str | int) -> None:
    """Draw a link to another page."""
    st.page_link(
        entry(name),
        label=label,
        icon=icon,
        query_params={key: str(value) for key, value in query.items()} or None,
    )
