"""What is computed in the background about a chosen network, so that its answers can be judged."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from app import theme
from app.cache.results import pass_seconds
from app.shared.job_offer import offer
from app.shared.networks import Network
from cifar_core.background.jobs import Job
from cifar_core.runs.results import neighbors, predictions

UNASKED = 180.0  # seconds that may be spent without having been asked for
VARIABLE = "CIFAR_UNASKED"  # "off": nothing is computed that nobody asked for


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """A background job about a network."""

    title: str
    label: str  # of the button
    job: Job
    seconds: float  # about how long it takes


def jobs(network: Network) -> list[NetworkJob]:
    """Return all that there is to compute, in the order in which it is done."""
    images = network.run.environment["data"]
    width = network.classifier.last_layer.weight.shape[1]
    known = min(images["train_images"], neighbors.most(width))
    cost = pass_seconds(*network.where)
    return [
        NetworkJob(
            title="Calibrating on the validation images", label="Calibrate the probabilities",
            job=calibrating(network), seconds=cost * images["val_images"],
        ),
        NetworkJob(
            title="Looking at the training images", label="Compare with the training images",
            job=comparing(network), seconds=cost * (images["val_images"] + known),
        ),
    ]  # fmt: skip


def calibrating(network: Network) -> Job:
    """Return the work of answering the validation images."""
    return predictions.job(network.run, "val", network.checkpoint.name)


def comparing(network: Network) -> Job:
    """Return the work of computing the training images' features."""
    return neighbors.job(network.run, network.checkpoint.name)


def background(networks: Sequence[Network]) -> None:
    """Start what is quick, offer what is not, and show its progress; nothing if all is done."""
    for network in networks:
        missing = [each for each in jobs(network) if not each.job.is_done]
        failed = [each for each in missing if each.job.error]
        ready = [each for each in missing if each not in failed]
        if ready:
            start_if_quick(network, ready[0])
        for each in [*failed, *ready[:1]]:
            offer(each.job, each.label, f"about {about(each.seconds)}, once, in the background",
                  key=f"do {each.job.path}", title=each.title, look="tertiary")  # fmt: skip


def start_if_quick(network: Network, work: NetworkJob) -> None:
    """Start a job that takes little time, unless that is turned off."""
    settled = not network.run.status.is_under_way  # its best epoch will not change
    if settled and work.seconds <= UNASKED and os.environ.get(VARIABLE) != "off":
        work.job.start()


def about(seconds: float) -> str:
    """Write a time roughly, as it is only estimated: of more than a minute in minutes."""
    return theme.duration(seconds if seconds < 60 else 60 * round(seconds / 60))
