"""How long several runs take, estimated from this form's measurement or from earlier runs."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.screens.train.expected_time import is_measured_here, same_place, within_limit
from app.session import Key, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.runs import RunRow
from cifar_core.runs.prepare.epoch_time import Estimate
from cifar_core.runs.store.run_row import own
from cifar_core.runs.sweeps.rate_searches import USUAL_STEPS


def about_time(seconds: float | None, config: TrainConfig, *, at_most: bool = False) -> None:
    """Say how long all runs take, of which `config` is one, or how to find out."""
    if not is_measured_here(config):
        in_all = f":material/timer: about **{theme.duration(seconds)}** of training in all"
        st.markdown(in_all if seconds else ":material/timer: The total time is not known yet.")
        return
    if seconds is None:
        st.markdown(":material/timer: The total time is not known yet: **Measure the time** below.")
        return
    how = "at most" if at_most else "about"
    st.markdown(f":material/timer: {how} **{theme.duration(seconds)}**, one after another")


def run_seconds(configs: Sequence[TrainConfig], images: Dataset | None) -> list[float] | None:
    """Estimate the seconds of each run; None if those of any are not known."""
    measured: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    rows = own(store().seen())
    seconds = []
    for config in configs:
        per_epoch = epoch_seconds(config, measured, rows, images)
        if per_epoch is None:
            return None
        whole = per_epoch * config.epochs
        seconds.append(within_limit(whole, config.most_hours, config.epochs))
    return seconds


def search_seconds(configs: Sequence[TrainConfig], images: Dataset | None) -> float | None:
    """Estimate the seconds of all rate searches, one for each of the settings."""
    seconds = run_seconds(configs, images)
    if seconds is None or images is None:
        return None
    steps = [len(images.train) * c.train_fraction * c.epochs / c.batch_size for c in configs]
    return sum(USUAL_STEPS * s / max(1.0, n) for s, n in zip(seconds, steps, strict=True))


def epoch_seconds(
    config: TrainConfig,
    measured: tuple[TrainConfig, Estimate] | None,
    rows: Sequence[RunRow],
    images: Dataset | None,
) -> float | None:
    """Return how long an epoch took when measured here, or in the newest run of the network.

    Runs at another place or on more or fewer devices say nothing about it.
    """
    if measured and is_measured_here(config) and same_network(measured[0], config):
        share = config.train_fraction / measured[0].train_fraction
        return measured[1].seconds_per_epoch * share
    for row in rows:
        alike = row.model == config.model and same_place(row, config)
        if alike and row.images_per_second and images is not None:
            if (row.settings.get("resolution"), row.side) != (config.resolution, config.side):
                continue
            used = len(images.train) * config.train_fraction
            return used / row.images_per_second
    return None


def same_network(first: TrainConfig, second: TrainConfig) -> bool:
    """Whether two runs train the same network on images of the same size."""
    return (first.model, first.computes_on) == (second.model, second.computes_on)
