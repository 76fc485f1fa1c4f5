"""The table of rules: which network and which settings suit which images on which machine.

A rule starts from a preset and changes as little of it as possible. The first rule whose
conditions hold and that has a network which can be used here is proposed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cifar_core.proposals.facts import ImageFacts, MachineFacts

FEWEST = 5  # images of a class, below which nothing is proposed
FEW, MANY = 20, 500  # images of the smallest class: too few to trust a test; enough to fine-tune
SMALL, PLENTY = 32, 1000  # pixels, and images of the smallest class: no need for other images
IMBALANCED = 3.0  # times the images of the smallest class that the largest has
FOR_RARE_CLASSES = {"order": "balanced", "best_by": "balanced_accuracy"}
NO_LIMIT = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Length:
    """One answer to "how long?": epochs, chosen so that about `views` images are shown in all."""

    key: str  # "quick", "good" or "best"
    title: str
    reason: str
    views: int
    epochs: tuple[int, int]  # the fewest and the most
    images: int = NO_LIMIT  # training images that are used at most
    preset: str = ""  # of another recipe, for the same network
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the table: conditions, networks in order of preference, settings, lengths."""

    key: str
    networks: tuple[str, ...]
    preset: str  # the settings to start from
    reason: str  # why the network; {title}, {smallest}, {rarest} and {pixels} are filled in
    settings_reason: str  # why these settings
    lengths: tuple[Length, ...]
    smallest: tuple[int, int] = (FEWEST, NO_LIMIT)  # images of the smallest class: from, and below
    pixels: int = NO_LIMIT  # of the images, at most
    gpu: bool | None = None  # None: with or without
    changes: Mapping[str, Any] = field(default_factory=dict)
    caution: str = ""

    def suits(self, images: ImageFacts, machine: MachineFacts) -> bool:
        """Whether the conditions hold."""
        low, high = self.smallest
        return (
            low <= images.smallest < high
            and images.pixels <= self.pixels
            and self.gpu in (None, machine.gpu)
        )


