"""The script of every session, served by app/server.py: admits the visitor, lists the pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that `import app` works

import streamlit as st

from app import warm_up
from app.access import admission
from app.cache.examples import place_examples
from app.corner.corner import corner
from app.corner.phone_bar import phone_bar
from app.navigation import PLACES, entry, moved
from app.shared.live_chart import publish_plotly
from cifar_core.runs.store import looks

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
place = st.navigation(
    [
        *(entry(name, *words) for name, words in PLACES.items()),
        entry("run", "Run", hidden=True),
        entry("sweep", "Sweep", hidden=True),
        entry("queue", "Queue", hidden=True),
        entry("compare", "Compare", hidden=True),
        entry("report", "Reports", hidden=True),
        *moved(),
    ],
    position="top",
)
with looks.shared():
    corner()
    place.run()
    phone_bar()
warm_up.begin()
