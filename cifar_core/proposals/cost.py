"""How long an epoch takes on this machine: measured in runs of a store, else estimated.

An estimate takes the multiply-adds of an epoch, three times those of a forward pass, and the
speed at which runs of this store have computed them. It is often off by a factor of two, because
networks keep a processor busy to different degrees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import cpu_count
from statistics import median

from cifar_core.proposals.networks import NetworkFacts, network_facts

BACKWARD = 3  # a training step costs three forward passes
CORE = 3e10  # multiply-adds a second and core, before any run has been measured
GPU = 5e12  # and on a GPU
LONGEST = 15 * 60  # seconds of an epoch, for a network that fits a machine
STATES = 4  # numbers kept for each weight: itself, its gradient and two of the optimizer
BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How fast a network was trained in a run of this store on this machine."""

    network: str
    images: int  # of an epoch
    seconds: float  # of an epoch
    side: int = 32  # pixels a side of the images
    resolution: int = 0  # to which a pretrained network enlarged smaller ones; 0: as usual


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of an epoch; or of the features of a frozen network, which are computed once."""

    seconds: float
    measured: bool = False
    once: bool = False


def teaching(multiply_adds: Sequence[int], images: float, passes: int) -> float:
    """Return the multiply-adds that teachers add to a run, which only answer.

    `multiply_adds` are those of each teacher for an image; `passes` is how often each image is
    shown to them: in each epoch, or once for each view if their answers are kept.
    """
    return sum(multiply_adds) * images * passes


def speed(runs: Iterable[Measured], *, gpu: bool) -> float:
    """Return multiply-adds a second: the median of measured runs, else a typical value."""
    facts = network_facts()
    speeds = [
        run.images
        * BACKWARD
        * facts[run.network].multiply_adds_at(run.side, run.resolution)
        / run.seconds
        for run in runs
        if run.network in facts and run.seconds > 0 and run.images > 0
    ]
    return median(speeds) if speeds else typical(gpu=gpu)


def typical(*, gpu: bool) -> float:
    """Return the speed that is assumed of a machine before any run has been measured."""
    return GPU if gpu else CORE * max(1, (cpu_count() or 1) - 1)


def estimated(network: NetworkFacts, images: int, a_second: float) -> Cost:
    """Return what an epoch costs, or the features of a pretrained network, by multiply-adds."""
    passes = 1 if network.weights else BACKWARD
    seconds = images * passes * network.multiply_adds / a_second
    return Cost(seconds=seconds, once=bool(network.weights))


def fits(network: NetworkFacts, cost: Cost, memory: float) -> bool:
    """Whether it takes bearable time, and training its weights half of a memory in megabytes."""
    return cost.seconds <= LONGEST and network.parameters * STATES * BYTES / 1e6 <= memory / 2
