"""The Report page: what was trained and the results, to read, edit and hand in."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.screens.report.form import name_of, report_form
from app.screens.report.preview import preview
from app.session import store
from app.shared.address import left_out, say_left_out
from app.shared.nothing_trained import nothing_trained
from app.shared.places import places
from cifar_core.people import OPERATOR
from cifar_core.report import lab
from cifar_core.report.account import Account, account_of
from cifar_core.report.document import (
    MOST_RUNS,
    SECTIONS,
    TITLE,
    about_run,
    compose,
    opening,
)
from cifar_core.report.formats import FORMATS
from cifar_core.runs import TRAINING, Run, RunRow
from cifar_core.runs.store.run_row import own

ABOUT = (
    "**A report says what was trained and with what result**: a description, the settings, the "
    "loss plot with its interpretation, and the test accuracy. The program writes it from the "
    "files of a run. Every text can be edited before it is handed in as HTML, PDF or Markdown."
)
DOWNLOADS = ("html", "pdf", "zip", "csv")  # on the page, the first one first


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    st.header("Reports", anchor=False)
    rows = [row for row in store().seen() if row.epochs_done and row.kind == TRAINING]
    if not rows:
        nothing_trained()
        return
    names = {row.number: f"#{row.number} {row.name}" for row in rows}
    if not own(rows) and not st.query_params.get("runs"):
        st.session_state.setdefault("report_runs", [rows[-1].number])
        st.caption("The report of an example. Choose runs of yours to replace it.")
    follow_address(names)
    missing = left_out("runs", [str(number) for number in names])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = st.multiselect(
            "Runs", list(names), key="report_runs", format_func=lambda n: names[n],
            max_selections=MOST_RUNS, placeholder="Choose runs in the order of the report",
        )  # fmt: skip
        st.button(
            "The lab's report", icon=":material/school:", key="lab",
            on_click=boundary.callback(whole_lab),
            help="Chooses the newest finished run of each of the course's five networks.",
        )  # fmt: skip
    say_left_out(missing)
    st.query_params["runs"] = ",".join(map(str, numbers))
    if st.session_state.get("report_lab"):
        still_missing()
    if numbers:
        draw_report([store().run(number) for number in numbers])
    else:
        nothing_chosen(rows)


def nothing_chosen(rows: Sequence[RunRow]) -> None:
    """Say what a report is, and offer to begin with a run: the newest of one's own, or an example.

    A finished run comes before one that is still training or was stopped.
    """
    mine = own(rows) or rows
    first = max(mine, key=lambda row: (row.state == "finished", row.number))
    with st.container(border=True):
        st.markdown(ABOUT)
        what = f"#{first.number} {theme.short(first.name, 60)}"
        st.button(
            f"Report on {theme.safe(what)}", icon=":material/description:", key="report_first",
            on_click=boundary.callback(choose), args=([first.number],),
        )  # fmt: skip


def choose(numbers: Sequence[int]) -> None:
    """Choose the runs of the report."""
    st.session_state["report_runs"] = list(numbers)


def follow_address(names: dict[int, str]) -> None:
    """Start with the runs named in the address."""
    if "report_runs" in st.session_state:
        return
    words = st.query_params.get("runs", "").split(",")
    asked = [int(word) for word in words if word.strip().isdecimal()]
    st.session_state["report_runs"] = [n for n in dict.fromkeys(asked) if n in names][:MOST_RUNS]


def whole_lab() -> None:
    """Choose the newest finished run of each of the lab's networks."""
    runs = lab.lab_runs(store())
    st.session_state["report_runs"] = list(runs.trained)
    st.session_state["report_lab"] = list(runs.missing)
    st.session_state["report_title"] = lab.TITLE


def still_missing() -> None:
    """List the lab's networks that have no finished run, with links to train them."""
    from cifar_core.config.presets import PRESETS

    missing = [PRESETS[key] for key in st.session_state["report_lab"]]
    with st.container(border=True):
        st.markdown(f"Not trained yet: {theme.plural(len(missing), 'network')} of the lab's five.")
        with st.container(horizontal=True):
            for preset in missing:
                link("train", preset.title, ":material/play_circle:", preset=preset.key)


def draw_report(runs: Sequence[Run]) -> None:
    """Draw the report: its title and files, then the form of each run."""
    try:
        accounts = [account_of(run) for run in runs]
    except boundary.REFUSED as error:
        boundary.show(error)
        return
    title, author, sections = heading(runs)
    with st.grid(2, min_column_width=380, gap="medium"):
        with st.container():
            shown = forms(accounts)
        with st.container():
            preview([*opening(accounts, title, author, sections), *about_run(shown, sections)])
            if len(accounts) > 1:
                st.caption("Of the runs, the one whose tab is open. The files have them all.")


def forms(accounts: Sequence[Account]) -> Account:
    """Draw the form of one run, or of each in a tab; return the run whose form is open."""
    if len(accounts) == 1:
        form(accounts[0])
        return accounts[0]
    shown = accounts[0]
    tabs = st.tabs([name_of(account) for account in accounts], on_change="rerun",
                   key="report_tab")  # fmt: skip
    for tab, account in zip(tabs, accounts, strict=True):
        if tab.open:
            shown = account
            with tab:
                boundary.part(form)(account)
    return shown


def form(account: Account) -> None:
    """Draw the form of a run, with a link to its page."""
    report_form(account)
    link("run", f"Run #{account.run.number}", ":material/show_chart:", id=account.run.number)


def heading(runs: Sequence[Run]) -> tuple[str, str, Sequence[str]]:
    """Draw the download buttons and the controls for title, author and sections; return these."""
    with st.grid(3, min_column_width=240):
        title = st.text_input("Title", placeholder=TITLE, key="report_title", max_chars=120)
        author = st.text_input("Author", key="report_author", max_chars=120)
        sections = st.pills(
            "Include", list(SECTIONS), selection_mode="multi", default=list(SECTIONS),
            format_func=lambda key: SECTIONS[key].title, key="report_parts",
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        for key in DOWNLOADS:
            offer(key, runs, title or "", author or "", sections)
        if any(run.by.may(OPERATOR, run.owner) for run in runs):
            st.caption("You can edit the texts below first; they are kept with the run.")
    return title or "", (author or "").strip(), sections


def offer(key: str, runs: Sequence[Run], title: str, author: str, sections: Sequence[str]) -> None:
    """Draw the button of one file, which is written when it is clicked."""
    spec = FORMATS[key]

    def write() -> bytes:
        return spec.write(compose(runs, title=title, author=author, sections=sections))

    stem = f"report-{runs[0].id}" if len(runs) == 1 else "report"
    st.download_button(
        spec.title, write, f"{stem}.{key}", spec.media_type, key=f"download {key}",
        help=spec.summary, icon=":material/download:", on_click="ignore",
        type="primary" if key == DOWNLOADS[0] else "secondary",
    )  # fmt: skip
