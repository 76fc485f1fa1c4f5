"""The largest batch that fits into memory, measured on request, one click away from the form."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import boundary, theme
from app.screens.train.expected_time import is_measured_here
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.people import OPERATOR
from cifar_core.runs.prepare.largest_batch import LargestBatch, measure
from cifar_core.runs.prepare.teacher_networks import Taught


def batch_fit(config: TrainConfig, prefix: str, teachers: Sequence[Taught] = ()) -> None:
    """Offer it to those who may measure; show the result until anything but the batch changes.

    It measures one device of this machine, so it is not offered for other runs.
    `teachers` are the checkpoints that the run learns from.
    """
    if not store().by.may(OPERATOR) or not is_measured_here(config):
        return
    but_for_batch = replace(config, batch_size=2, micro_batch=0)
    measured: tuple[TrainConfig, LargestBatch] | None = remembered(Key.LARGEST_BATCH)
    if measured and measured[0] == but_for_batch:
        result(measured[1], config.batch_size, prefix)
    elif st.button("Find the largest batch", icon=":material/memory_alt:", key="find_fit"):
        try:
            with (
                store().action("measure on this machine", "measured", "the largest batch"),
                st.spinner("Training a few steps with larger and larger batches"),
            ):
                remember(
                    Key.LARGEST_BATCH, (but_for_batch, measure(config, store().root, teachers))
                )
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()


def result(largest: LargestBatch, batch: int, prefix: str) -> None:
    """Say what was measured, and offer to put it into the form."""
    sentence, basis = theme.safe(largest.sentence(batch)), theme.safe(largest.basis)
    st.markdown(f":material/memory_alt: {sentence} :gray[({basis})]")
    if piece := largest.micro_batch(batch):
        offer(f"Compute {piece:,} images at once", f"{prefix}.micro_batch", piece)
    elif 0 < largest.largest < largest.at_most and largest.largest != batch:
        offer(f"Use a batch of {largest.largest:,}", f"{prefix}.batch_size", largest.largest)


def offer(label: str, key: str, value: int) -> None:
    """Draw a button that puts a value into the form."""
    st.button(
        label, icon=":material/input:", type="tertiary", key="use_fit",
        on_click=boundary.callback(put), args=(key, value),
    )  # fmt: skip


def put(key: str, value: int) -> None:
    """Set a control of the form."""
    st.session_state[key] = value
