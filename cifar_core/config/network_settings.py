"""Settings of a run: the network, and what of it is trained."""

from dataclasses import dataclass

from cifar_core.config.groups import CHANGES, LEARNING, NETWORK, STARTING
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.models import MODELS
from cifar_core.settings import Settings, choice, number


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Which network is trained, and which part of it."""

    model: str = choice(
        "simple_cnn",
        MODELS,
        group=NETWORK,
        often_varied=True,
        costly=True,
        shapes_step=True,
        plural="models",
        help="The architecture to train. timm:NAME is one of the package timm, if it is installed.",
    )
    dropout: float = number(
        0.3,
        low=0.0,
        high=0.9,
        group=LEARNING,
        used_by="model",
        shapes_step=True,
        zero="off",
        help="Share of the last features set to zero in each training step.",
    )
    whitening_epochs: int = number(
        0,
        low=0,
        high=1000,
        group=LEARNING,
        used_by="model",
        advanced=True,
        shapes_step=True,
        label="Epochs of whitening biases",
        zero="not trained",
        help="Give the whitening biases that are trained for this many epochs and then stay; 0 "
        "gives it none.",
    )
    resolution: int = number(
        128,
        low=32,
        high=384,
        step=32,
        group=CHANGES,
        used_by="model",
        costly=True,
        shapes_step=True,
        plural="resolutions",
        help="Side length in pixels to which smaller images are enlarged. The cost grows with its "
        "square: 96 to 128 on a CPU; 224, as in pretraining, on a GPU.",
    )
    plan: str = choice(
        "head",
        TRANSFER_PLANS,
        group=STARTING,
        used_by="model",
        label="Transfer plan",
        shapes_step=True,
        plural="transfer plans",
        help="Which part of a pretrained network is trained; the rest stays frozen.",
    )
    cached_views: int = number(
        2,
        low=0,
        high=20,
        group=STARTING,
        used_by="plan",
        zero="none kept",
        help="How many augmented views of each image have their features computed once and kept. "
        "0 computes the features again in every epoch, which is much slower.",
    )
    head_epochs: int = number(
        2,
        low=1,
        high=1000,
        group=STARTING,
        used_by="plan",
        help="Epochs in which only the head is trained, before everything is.",
    )
    backbone_rate: float = number(
        0.1,
        low=0.0001,
        high=1.0,
        group=STARTING,
        used_by="plan",
        log_scale=True,
        label="Backbone rate factor",
        help="The learning rate is multiplied by this for the pretrained layers.",
    )
