"""The script of every session, served by app/server.py: admits the visitor, lists the pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that `import app` works

import streamlit as st

from app import warm_up
from app.access import admission
from app.cache.examples import place_examples
from app.navigation import entry
from app.shared.live_chart import publish_plotly

st.set_page_config(
    page_title="CIFAR Lab",
    page_icon=str(Path(__file__).parent / "static/favicon.png"),
    layout="wide",
)
style = (Path(__file__).parent / "static/page.css").read_text("utf-8")
st.html(f"<i hidden></i><style>{style}</style>")  # a style alone would take the place of a toast
admission.admit()
place_examples()
publish_plotly()
st.navigation(
    [
        entry("runs", "Runs", ":material/monitoring:", "All runs, with their status and results."),
        entry(
            "new_run", "New run", ":material/play_circle:", "Choose settings and start training."
        ),
        entry("run", "Run", ":material/show_chart:", "One run and its live curves.", hidden=True),
        entry("evaluate", "Evaluate", ":material/fact_check:", "How good one run is.", hidden=True),
        entry("sweep", "Sweep", ":material/grid_view:", "Settings compared.", hidden=True),
        entry(
            "compare", "Compare", ":material/compare_arrows:", "Runs side by side: which is better?"
        ),
        entry("explain", "Explain", ":material/image_search:", "What a network looks at."),
        entry("report", "Report", ":material/description:", "Results as a document to hand in."),
        entry("inside", "Inside", ":material/layers:", "A network's layers.", hidden=True),
        entry(
            "data", "Data", ":material/dataset:", "The images: what there is, and how to get more."
        ),
    ],
    position="top",
).run()
admission.badge()
warm_up.begin()
