"""The Report page: what was trained and what came out, to read, to edit and to hand in."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.pages.report.form import chart, name_of, report_form
from app.session import store
from cifar_core.errors import CifarError
from cifar_core.report import lab
from cifar_core.report.account import Account, account_of
from cifar_core.report.charts import comparison
from cifar_core.report.document import MOST_RUNS, SECTIONS, TITLE, compose
from cifar_core.report.formats import FORMATS
from cifar_core.runs import TRAINING, Run

DOWNLOADS = ("html", "pdf", "zip", "csv")  # on the page, the first one first


def page() -> None:
    """Draw the report on the runs that the address names."""
    st.header("Report", anchor=False)
    rows = [row for row in store().runs() if row.epochs_done and row.kind == TRAINING]
    if not rows:
        st.markdown("A report is written on runs that have finished an epoch. There is none yet.")
        link("new_run", "Train a network", ":material/play_circle:")
        return
    names = {row.number: f"#{row.number} {row.name}" for row in rows}
    follow_address(names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = st.multiselect(
            "Runs", list(names), key="report_runs", format_func=lambda n: names[n],
            max_selections=MOST_RUNS, placeholder="Choose runs, in the order of the report",
        )  # fmt: skip
        st.button(
            "The lab's report", icon=":material/school:", key="lab", on_click=whole_lab,
            help="The newest finished run of each of the course's five networks.",
        )  # fmt: skip
    st.query_params["runs"] = ",".join(map(str, numbers))
    if st.session_state.get("report_lab"):
        still_missing()
    if numbers:
        written([store().run(number) for number in numbers])


def follow_address(names: dict[int, str]) -> None:
    """Begin with the runs of the address."""
    if "report_runs" in st.session_state:
        return
    words = st.query_params.get("runs", "").split(",")
    asked = [int(word) for word in words if word.strip().isdecimal()]
    st.session_state["report_runs"] = [n for n in dict.fromkeys(asked) if n in names][:MOST_RUNS]


def whole_lab() -> None:
    """Choose the newest run of each of the lab's networks."""
    found = lab.lab_runs(store())
    st.session_state["report_runs"] = list(found.trained)
    st.session_state["report_lab"] = list(found.missing)
    st.session_state["report_title"] = lab.TITLE


def still_missing() -> None:
    """Say which of the lab's networks have not been trained, and lead to where they are."""
    from cifar_core.config.presets import PRESETS

    missing = [PRESETS[key] for key in st.session_state["report_lab"]]
    with st.container(border=True):
        st.markdown(f"Not trained yet: {theme.plural(len(missing), 'network')} of the lab's five.")
        with st.container(horizontal=True):
            for preset in missing:
                link("new_run", preset.title, ":material/play_circle:", preset=preset.key)


def written(runs: Sequence[Run]) -> None:
    """Draw the report: how it is headed, the files, then run by run."""
    try:
        accounts = [account_of(run) for run in runs]
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return
    heading(runs)
    if len(accounts) > 1:
        chart(comparison(accounts), "comparison")
        tabs = st.tabs([name_of(account) for account in accounts], on_change="rerun",
                       key="report_tab")  # fmt: skip
        for tab, account in zip(tabs, accounts, strict=True):
            if tab.open:
                with tab:
                    form(account)
    else:
        form(accounts[0])


def form(account: Account) -> None:
    """Draw the form of a run, with the way to its page."""
    report_form(account)
    link("run", f"Run #{account.run.number}", ":material/show_chart:", id=account.run.number)


def heading(runs: Sequence[Run]) -> None:
    """Ask for title, author and parts, and offer the files."""
    with st.grid(3, min_column_width=240):
        title = st.text_input("Title", placeholder=TITLE, key="report_title", max_chars=120)
        author = st.text_input("Author", key="report_author", max_chars=120)
        parts = st.pills(
            "Also in it", list(SECTIONS), selection_mode="multi", default=list(SECTIONS),
            format_func=lambda key: SECTIONS[key].title, key="report_parts",
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        for key in DOWNLOADS:
            offer(key, runs, title or "", author or "", parts)
        st.caption("The texts below can be edited first; what you write is kept with the run.")


def offer(key: str, runs: Sequence[Run], title: str, author: str, parts: Sequence[str]) -> None:
    """Draw the button of one file, which is written when it is asked for."""
    kind = FORMATS[key]

    def write() -> bytes:
        return kind.write(compose(runs, title=title, author=author, sections=parts))

    stem = f"report-{runs[0].id}" if len(runs) == 1 else "report"
    st.download_button(
        kind.title, write, f"{stem}.{key}", kind.media_type, key=f"download {key}",
        help=kind.summary, icon=":material/download:", on_click="ignore",
        type="primary" if key == DOWNLOADS[0] else "secondary",
    )  # fmt: skip
