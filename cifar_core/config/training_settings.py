"""Settings of a run: epochs, batches, regularization and averaging."""

from dataclasses import dataclass

from cifar_core.config.groups import OPTIMISATION
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.settings import Settings, choice, number


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """How long and on how many images at once a run trains, and what keeps it from overfitting."""

    epochs: int = number(
        15, low=1, high=1000, group=OPTIMISATION, help="Passes over the training images."
    )
    batch_size: int = number(
        128, low=2, high=8192, group=OPTIMISATION, help="Images per optimization step."
    )
    weight_decay: float = number(
        5e-4,
        low=0.0,
        high=0.5,
        group=OPTIMISATION,
        log_scale=True,
        help="Pull of the weights towards 0; norms and biases are left alone.",
    )
    label_smoothing: float = number(
        0.0,
        low=0.0,
        high=0.5,
        group=OPTIMISATION,
        advanced=True,
        help="Share of the target spread evenly over all classes.",
    )
    clip_norm: float = number(
        0.0,
        low=0.0,
        high=1000.0,
        group=OPTIMISATION,
        advanced=True,
        label="Gradient clipping",
        help="Largest allowed length of the gradient; 0 does not clip.",
    )
    ema_epochs: float = number(
        0.0,
        low=0.0,
        high=100.0,
        group=OPTIMISATION,
        advanced=True,
        label="Averaged weights",
        help="Validate, test and explain with the average of the recent weights, in which those "
        "of so many epochs ago count half; 0 takes the last weights.",
    )
    test_views: str = choice(
        "plain",
        TEST_VIEWS,
        group=OPTIMISATION,
        advanced=True,
        help="How the test images are shown when training is over; the accuracy on the images as "
        "they are is reported beside it. Validation always takes them as they are.",
    )
