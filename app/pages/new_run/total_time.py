"""How long several runs take, from what was measured on this form or in earlier runs."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.session import Key, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.runs import RunRow
from cifar_core.runs.prepare.epoch_time import Estimate
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS


def about_time(seconds: float | None, *, at_most: bool = False) -> None:
    """Say how long all runs take, or how to find out."""
    if seconds is None:
        st.markdown(
            ":material/timer: How long that takes is not known yet: **Measure the time** above."
        )
        return
    how = "at most" if at_most else "about"
    st.markdown(f":material/timer: {how} **{theme.duration(seconds)}**, one after another")


def run_seconds(configs: Sequence[TrainConfig], images: Dataset | None) -> list[float] | None:
    """Estimate the time of each run; None if that of any is not known."""
    known: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    rows = store().runs()
    found = []
    for config in configs:
        each = epoch_seconds(config, known, rows, images)
        if each is None:
            return None
        found.append(each * config.epochs)
    return found


def search_seconds(configs: Sequence[TrainConfig], images: Dataset | None) -> float | None:
    """Estimate the time of a rate search for each of the settings."""
    each = run_seconds(configs, images)
    if each is None or images is None:
        return None
    steps = [len(images.train) * c.train_fraction * c.epochs / c.batch_size for c in configs]
    return sum(USUAL_STEPS * s / max(1.0, n) for s, n in zip(each, steps, strict=True))


def epoch_seconds(
    config: TrainConfig,
    known: tuple[TrainConfig, Estimate] | None,
    rows: Sequence[RunRow],
    images: Dataset | None,
) -> float | None:
    """Return what an epoch took when it was measured here, or in the newest run of the network."""
    if known and known[0].model == config.model and known[0].computes_on == config.computes_on:
        share = config.train_fraction / known[0].train_fraction
        return known[1].seconds_per_epoch * share
    for row in rows:
        if row.model == config.model and row.images_per_second and images is not None:
            if store().run(row.id).settings.get("resolution") != config.resolution:
                continue
            used = len(images.train) * config.train_fraction
            return used / row.images_per_second
    return None
