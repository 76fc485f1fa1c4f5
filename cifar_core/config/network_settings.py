"""Settings of a run: the network, and what of it is trained."""

from dataclasses import dataclass

from cifar_core.config.groups import NETWORK
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.models import MODELS
from cifar_core.settings import Settings, choice, number


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Which network is trained, and which part of it."""

    model: str = choice("simple_cnn", MODELS, group=NETWORK, help="The architecture to train.")
    dropout: float = number(
        0.3,
        low=0.0,
        high=0.9,
        group=NETWORK,
        used_by="model",
        help="Share of the last features that is set to zero at each training step.",
    )
    resolution: int = number(
        128,
        low=32,
        high=384,
        group=NETWORK,
        used_by="model",
        help="Pixels a side that images are enlarged to. Costs grow with its square: 96 to 128 "
        "on a CPU; 224, as in pretraining, on a GPU.",
    )
    plan: str = choice(
        "head",
        TRANSFER_PLANS,
        group=NETWORK,
        used_by="model",
        label="Transfer plan",
        help="What is trained of a pretrained network; all else stays frozen.",
    )
    cached_views: int = number(
        2,
        low=0,
        high=20,
        group=NETWORK,
        used_by="plan",
        help="Augmented views of each image whose features are computed once and kept; 0 "
        "computes them anew in every epoch, which takes as many times longer as there are epochs.",
    )
    head_epochs: int = number(
        2,
        low=1,
        high=1000,
        group=NETWORK,
        used_by="plan",
        help="Epochs in which the head learns alone, before everything does.",
    )
    backbone_rate: float = number(
        0.1,
        low=0.0001,
        high=1.0,
        group=NETWORK,
        used_by="plan",
        log_scale=True,
        label="Backbone's share of the rate",
        help="What the learning rate is multiplied by for the pretrained layers.",
    )
