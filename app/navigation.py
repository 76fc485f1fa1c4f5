"""How pages are found: by the name of their folder, imported when a page is first opened."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import streamlit as st

from app import boundary

FIRST = "runs"  # the page without a path
TO_THE_BROWSER = 0.1  # seconds that the server needs to send what has been drawn

PLACES = {  # at the top of every page, and at the bottom of a phone: title, icon, what it is for
    "data": ("Data", ":material/dataset:", "The images that networks learn from."),
    "train": ("Train", ":material/play_circle:", "Choose a network and start training."),
    "runs": ("Runs", ":material/monitoring:", "What was trained, and what came out."),
    "predict": ("Predict", ":material/image_search:", "What a network sees in a picture."),
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where an earlier address leads now: a page, with parameters added and some renamed."""

    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    of_a_run: bool = False  # without a run it leads to the list of runs


MOVED = {  # every address that a page ever had, and the first page's own name
    "runs": Address(page=FIRST),
    "new_run": Address(page="train"),
    "explain": Address(page="predict"),
    "try": Address(page="predict"),
    "reports": Address(page="report"),
    "evaluate": Address(
        page="run", query={"tab": "result"}, renamed={"run": "id"}, of_a_run=True
    ),
    "inside": Address(page="run", query={"tab": "inside"}, renamed={"run": "id"}, of_a_run=True),
}  # fmt: skip


def late(path: str, attribute: str, title: str = "") -> ModuleType:
    """Import a module that draws something; while that takes long, a skeleton is shown."""
    frame = st.empty()
    if not hasattr(sys.modules.get(path), attribute):  # another visitor may be importing it
        with frame.container():
            if title:
                st.header(title, anchor=False)
            with st.skeleton(height=320):
                time.sleep(TO_THE_BROWSER)  # an import of torch lets no other thread run
                import_module(path)
        frame.empty()
    return sys.modules[path]


def drawing(name: str, title: str) -> Callable[[], None]:
    """Return the function that draws a page; its module is imported late, as some import torch."""

    def draw() -> None:
        boundary.part(late(f"app.screens.{name}.page", "page", title).page)()

    return draw


def entry(
    name: str, title: str = "", icon: str | None = None, about: str = "", *, hidden: bool = False
) -> st.Page:
    """Describe a page; `name` is its folder in app/screens and its path in the address."""
    return st.Page(
        drawing(name, title),
        title=title or None,
        icon=icon,
        url_path=None if name == FIRST else name,  # the first page's own name is one of MOVED
        default=name == FIRST,
        help=about or None,
        visibility="hidden" if hidden else "visible",
    )


def moved() -> list[st.Page]:
    """Describe the addresses that lead to a page of another name."""
    return [
        st.Page(sending(address), title=name, url_path=name, visibility="hidden")
        for name, address in MOVED.items()
    ]


def sending(address: Address) -> Callable[[], None]:
    """Return a page that sends its visitors on, with the parameters of their address."""

    def send() -> None:
        asked = {address.renamed.get(key, key): value for key, value in st.query_params.items()}
        asked |= {key: st.query_params[key] for key in asked if key in st.query_params}
        if address.of_a_run and not asked.get("id"):
            go(FIRST)
        go(address.page, **{**asked, **address.query})

    return send


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
