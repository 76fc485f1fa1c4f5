"""The lab's form for one run, to read and edit before it is exported."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from app import boundary, theme
from app.shared import edited
from cifar_core.people import OPERATOR
from cifar_core.report.account import Account
from cifar_core.report.blocks import EDITED
from cifar_core.report.edits import LONGEST, edit, edits
from cifar_core.report.fields import FIELDS, FieldSpec
from cifar_core.runs import Run


def report_form(account: Account) -> None:
    """Draw the fields of a run with their texts; a text is kept when its box loses focus."""
    run, mine = account.run, edits(account.run)
    may = run.by.may(OPERATOR, run.owner)
    for key, field in FIELDS.items():
        own, kept = field.write(account), mine.get(key, "")
        box_key = f"text {run.id} {key}"
        edited.conflict(box_key, keeper(run, key), between=" / " if field.short else "\n\n",
                        longest=LONGEST, none="The generated text")  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            box(account, field, own, kept, may=may)
            if key in mine and may:
                st.button(
                    "Undo", key=f"undo {run.id} {key}", icon=":material/undo:",
                    help="Restores the generated text.", type="tertiary",
                    on_click=boundary.callback(undo),
                    args=(box_key, partial(keeper(run, key), "", kept)),
                )  # fmt: skip
        if key in mine:
            st.caption(f":orange-badge[{EDITED}]")
    if not may:
        st.caption("You can read these texts but not edit them.")


def undo(box_key: str, act: Callable[[], object]) -> None:
    """Restore the generated text of a box."""
    edited.save(box_key, act)


def keeper(run: Run, key: str) -> edited.Save:
    """Return what keeps a text of a field that was written over another one."""
    return lambda text, was: edit(run, {key: text}, was={key: was})


def box(account: Account, field: FieldSpec, own: str, kept: str, *, may: bool) -> None:
    """Draw one text box, which shows the latest text, and keep what is typed.

    Args:
        account: of the run.
        field: the field of the form.
        own: the generated text.
        kept: the text that a person wrote instead; empty if no one did.
        may: whether this person may change it.
    """
    key = f"text {account.run.id} {field.key}"
    if key not in st.session_state or st.session_state.get(f"shown {key}") != (own, kept):
        st.session_state[key], st.session_state[f"shown {key}"] = kept or own, (own, kept)
    options: dict[str, Any] = {
        "max_chars": LONGEST, "help": origin(field, kept), "disabled": not may,
        "on_change": keep_typed, "args": (account.run, field.key),
    }  # fmt: skip
    if field.short:
        st.text_input(field.title, key=key, **options)
    else:
        st.text_area(field.title, key=key, height="content", **options)


def origin(field: FieldSpec, kept: str) -> str:
    """Say what belongs in a field, and where its text comes from unless a person wrote it."""
    return field.summary if kept else f"{field.summary} From {field.source}."


def keep_typed(run: Run, field: str) -> None:
    """Keep what was just typed into a box, over the text that the box showed."""
    key = f"text {run.id} {field}"
    own, kept = st.session_state[f"shown {key}"]
    typed = str(st.session_state[key] or "").strip()
    changed = "" if typed == own else typed
    if edited.save(key, lambda: keeper(run, field)(changed, kept)) or edited.is_open(key):
        st.session_state.pop(f"shown {key}")  # so that it shows the kept text


def name_of(account: Account) -> str:
    """Return the title of a run's tab: its number and name."""
    return theme.safe(theme.short(account.title, 32))
