"""The largest batch that fits into memory, measured on request, one click away from the form."""

from dataclasses import replace

import streamlit as st

from app import theme
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.errors import CifarError
from cifar_core.people import OPERATOR
from cifar_core.runs.prepare.largest_batch import LargestBatch, measure


def batch_fit(config: TrainConfig, prefix: str) -> None:
    """Offer to measure it; show it as long as only the batch is changed."""
    same = replace(config, batch_size=2, micro_batch=0)
    known: tuple[TrainConfig, LargestBatch] | None = remembered(Key.LARGEST_BATCH)
    if known and known[0] == same:
        found(known[1], config.batch_size, prefix)
    elif st.button("Find the largest batch", icon=":material/memory_alt:", key="find_fit"):
        try:
            with st.spinner("Training steps with growing batches"):
                store().by.must(OPERATOR, "measure on this machine")
                remember(Key.LARGEST_BATCH, (same, measure(config, store().root)))
        except CifarError as error:
            st.error(theme.safe(str(error)))
        else:
            st.rerun()


def found(fit: LargestBatch, batch: int, prefix: str) -> None:
    """Say what came out, and offer to put it into the form."""
    st.markdown(
        f":material/memory_alt: {theme.safe(fit.sentence(batch))} :gray[({theme.safe(fit.basis)})]"
    )
    if small := fit.micro_batch(batch):
        offer(f"Compute {small:,} images at once", f"{prefix}.micro_batch", small)
    elif 0 < fit.largest < fit.at_most and fit.largest != batch:
        offer(f"Use a batch of {fit.largest:,}", f"{prefix}.batch_size", fit.largest)


def offer(label: str, key: str, value: int) -> None:
    """Draw a button that puts a value into the form."""
    st.button(
        label, icon=":material/input:", type="tertiary", key="use_fit",
        on_click=put, args=(key, value),
    )  # fmt: skip


def put(key: str, value: int) -> None:
    """Set a control of the form."""
    st.session_state[key] = value
