"""Notifications of the browser, which it shows while the dashboard's tab is in the background.

The browser asks the person, after a click only, and remembers what it has shown: all tabs of one
browser show the same news once. Without https, except on the machine itself, browsers offer none.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from cifar_core.runs.notifications.news import News

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "cifar_lab.notices",
    html="<div class='notices'></div>",
    css=(HERE / "browser.css").read_text("utf-8"),
    js=(HERE / "browser.js").read_text("utf-8"),
)


def watch(news: Sequence[News]) -> None:
    """Let the browser show these news, each once; draws nothing."""
    _mount(key="notices watch", data={"mode": "watch", "news": list(map(shown, news))}, height=1)


def ask() -> None:
    """Draw the offer to show news in this browser, or say whether it does."""
    _mount(key="notices ask", data={"mode": "ask"}, height="content")


def toggle(key: str, label: str, *, on: bool, reaches: bool, on_change: Callable[[], None]) -> None:
    """Draw a button that is on or off; switching it on also asks the browser.

    Where messages reach the person in no other way (`reaches` is False), it is drawn only in a
    browser that has notifications.
    """
    data = {"mode": "toggle", "label": label, "on": on, "reaches": reaches}
    _mount(key=key, data=data, height="content", width="content", on_wanted_change=on_change)


def shown(news: News) -> dict[str, Any]:
    """Return what the browser shows of some news, and where a click leads."""
    page = f"run?id={news.run.split('-', 1)[0]}" if news.run else f"sweep?id={news.sweep}"
    return {"id": news.id, "title": news.title, "text": news.text, "href": page}
