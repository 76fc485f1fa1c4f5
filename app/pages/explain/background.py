"""Background jobs for the chosen networks, which make their confidence more meaningful."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.shared.networks import Network
from cifar_core.background.jobs import Job
from cifar_core.runs.results import neighbors, predictions

UNASKED = 180.0  # longest estimate in seconds for a job that is started without a click
VARIABLE = "CIFAR_UNASKED"  # "off": no job is started without a click
POLL = 2.0  # seconds between two updates


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """One background job for a network."""

    title: str
    offer: str  # the button's label
    errand: Job
    seconds: float  # about how long it takes


def works(network: Network) -> list[NetworkJob]:
    """Return all jobs for a network, in the order in which they are started."""
    images = network.run.environment["data"]
    width = network.classifier.last_layer.weight.shape[1]
    compared = min(images["train_images"], neighbors.most(width))
    cost = pass_seconds(*network.where)
    return [
        NetworkJob(
            title="Calibrating on the validation images", offer="Calibrate the probabilities",
            errand=calibrating(network), seconds=cost * images["val_images"],
        ),
        NetworkJob(
            title="Comparing with the training images", offer="Compare with the training images",
            errand=comparing(network), seconds=cost * (images["val_images"] + compared),
        ),
    ]  # fmt: skip


def calibrating(network: Network) -> Job:
    """Return the job that classifies the validation images."""
    return predictions.errand(network.run, "val", network.checkpoint.name)


def comparing(network: Network) -> Job:
    """Return the job that computes the training images' features."""
    return neighbors.errand(network.run, network.checkpoint.name)


def background(networks: Sequence[Network]) -> None:
    """Start quick jobs, offer slow ones, and show their progress; draw nothing if all are done."""
    for network in networks:
        missing = [work for work in works(network) if not work.errand.is_done]
        for work in missing:
            if error := work.errand.error:
                st.caption(f":material/error: {work.title}: {theme.safe(error)}")
                offer(work, "Try again")
        if left := [work for work in missing if not work.errand.error]:
            next_one(network, left[0])


def next_one(network: Network, work: NetworkJob) -> None:
    """Start or offer a job, or show its progress."""
    settled = not network.run.status.is_under_way  # its best epoch will not change
    if settled and work.seconds <= UNASKED and os.environ.get(VARIABLE) != "off":
        work.errand.start()
    if work.errand.is_due:
        st.fragment(progress, run_every=POLL)(work)
    else:
        offer(work, f"{work.offer} (about {about(work.seconds)})")


def offer(work: NetworkJob, label: str) -> None:
    """Draw a button that starts a job."""
    if st.button(
        label, key=f"do {work.errand.path}", icon=":material/balance:", type="tertiary",
        help="Runs once, in the background.",
    ):  # fmt: skip
        work.errand.start()
        st.rerun()


def about(seconds: float) -> str:
    """Write an estimated time roughly: from a minute on in whole minutes."""
    return theme.duration(seconds if seconds < 60 else 60 * round(seconds / 60))


def progress(work: NetworkJob) -> None:
    """Draw a job's progress; repeated until it is over, and then the page is redrawn."""
    if not work.errand.is_due:
        st.rerun()
    done, total = work.errand.progress
    st.progress(done / max(1, total), text=f":small[{work.title}]")
