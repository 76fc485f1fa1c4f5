"""Where a run with imported curves comes from, in words."""

import streamlit as st

from app import theme
from cifar_core.runs import KINDS, Run
from cifar_core.runs.exchange.curves.formats import FORMATS

WHY = (
    "Only its curves are here: no weights, no settings to train with and no images. It is not "
    "in any statistics, and cannot be resumed, cloned or asked about pictures."
)


def imported_line(run: Run) -> None:
    """Draw the mark of imported curves, and where they come from."""
    kind = KINDS[run.kind]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(f"{kind.title}, not trained here", icon=":material/input:", color="violet",
                 help=WHY)  # fmt: skip
        st.markdown(theme.safe(origin_words(run)), width="content")


def origin_words(run: Run) -> str:
    """Say from which tool, file and run the curves come, and when they were imported."""
    origin = run.about.imported
    if origin is None:
        return "Where they come from is not recorded."
    tool = FORMATS[origin.tool].title if origin.tool in FORMATS else "another tool"
    known = [part for part in (origin.name, origin.run) if part]
    of = f", run {' / '.join(dict.fromkeys(known))}" if known else ""
    return f"From {origin.file or 'a file'} ({tool}{of}), imported {theme.clock(origin.at)}."