HEAD_REASON = (
    "Only the last layer is trained, so the features of each image are computed once and an epoch "
    "takes seconds."
)
GRADUAL_REASON = (
    "The new last layer is trained first, so that it cannot upset the rest; then every layer is, "
    "the pretrained ones at a tenth of the rate."
)
SCRATCH_REASON = "Every layer starts from random numbers, so all of them are trained."
QUICK, GOOD, BEST = "Quick look", "Good", "Best"
GRADUAL = "lab_resnet_modern"
HEAD_QUICK = Length(
    key="quick", title=QUICK, views=20_000, epochs=(10, 20), images=5_000,
    reason="Up to 5,000 of the images, to see that the classes can be learned at all.",
)  # fmt: skip
HEAD_GOOD = Length(
    key="good", title=GOOD, views=200_000, epochs=(20, 40),
    reason="All images; a last layer hardly improves after this many epochs.",
)  # fmt: skip
FINE_TUNED = (
    Length(
        key="quick", title=QUICK, views=20_000, epochs=(3, 10), images=20_000,
        reason="A few epochs on up to 20,000 of the images, to see where it leads.",
    ),
    Length(
        key="good", title=GOOD, views=100_000, epochs=(5, 20),
        reason="Enough for a pretrained network to adapt to the images.",
    ),
    Length(
        key="best", title=BEST, views=500_000, epochs=(10, 40),
        reason="The rate falls more slowly, which usually adds a little accuracy.",
    ),
)  # fmt: skip
RULES = (
    Rule(
        key="small_many_cpu",
        smallest=(PLENTY, NO_LIMIT), pixels=SMALL, gpu=False,
        networks=("speed_net_strided",),
        preset="record_cpu",
        reason="At least {smallest:,} images of each class, {pixels} pixels a side, are enough to "
        "learn from scratch, and {title} reaches the most accuracy for a CPU minute.",
        settings_reason=SCRATCH_REASON,
        lengths=(
            Length(key="quick", title=QUICK, views=45_000, epochs=(1, 3), images=50_000,
                   reason="Up to 50,000 images once: most of the accuracy in the least time."),
            Length(key="good", title=GOOD, views=150_000, epochs=(3, 20),
                   reason="About as many images as the preset Fast on a CPU shows."),
            Length(key="best", title=BEST, views=600_000, epochs=(10, 60),
                   reason="Four times as long; each further doubling gains less."),
        ),
    ),
    Rule(
        key="small_many_gpu",
        smallest=(PLENTY, NO_LIMIT), pixels=SMALL, gpu=True,
        networks=("resnet18",),
        preset="lab_cnn_modern",
        reason="At least {smallest:,} images of each class, {pixels} pixels a side, are enough to "
        "learn from scratch; {title} is the usual reference, and a GPU trains it quickly.",
        settings_reason=SCRATCH_REASON,
        lengths=(
            Length(key="quick", title=QUICK, views=250_000, epochs=(3, 10),
                   reason="A few epochs, to see that it learns."),
            Length(key="good", title=GOOD, views=1_000_000, epochs=(10, 40),
                   reason="As long as the usual recipes for a first good result."),
            Length(key="best", title=BEST, views=3_000_000, epochs=(30, 100),
                   reason="Three times as long; each further doubling gains less."),
        ),
    ),
    Rule(
        key="few",
        smallest=(FEWEST, FEW),
        networks=("mobilenet_v2_imagenet", "mobilenet_v3_large_imagenet",
                  "efficientnet_b0_imagenet", "resnet18_imagenet"),
        preset="transfer_quick",
        reason="{smallest} images of {rarest} are too few to learn features from; {title} brings "
        "features that it learned on ImageNet, so that only its last layer has to be trained.",
        settings_reason=HEAD_REASON,
        lengths=(
            HEAD_QUICK,
            HEAD_GOOD,
            Length(key="best", title=BEST, views=400_000, epochs=(40, 80),
                   changes={"cached_views": 4},
                   reason="Four changed views of each image, and twice the epochs."),
        ),
        caution="{rarest} has only {smallest} training images: too few to trust a test. Collect "
        "at least 20 of each class before you rely on the accuracy.",
    ),
    Rule(
        key="some_cpu",
        smallest=(FEW, MANY), gpu=False,
        networks=("mobilenet_v2_imagenet", "mobilenet_v3_large_imagenet",
                  "efficientnet_b0_imagenet", "resnet18_imagenet"),
        preset="transfer_quick",
        reason="With {smallest} images of {rarest}, features learned on ImageNet usually beat "
        "those learned from so small a set; {title} brings them, and only its last layer has to be "
        "trained, which needs no GPU.",
        settings_reason=HEAD_REASON,
        lengths=(
            HEAD_QUICK,
            HEAD_GOOD,
            Length(key="best", title=BEST, views=400_000, epochs=(40, 80),
                   changes={"cached_views": 4},
                   reason="Four changed views of each image, and twice the epochs."),
        ),
    ),
    Rule(
        key="some_gpu",
        smallest=(FEW, MANY), gpu=True,
        networks=("efficientnet_b0_imagenet", "mobilenet_v2_imagenet", "resnet18_imagenet"),
        preset=GRADUAL,
        reason="With {smallest} images of {rarest}, features learned on ImageNet usually beat "
        "those learned from so small a set; {title} brings them, and a GPU adapts all its layers.",
        settings_reason=GRADUAL_REASON,
        lengths=FINE_TUNED,
    ),
    Rule(
        key="many_cpu",
        smallest=(MANY, NO_LIMIT), gpu=False,
        networks=("mobilenet_v2_imagenet", "mobilenet_v3_large_imagenet",
                  "efficientnet_b0_imagenet", "resnet18_imagenet"),
        preset="transfer_quick",
        reason="{title} brings features learned on ImageNet, so that only its last layer has to "
        "be trained, which needs no GPU.",
        settings_reason=HEAD_REASON,
        lengths=(
            HEAD_QUICK,
            HEAD_GOOD,
            Length(key="best", title=BEST, views=300_000, epochs=(5, 20), preset=GRADUAL,
                   reason="Every layer is trained, not only the last one: without a GPU, plan for "
                   "a night."),
        ),
    ),
    Rule(
        key="many_gpu",
        smallest=(MANY, NO_LIMIT), gpu=True,
        networks=("convnext_tiny_imagenet", "resnet50_imagenet", "efficientnet_b0_imagenet"),
        preset=GRADUAL,
        reason="At least {smallest:,} images of each class are enough to adapt every layer of a "
        "network that learned its features on ImageNet; {title} is one that a GPU trains quickly.",
        settings_reason=GRADUAL_REASON,
        lengths=FINE_TUNED,
    ),
    Rule(
        key="scratch_cpu",
        gpu=False,
        networks=("speed_net_strided",),
        preset="record_cpu",
        reason="The ImageNet weights that would suit these images cannot be used here; of the "
        "networks that start from scratch, {title} reaches the most accuracy for a CPU minute.",
        settings_reason=SCRATCH_REASON,
        lengths=(
            Length(key="quick", title=QUICK, views=45_000, epochs=(1, 20), images=50_000,
                   reason="A short run, to see that the classes can be learned at all."),
            Length(key="good", title=GOOD, views=150_000, epochs=(3, 60),
                   reason="Long enough for most of the accuracy."),
            Length(key="best", title=BEST, views=600_000, epochs=(10, 200),
                   reason="Four times as long; each further doubling gains less."),
        ),
        changes={"cutout": 8},
    ),
    Rule(
        key="scratch_gpu",
        gpu=True,
        networks=("resnet9",),
        preset="lab_cnn_modern",
        reason="The ImageNet weights that would suit these images cannot be used here; of the "
        "networks that start from scratch, {title} reaches the most accuracy for a minute.",
        settings_reason=SCRATCH_REASON,
        lengths=(
            Length(key="quick", title=QUICK, views=100_000, epochs=(3, 30),
                   reason="A short run, to see that the classes can be learned at all."),
            Length(key="good", title=GOOD, views=1_000_000, epochs=(10, 100),
                   reason="Long enough for most of the accuracy."),
            Length(key="best", title=BEST, views=3_000_000, epochs=(30, 200),
                   reason="Three times as long; each further doubling gains less."),
        ),
        changes={"cutout": 8},
    ),
)  # fmt: skip
