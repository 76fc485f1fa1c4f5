"""Settings of a run: the optimizer and its own parameters."""

from dataclasses import dataclass

from cifar_core.config.groups import OPTIMIZATION
from cifar_core.optim import OPTIMIZERS
from cifar_core.settings import Settings, choice, number, switch


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings(Settings):
    """How gradients become weight updates."""

    optimizer: str = choice(
        "sgd",
        OPTIMIZERS,
        group=OPTIMIZATION,
        often_varied=True,
        shapes_step=True,
        plural="optimizers",
        help="How gradients become weight updates.",
    )
    learning_rate: float = number(
        0.1,
        low=1e-6,
        high=10.0,
        group=OPTIMIZATION,
        log_scale=True,
        often_varied=True,
        plural="rates",
        help="The step size at its peak; the schedule scales it.",
    )
    momentum: float = number(
        0.9,
        low=0.0,
        high=0.999,
        group=OPTIMIZATION,
        used_by="optimizer",
        advanced=True,
        help="Share of the last update that is carried over into the next.",
    )
    nesterov: bool = switch(
        True,
        group=OPTIMIZATION,
        used_by="optimizer",
        advanced=True,
        label="Nesterov momentum",
        help="Compute the gradient at the point to which the momentum is about to lead.",
    )
    beta1: float = number(
        0.9,
        low=0.0,
        high=0.9999,
        group=OPTIMIZATION,
        used_by="optimizer",
        advanced=True,
        help="Decay rate of the running mean of the gradient.",
    )
    beta2: float = number(
        0.999,
        low=0.0,
        high=0.99999,
        group=OPTIMIZATION,
        used_by="optimizer",
        advanced=True,
        help="Decay rate of the running mean of the squared gradient.",
    )
    adamw_share: float = number(
        0.2,
        low=0.001,
        high=10.0,
        group=OPTIMIZATION,
        used_by="optimizer",
        advanced=True,
        log_scale=True,
        label="AdamW rate factor",
        help="The learning rate is multiplied by this for biases, norms and the last layer, which "
        "AdamW trains.",
    )
