"""What is computed in the background about a chosen network, so that its answers can be judged."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.shared.networks import Network
from cifar_core.background.jobs import Job
from cifar_core.runs.results import neighbors, predictions

UNASKED = 180.0  # seconds that may be spent without having been asked for
VARIABLE = "CIFAR_UNASKED"  # "off": nothing is computed that nobody asked for
POLL = 2.0  # seconds between two looks


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """One piece of work about a network."""

    title: str
    offer: str  # the button's label
    errand: Job
    seconds: float  # about how long it takes


def works(network: Network) -> list[NetworkJob]:
    """Return all that there is to compute, in the order in which it is done."""
    images = network.run.environment.data
    width = network.classifier.last_layer.weight.shape[1]
    known = min(images.train_images, neighbors.most(width))
    cost = pass_seconds(*network.where)
    return [
        NetworkJob(
            title="Calibrating on the validation images", offer="Calibrate the probabilities",
            errand=calibrating(network), seconds=cost * images.val_images,
        ),
        NetworkJob(
            title="Looking at the training images", offer="Compare with the training images",
            errand=comparing(network), seconds=cost * (images.val_images + known),
        ),
    ]  # fmt: skip


def calibrating(network: Network) -> Job:
    """Return the work of answering the validation images."""
    return predictions.errand(network.run, "val", network.checkpoint.name)


def comparing(network: Network) -> Job:
    """Return the work of computing the training images' features."""
    return neighbors.errand(network.run, network.checkpoint.name)


def background(networks: Sequence[Network]) -> None:
    """Start what is quick, offer what is not, and show how far it is; nothing if all is done."""
    for network in networks:
        missing = [work for work in works(network) if not work.errand.is_done]
        for work in missing:
            if error := work.errand.error:
                st.caption(f":material/error: {work.title}: {theme.safe(error)}")
                offer(work, "Try again")
        if left := [work for work in missing if not work.errand.error]:
            next_one(network, left[0])


def next_one(network: Network, work: NetworkJob) -> None:
    """Start or offer a piece of work, or show how far it is."""
    settled = not network.run.status.is_under_way  # its best epoch will not change
    if settled and work.seconds <= UNASKED and os.environ.get(VARIABLE) != "off":
        work.errand.start()
    if work.errand.is_due:
        st.fragment(progress, run_every=POLL)(work)
    else:
        offer(work, f"{work.offer} (about {about(work.seconds)})")


def offer(work: NetworkJob, label: str) -> None:
    """Draw a button that starts a piece of work."""
    if st.button(
        label, key=f"do {work.errand.path}", icon=":material/balance:", type="tertiary",
        help="Runs in the background, once.",
    ):  # fmt: skip
        work.errand.start()
        st.rerun()


def about(seconds: float) -> str:
    """Write a time roughly, as it is only estimated: of more than a minute in minutes."""
    return theme.duration(seconds if seconds < 60 else 60 * round(seconds / 60))


def progress(work: NetworkJob) -> None:
    """Draw how far a piece of work is; repeated until it is over, and then the page is drawn."""
    if not work.errand.is_due:
        st.rerun()
    done, total = work.errand.progress
    st.progress(done / max(1, total), text=f":small[{work.title}]")
