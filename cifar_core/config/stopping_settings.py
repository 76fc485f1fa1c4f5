"""Settings of a run: when it stops before its last epoch."""

from dataclasses import dataclass

from cifar_core.config.groups import STOPPING
from cifar_core.settings import Settings, number


@dataclass(frozen=True, kw_only=True)
class StoppingSettings(Settings):
    """When a run stops before its last epoch."""

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
