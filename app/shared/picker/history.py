"""What the runs of a store say about each network, kept until one of them changes."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.session import store
from cifar_core.runs import RunRow
from cifar_core.runs.listing.history import History, history_of, trainings

__all__ = ["History", "history"]


def history(source: str, images: int, *, gpu: bool) -> History:
    """Return what this store's runs say about networks for a source with so much to train on."""
    rows = trainings(store().runs())
    mark = tuple((row.id, row.epochs_done, row.best_val_accuracy) for row in rows)
    return _history(str(store().root), mark, source, images, gpu, rows)


@st.cache_data(max_entries=16, show_spinner=False)
def _history(
    root: str,
    mark: tuple[object, ...],
    source: str,
    images: int,
    gpu: bool,
    _rows: Sequence[RunRow],
) -> History:
    return history_of(Path(root), _rows, source, images, gpu=gpu)
