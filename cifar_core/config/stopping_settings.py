"""Settings of a run: when it stops before its last epoch."""

from dataclasses import dataclass

from cifar_core.config.groups import STOPPING
from cifar_core.settings import Settings, number, switch


@dataclass(frozen=True, kw_only=True)
class StoppingSettings(Settings):
    """When a run stops before its last epoch."""

    goal: float = number(
        0.0,
        low=0.0,
        high=100.0,
        group=STOPPING,
        label="Goal",
        zero="off",
        help="Stop once the figure that decides the best epoch is this good on the held-out "
        "images, such as 0.9 for an accuracy of 90 %; if that figure is the loss, once it has come "
        "down to this; 0 never does.",
    )
    most_hours: float = number(
        0.0,
        low=0.0,
        high=10_000.0,
        group=STOPPING,
        label="Longest time in hours",
        zero="off",
        help="Stop after this many hours of training, which on a GPU are hours of the GPU, and "
        "test the best epoch so far; time in the queue does not count, and at least one epoch is "
        "trained. The learning rate is planned for all epochs, so a run that ends by time has not "
        "finished its decay: the schedules constant and plateau do not depend on it. 0 never does.",
    )
    patience: int = number(
        0,
        low=0,
        high=1000,
        group=STOPPING,
        label="Early stopping patience",
        zero="off",
        help="Stop after this many epochs without a better result on the held-out images, by the "
        "figure that decides the best epoch; 0 never does.",
    )
    min_delta: float = number(
        0.0,
        low=0.0,
        high=0.5,
        group=STOPPING,
        advanced=True,
        label="Smallest improvement",
        help="A smaller gain in the figure that decides the best epoch does not count as better.",
    )
    stop_overfitting: bool = switch(
        False,
        group=STOPPING,
        label="Stop when it overfits",
        help="Stop as soon as the reading of the curves finds that the run overfits: the "
        "validation loss rises beyond its noise while the training loss falls.",
    )
    retries_diverged: int = number(
        0,
        low=0,
        high=3,
        group=STOPPING,
        advanced=True,
        label="Retries after a divergence",
        zero="off",
        help="When the loss stops being a number, continue up to this many times from the last "
        "good checkpoint, each time at a tenth of the learning rate; with 0 the run fails.",
    )
