"""How long a run still takes: at its own speed, else as earlier runs, else by multiply-adds."""

from pathlib import Path

import streamlit as st

from app.screens.queue.forecast import UNKNOWN
from app.session import store
from app.shared.picker.history import history
from cifar_core import data
from cifar_core.data.dataset import SIZE
from cifar_core.data.sources import synthetic
from cifar_core.proposals import cost
from cifar_core.proposals.networks import NetworkFacts, network_facts
from cifar_core.runs import TRAINING, RunRow

HOUR = 3600.0  # seconds
HEAD = "head"  # the transfer plan for which features are computed once


def seconds_left(row: RunRow, *, gpu: bool) -> float:
    """Return about how many seconds a run still takes; UNKNOWN if nothing says so."""
    if row.eta_seconds is not None:
        return row.eta_seconds
    whole = of_all_epochs(row, gpu=gpu)
    limit = HOUR * float(row.settings.get("most_hours", 0.0))
    return min(whole, max(0.0, limit - row.seconds)) if limit else whole


def of_all_epochs(row: RunRow, *, gpu: bool) -> float:
    """Return about how many seconds the epochs that are left take; UNKNOWN if nothing says so."""
    facts = network_facts().get(row.model)
    if row.kind != TRAINING or facts is None:
        return UNKNOWN
    left = max(0, row.epochs - row.epochs_done)
    spent = row.seconds - row.features_seconds
    if row.epochs_done and spent > 0:
        return spent / row.epochs_done * left
    return expected(row, facts, left, gpu=gpu)


def expected(row: RunRow, facts: NetworkFacts, epochs: int, *, gpu: bool) -> float:
    """Return about how many seconds a run takes that has not trained yet."""
    settings = row.settings
    source = str(settings.get("data", ""))
    images = training_images(source, str(store().root))
    images = round(images * settings.get("train_fraction", 1) * (1 - settings["val_fraction"]))
    if not images:
        return UNKNOWN
    past = history(source, images, gpu=gpu)
    head = bool(facts.weights) and settings.get("plan") == HEAD
    passes = (settings.get("cached_views") or epochs) if head else epochs
    measured = past.costs.get(row.model)
    if measured is not None and measured.once == head:
        return measured.seconds * passes
    side, resolution = settings.get("image_size") or SIZE, settings.get("resolution", 0)
    multiply_adds = images * facts.multiply_adds_at(side, resolution)
    multiply_adds *= 1 if head else cost.BACKWARD
    return passes * multiply_adds / cost.speed(past.measured, gpu=gpu)


@st.cache_data(ttl=60, show_spinner=False)
def training_images(source: str, root: str) -> int:
    """Return how many training images a resolved source has; 0 if that is not known yet."""
    if synthetic.is_source(source):
        return synthetic.sizes_of(source)[0]
    return next((one.train_images for one in data.status(Path(root)) if one.source == source), 0)
