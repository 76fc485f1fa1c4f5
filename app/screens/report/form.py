"""The lab's form for one run, to read and edit before it is exported."""

from typing import Any

import streamlit as st

from app import boundary, theme
from app.shared.attempt import attempt
from cifar_core.people import OPERATOR
from cifar_core.report.account import Account
from cifar_core.report.blocks import EDITED, Chart
from cifar_core.report.charts import loss_plot
from cifar_core.report.edits import LONGEST, edit, edits
from cifar_core.report.fields import FIELDS, FieldSpec
from cifar_core.report.plotly_json import figure


def report_form(account: Account) -> None:
    """Draw the fields of a run with their texts; a text is kept when its box loses focus."""
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
                    help="Restores the generated text.", type="tertiary",
                    on_click=boundary.callback(undo), args=(account, key, own),
                )  # fmt: skip
        st.caption(f":orange-badge[{EDITED}]" if key in mine else f"From {field.source}")
    if not may:
        st.caption("You can read these texts but not edit them.")


def chart(of: Chart, key: str) -> None:
    """Draw a chart in the colors of the page's theme; without any point, say why."""
    if not any(len(line.x) for panel in of.panels for line in panel.lines):
        st.caption("There are no curves to draw: the rows of metrics are missing or damaged.")
        return
    plotly = figure(of)
    del plotly["layout"]["font"]
    st.plotly_chart(plotly, key=key)


def box(account: Account, field: FieldSpec, text: str, *, may: bool) -> None:
    """Draw one text box, and keep what is typed."""
    key = f"text {account.run.id} {field.key}"
    options: dict[str, Any] = {"max_chars": LONGEST, "help": field.summary, "disabled": not may}
    if field.short:
        typed = st.text_input(field.title, text, key=key, **options)
    else:
        typed = st.text_area(field.title, text, key=key, height="content", **options)
    if may and typed is not None and typed.strip() != text:
        own = field.write(account)
        changed = "" if typed.strip() == own else typed
        attempt(lambda: edit(account.run, {field.key: changed}))


def undo(account: Account, key: str, own: str) -> None:
    """Restore the generated text, in the box too."""
    edit(account.run, {key: ""})
    st.session_state[f"text {account.run.id} {key}"] = own


def name_of(account: Account) -> str:
    """Return the title of a run's tab: its number and name."""
    return theme.safe(theme.short(account.title, 32))
