"""What is taken for what: the validation images by true and predicted class, epoch by epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.screens.run.watch.pictures import namer
from cifar_core.runs import Run
from cifar_core.runs.record.watched.rows import WatchedEpoch

HERE = Path(__file__).parent
FRAMES = 40  # epochs that one can look back at, evenly spaced
PAIRS = 5  # mistakes in words of a run with many classes

_mount = st.components.v2.component(
    "cifar_lab.confused",
    html="<section class='lab-confused' aria-label='What is taken for what'></section>",
    css=(HERE / "confused.css").read_text("utf-8"),
    js=(HERE / "confused.js").read_text("utf-8"),
    isolate_styles=False,
)


def confused(run: Run, epochs: Sequence[WatchedEpoch]) -> None:
    """Draw the confusions of the last epoch; the browser looks back at earlier ones."""
    st.markdown("**What is taken for what**")
    _mount(key=f"confused{run.number}", data=payload(run, epochs), height="content")


def payload(run: Run, epochs: Sequence[WatchedEpoch]) -> dict[str, Any]:
    """Return what the browser draws: the names of the classes, and a frame for each epoch."""
    classes, name = epochs[-1].classes, namer(run)
    if classes:
        return {
            "names": [name(number) for number in range(classes)],
            "frames": [
                {"epoch": epoch.epoch, "counts": epoch.counts}
                for epoch in spread(epochs)
                if epoch.classes == classes
            ],
        }
    return {
        "names": [],
        "frames": [
            {
                "epoch": epoch.epoch,
                "pairs": [[name(true), name(taken), n] for true, taken, n in epoch.worst[:PAIRS]],
            }
            for epoch in spread(epochs)
        ],
    }


def spread(epochs: Sequence[WatchedEpoch], most: int = FRAMES) -> list[WatchedEpoch]:
    """Return at most `most` epochs, evenly spaced, the last one among them."""
    if len(epochs) <= most:
        return list(epochs)
    last = len(epochs) - 1
    return [epochs[round(last * place / (most - 1))] for place in range(most)]
