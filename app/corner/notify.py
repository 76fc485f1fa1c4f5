"""Notify me: whether a person hears of all own runs, of what, and by which addresses."""

import time

import streamlit as st

from app import boundary, theme
from app.session import store
from app.shared.notices import browser
from cifar_core.people import ADMIN
from cifar_core.runs.notifications import outbox, subscriptions
from cifar_core.runs.notifications.addresses import Addresses
from cifar_core.runs.notifications.news import NEWS
from cifar_core.runs.notifications.subscriptions import Subscriptions

DAY = 24 * 3600.0


def notify() -> None:
    """Draw the choices; those of kinds and addresses only for a person who follows anything."""
    here = store()
    follows = subscriptions.of_person(here.root, here.by.name)
    addresses = Addresses.here(here.root)
    st.toggle("Notify me about all my runs", value=bool(follows.mine), key="notify_mine",
              on_change=boundary.callback(change_mine))  # fmt: skip
    if follows.follows_anything:
        choices(follows, addresses.usable(here.by.name))
        browser.ask()
        problems(follows)
    if here.by.may(ADMIN):
        for problem in addresses.problems:
            st.caption(f":material/warning: {theme.safe(problem)}")


def choices(follows: Subscriptions, usable: list[str]) -> None:
    """Draw the kinds of news, and the addresses that the person may use."""
    kinds = [key for key in NEWS if key in follows.kinds]
    st.pills("About", list(NEWS), selection_mode="multi", default=kinds,
             format_func=lambda key: NEWS[key].title, key="notify_kinds",
             on_change=boundary.callback(change_kinds),
             help="The end of a run that you follow by itself is always among them.")  # fmt: skip
    if usable:
        st.pills("By", usable, selection_mode="multi",
                 default=[name for name in follows.addresses if name in usable],
                 key="notify_addresses",
                 on_change=boundary.callback(change_addresses))  # fmt: skip


def problems(follows: Subscriptions) -> None:
    """Say which messages to the person's addresses failed within a day, and why."""
    failed = outbox.undelivered(store().root, time.time() - DAY)
    for name in follows.addresses:
        own = [message for message in failed if message.address == name]
        if own:
            waits = "still tried" if any(not one.is_over for one in own) else "not delivered"
            count = theme.plural(len(own), "message")
            st.caption(f":material/warning: {theme.safe(name)}: {count} {waits}. "
                       f"{theme.safe(own[0].why)}")  # fmt: skip


def change_mine() -> None:
    """Follow all own runs, or no longer."""
    subscriptions.follow_mine(store(), bool(st.session_state["notify_mine"]))


def change_kinds() -> None:
    """Keep the chosen kinds."""
    subscriptions.choose_kinds(store(), st.session_state["notify_kinds"])


def change_addresses() -> None:
    """Keep the chosen addresses."""
    subscriptions.choose_addresses(store(), st.session_state["notify_addresses"])
