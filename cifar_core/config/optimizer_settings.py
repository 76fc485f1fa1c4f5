"""Settings of a run: the optimizer and its own parameters."""

from dataclasses import dataclass

from cifar_core.config.groups import LEARNING
from cifar_core.optim import OPTIMIZERS, REST_OPTIMIZERS
from cifar_core.settings import Settings, choice, number, switch


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings(Settings):
    """How gradients become weight updates."""

    optimizer: str = choice(
        "sgd",
        OPTIMIZERS,
        group=LEARNING,
        often_varied=True,
        shapes_step=True,
        plural="optimizers",
        help="How gradients become weight updates.",
    )
    learning_rate: float = number(
        0.1,
        low=1e-6,
        high=10.0,
        group=LEARNING,
        log_scale=True,
        often_varied=True,
        plural="rates",
        help="The step size at its peak; the schedule scales it.",
    )
    momentum: float = number(
        0.9,
        low=0.0,
        high=0.999,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        help="Share of the last update that is carried over into the next.",
    )
    nesterov: bool = switch(
        True,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        label="Nesterov momentum",
        help="Compute the gradient at the point to which the momentum is about to lead.",
    )
    beta1: float = number(
        0.9,
        low=0.0,
        high=0.9999,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        help="Decay rate of the running mean of the gradient.",
    )
    beta2: float = number(
        0.999,
        low=0.0,
        high=0.99999,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        help="Decay rate of the running mean of the squared gradient.",
    )
    newton_schulz_steps: int = number(
        5,
        low=1,
        high=10,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        label="Newton-Schulz steps",
        help="Iterations that make an update orthogonal: fewer are faster, more are closer.",
    )
    normalized_weights: bool = switch(
        False,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        help="Scale each filter bank and hidden matrix to a fixed norm before each step, so that "
        "only its direction is learned; weight decay then does not act on them.",
    )
    rest_optimizer: str = choice(
        "adamw",
        REST_OPTIMIZERS,
        group=LEARNING,
        used_by="optimizer",
        advanced=True,
        label="Optimizer of the rest",
        help="Trains what Muon leaves out: biases, norms and the last layer.",
    )
    adamw_share: float = number(
        0.2,
        low=0.001,
        high=10.0,
        group=LEARNING,
        used_by="rest_optimizer",
        advanced=True,
        log_scale=True,
        label="AdamW rate factor",
        help="The learning rate is multiplied by this for biases, norms and the last layer, which "
        "AdamW trains.",
    )
    rest_momentum: float = number(
        0.85,
        low=0.0,
        high=0.999,
        group=LEARNING,
        used_by="rest_optimizer",
        advanced=True,
        label="Momentum of the rest",
        help="Share of the last update that is carried over into the next, for biases, norms and "
        "the last layer, which SGD trains.",
    )
    bias_share: float = number(
        2.0,
        low=0.001,
        high=10000.0,
        group=LEARNING,
        used_by="rest_optimizer",
        advanced=True,
        log_scale=True,
        label="Bias rate factor",
        help="The learning rate is multiplied by this for biases and norms, which SGD trains.",
    )
    head_share: float = number(
        2.0,
        low=0.001,
        high=10000.0,
        group=LEARNING,
        used_by="rest_optimizer",
        advanced=True,
        log_scale=True,
        label="Last layer's rate factor",
        help="The learning rate is multiplied by this for the last layer, which SGD trains.",
    )
