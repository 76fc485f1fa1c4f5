"""Stops a training whose numbers are no longer finite, with what to try instead."""

import math
from typing import TYPE_CHECKING

from cifar_core.errors import TrainingDivergedError

if TYPE_CHECKING:
    from cifar_core.training.trainer import Trainer


def stop_unless_finite(trainer: "Trainer", loss: float, norm: float, step: int) -> None:
    """Raise TrainingDivergedError if the loss or the gradient's norm after a step is not finite."""
    if math.isfinite(loss) and math.isfinite(norm):
        return
    what = f"loss became {loss}" if not math.isfinite(loss) else f"gradient became {norm}"
    peak = trainer.config.learning_rate * trainer.progress.rate_share
    raise TrainingDivergedError(
        f"The {what} in epoch {step / trainer.steps_per_epoch:.1f} (step {step:,}) at learning "
        f"rate {trainer.learning_rate:.3g}. Try a peak rate of {peak / 10:.3g}, a longer warm-up, "
        "or gradient clipping at 1.",
        step,
    )
