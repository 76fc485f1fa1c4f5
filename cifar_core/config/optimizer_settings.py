"""Settings of a run: the optimizer and its own parameters."""

from dataclasses import dataclass

from cifar_core.config.groups import OPTIMISATION
from cifar_core.optim import OPTIMIZERS
from cifar_core.settings import Settings, choice, number, switch


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings(Settings):
    """How gradients become weight updates."""

    optimizer: str = choice(
        "sgd", OPTIMIZERS, group=OPTIMISATION, help="How gradients become weight updates."
    )
    learning_rate: float = number(
        0.1,
        low=1e-6,
        high=10.0,
        group=OPTIMISATION,
        log_scale=True,
        help="The largest step size used; the schedule multiplies it.",
    )
    momentum: float = number(
        0.9,
        low=0.0,
        high=0.999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Share of the last update that is carried into the next.",
    )
    nesterov: bool = switch(
        True,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        label="Nesterov momentum",
        help="Take the gradient where the momentum is about to lead.",
    )
    beta1: float = number(
        0.9,
        low=0.0,
        high=0.9999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Memory of the mean gradient.",
    )
    beta2: float = number(
        0.999,
        low=0.0,
        high=0.99999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Memory of the squared gradient.",
    )
    adamw_share: float = number(
        0.2,
        low=0.001,
        high=10.0,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        log_scale=True,
        label="AdamW's share of the rate",
        help="What the learning rate is multiplied by for biases, norms and the last layer, which "
        "AdamW trains.",
    )
