"""Settings of a run: epochs, batches, regularization and averaging."""

from dataclasses import dataclass

from cifar_core.config.groups import KEPT_BACK, LEARNING, LENGTH
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.data.uneven.class_weights import WEIGHINGS
from cifar_core.settings import Settings, choice, number, switch


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """How long a run trains, with how many images a step, and what limits overfitting."""

    epochs: int = number(
        15,
        low=1,
        high=1000,
        group=LENGTH,
        often_varied=True,
        costly=True,
        help="Passes over the training images.",
    )
    batch_size: int = number(
        128,
        low=2,
        high=8192,
        group=LEARNING,
        log_scale=True,
        often_varied=True,
        costly=True,
        shapes_step=True,
        plural="batch sizes",
        help="Images per optimization step.",
    )
    weight_decay: float = number(
        5e-4,
        low=0.0,
        high=0.5,
        group=LEARNING,
        log_scale=True,
        often_varied=True,
        zero="off",
        help="How strongly the weights are pulled toward 0.",
    )
    decay_biases: bool = switch(
        False,
        group=LEARNING,
        advanced=True,
        help="Let weight decay act on norms and biases too; usually they are left alone.",
    )
    label_smoothing: float = number(
        0.0,
        low=0.0,
        high=0.5,
        group=LEARNING,
        advanced=True,
        zero="off",
        help="Share of the target that is spread evenly over all classes.",
    )
    mixup: float = number(
        0.0,
        low=0.0,
        high=10.0,
        group=LEARNING,
        advanced=True,
        zero="off",
        help="Blend each image with another one of its batch, and its target likewise. The number "
        "is alpha: shares are drawn from Beta(alpha, alpha), which are about even above 1 and "
        "mostly near 0 or 1 below; 0 turns it off.",
    )
    cutmix: float = number(
        0.0,
        low=0.0,
        high=10.0,
        group=LEARNING,
        advanced=True,
        label="CutMix",
        zero="off",
        help="Replace a box of each image by that of another one of its batch; the target is mixed "
        "by the areas. The number is alpha, 1 as published: the areas are drawn from Beta(alpha, "
        "alpha); 0 turns it off. If mixup is on too, one of the two is drawn for each batch.",
    )
    class_weights: str = choice(
        "none",
        WEIGHINGS,
        group=LEARNING,
        advanced=True,
        help="How much more an image of a rare class counts in the training loss. The training "
        "loss that is shown includes the weights; validation and test losses never do.",
    )
    clip_norm: float = number(
        0.0,
        low=0.0,
        high=1000.0,
        group=LEARNING,
        advanced=True,
        label="Gradient clipping",
        zero="off",
        help="Largest allowed norm of the gradient; 0 turns clipping off.",
    )
    ema_epochs: float = number(
        0.0,
        low=0.0,
        high=100.0,
        group=LEARNING,
        advanced=True,
        label="Averaged weights",
        zero="off",
        help="Validate, test and explain with an exponential average of the weights. The number is "
        "its half-life in epochs; 0 turns it off.",
    )
    test_views: str = choice(
        "plain",
        TEST_VIEWS,
        group=KEPT_BACK,
        advanced=True,
        help="Which views of the test images are averaged when training is over. The accuracy on "
        "the unchanged images is reported as well; validation always uses unchanged images.",
    )
