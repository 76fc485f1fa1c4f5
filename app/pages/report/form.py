"""The lab's form of one run, to read and to write anew before it is exported."""

from typing import Any

import streamlit as st

from app import theme
from app.shared.attempt import attempt
from cifar_core.people import OPERATOR
from cifar_core.report.account import Account
from cifar_core.report.blocks import EDITED, Chart
from cifar_core.report.charts import loss_plot
from cifar_core.report.edits import LONGEST, edit, edits
from cifar_core.report.fields import FIELDS, FieldSpec
from cifar_core.report.plotly_json import figure


def report_form(account: Account) -> None:
    """Draw the fields of a run with what they say; a text is kept when its box is left."""
    run, mine = account.run, edits(account.run)
    may = run.by.may(OPERATOR, run.owner)
    for key, field in FIELDS.items():
        if key == "interpretation":
            chart(loss_plot(account), f"plot {run.id}")
        own = field.write(account)
        text = mine.get(key, own)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            box(account, field, text, may=may)
            if key in mine and may:
                st.button(
                    "Undo", key=f"undo {run.id} {key}", icon=":material/undo:",
                    help="Bring back what the program writes.", type="tertiary",
                    on_click=undo, args=(account, key, own),
                )  # fmt: skip
        st.caption(f":orange-badge[{EDITED}]" if key in mine else f"From {field.source}")
    if not may:
        st.caption("Only its owner or an operator may change these texts.")


def chart(of: Chart, key: str) -> None:
    """Draw a chart in the colours of the page's theme."""
    drawn = figure(of)
    del drawn["layout"]["font"]
    st.plotly_chart(drawn, key=key)


def box(account: Account, field: FieldSpec, text: str, *, may: bool) -> None:
    """Draw one text, and keep what is typed."""
    key = f"text {account.run.id} {field.key}"
    look: dict[str, Any] = {"max_chars": LONGEST, "help": field.summary, "disabled": not may}
    if field.short:
        typed = st.text_input(field.title, text, key=key, **look)
    else:
        typed = st.text_area(field.title, text, key=key, height="content", **look)
    if may and typed is not None and typed.strip() != text:
        own = field.write(account)
        changed = "" if typed.strip() == own else typed
        attempt(lambda: edit(account.run, {field.key: changed}))


def undo(account: Account, key: str, own: str) -> None:
    """Bring back the program's own text, in the box too."""
    edit(account.run, {key: ""})
    st.session_state[f"text {account.run.id} {key}"] = own


def name_of(account: Account) -> str:
    """Return a run's number and name for a tab."""
    return theme.safe(theme.short(account.title, 32))
