"""Background jobs for the chosen networks, which make their confidence more meaningful."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from app import theme
from app.cache.results import pass_seconds
from app.shared.job_offer import offer
from app.shared.networks import Network
from cifar_core.data.away import is_away
from cifar_core.errors import BusyError
from cifar_core.runs.results import neighbors, predictions
from cifar_core.runs.store.run_job import RunJob

UNASKED = 180.0  # longest estimate in seconds for a job that is started without a click
VARIABLE = "CIFAR_UNASKED"  # "off": no job is started without a click


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """One background job for a network."""

    title: str
    label: str  # of the button
    job: RunJob
    seconds: float  # about how long it takes


def jobs(network: Network) -> list[NetworkJob]:
    """Return all jobs for a network, in the order in which they are started.

    There are none if the images are not on this machine.
    """
    if is_away(network.run.source):
        return []
    images = network.run.environment.data
    width = network.classifier.last_layer.weight.shape[1]
    compared = min(images.train_images, neighbors.most(width))
    cost = pass_seconds(*network.where)
    return [
        NetworkJob(
            title="Calibrating on the validation images", label="Calibrate the probabilities",
            job=calibrating(network), seconds=cost * images.val_images,
        ),
        NetworkJob(
            title="Comparing with the training images", label="Compare with the training images",
            job=comparing(network), seconds=cost * (images.val_images + compared),
        ),
    ]  # fmt: skip


def calibrating(network: Network) -> RunJob:
    """Return the job that classifies the validation images."""
    return predictions.job(network.run, "val", network.checkpoint.name)


def comparing(network: Network) -> RunJob:
    """Return the job that computes the training images' features."""
    return neighbors.job(network.run, network.checkpoint.name)


def background(networks: Sequence[Network]) -> None:
    """Start quick jobs, offer slow ones, and show their progress; draw nothing if all are done."""
    for network in networks:
        missing = [each for each in jobs(network) if not each.job.is_done]
        failed = [each for each in missing if each.job.error]
        ready = [each for each in missing if each not in failed]
        if ready:
            start_if_quick(network, ready[0])
        for each in [*failed, *ready[:1]]:
            offer(each.job, each.label, f"about {about(each.seconds)}, once, in the background",
                  key=f"do {each.job.path}", title=each.title, type_="tertiary")  # fmt: skip


def start_if_quick(network: Network, work: NetworkJob) -> None:
    """Start a quick job, unless that is turned off."""
    settled = not network.run.status.is_under_way  # its best epoch will not change
    if settled and work.seconds <= UNASKED and os.environ.get(VARIABLE) != "off":
        with suppress(BusyError):  # then the button says why
            work.job.start()


def about(seconds: float) -> str:
    """Write an estimated time roughly: from a minute on in whole minutes."""
    return theme.duration(seconds if seconds < 60 else 60 * round(seconds / 60))
