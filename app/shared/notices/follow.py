"""The toggle with which a person follows one run or one sweep."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from app import boundary, theme
from app.session import store
from app.shared.notices import browser
from cifar_core.runs import Run
from cifar_core.runs.notifications import subscriptions
from cifar_core.runs.notifications.addresses import Addresses
from cifar_core.runs.notifications.subscriptions import Subscriptions
from cifar_core.runs.store.sweep_files import Sweep

LABEL = "Tell me when it ends"


def follow_run(run: Run) -> None:
    """Draw the toggle for a run."""
    toggle(run.id, partial(subscriptions.follow_run, store(), run), on=run.id in mine().runs)


def follow_sweep(sweep: Sweep) -> None:
    """Draw the toggle for a sweep or a search."""
    follow = partial(subscriptions.follow_sweep, store(), sweep)
    toggle(sweep.id, follow, on=sweep.id in mine().sweeps)


def mine() -> Subscriptions:
    """Return what this person follows."""
    return subscriptions.of_person(store().root, store().by.name)


def toggle(id_: str, follow: Callable[[bool], object], *, on: bool) -> None:
    """Draw the toggle for what has an id; `follow` begins or ends to follow it."""

    def change() -> None:
        follow(not on)
        say(not on)

    browser.toggle(f"follow {id_}", LABEL, on=on, reaches=reaches(),
                   on_change=boundary.callback(change))  # fmt: skip


def reaches() -> bool:
    """Whether the admin has set an address that this person may use."""
    return bool(Addresses.here(store().root).usable(store().by.name))


def say(on: bool) -> None:
    """Say in a corner of the page where the news will come."""
    if not on:
        return
    names = mine().addresses
    where = f"by {theme.safe(' and '.join(names))}, and" if names else ""
    st.toast(f"The news will come {where} in the menu Alerts.".replace("  ", " "),
             icon=":material/notifications:")  # fmt: skip
