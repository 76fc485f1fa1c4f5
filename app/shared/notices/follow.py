"""The toggle with which a person follows one run or one sweep."""

import streamlit as st

from app import boundary, theme
from app.session import store
from app.shared.notices import browser
from cifar_core.runs import Run
from cifar_core.runs.notifications import subscriptions
from cifar_core.runs.notifications.addresses import Addresses
from cifar_core.runs.store.sweep_files import Sweep

LABEL = "Tell me when it ends"


def follow_run(run: Run) -> None:
    """Draw the toggle for a run."""
    had = subscriptions.of_person(run.store_root, run.by.name)
    is_on = run.id in had.runs

    def change() -> None:
        subscriptions.follow_run(store(), run, not is_on)
        say(not is_on)

    browser.toggle(f"follow {run.id}", LABEL, on=is_on, reaches=reaches(),
                   on_change=boundary.callback(change))  # fmt: skip


def follow_sweep(sweep: Sweep) -> None:
    """Draw the toggle for a sweep or a search."""
    had = subscriptions.of_person(store().root, store().by.name)
    is_on = sweep.id in had.sweeps

    def change() -> None:
        subscriptions.follow_sweep(store(), sweep, not is_on)
        say(not is_on)

    browser.toggle(f"follow {sweep.id}", LABEL, on=is_on, reaches=reaches(),
                   on_change=boundary.callback(change))  # fmt: skip


def reaches() -> bool:
    """Whether the admin has set an address that this person may use."""
    return bool(Addresses.here(store().root).usable(store().by.name))


def say(on: bool) -> None:
    """Say in a corner of the page where the news will come."""
    if not on:
        return
    names = subscriptions.of_person(store().root, store().by.name).addresses
    where = f"by {theme.safe(' and '.join(names))}, and" if names else ""
    st.toast(f"The news will come {where} in the menu Alerts.".replace("  ", " "),
             icon=":material/notifications:")  # fmt: skip
