"""Turns a run's saved weights into a classifier that predicts and can be explained."""

from cifar_core.errors import RunError
from cifar_core.inference import Classifier, make_classifier
from cifar_core.models import MODELS
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.run import Run


def load_classifier(run: Run, checkpoint: str = "best") -> Classifier:
    """Load a checkpoint's verified weights; "best", "last" or a checkpoint's name."""
    info = run.checkpoint(checkpoint)
    classes = run.environment.data.classes
    if not classes:
        raise RunError(
            f"The classes of run {run.id} are unknown: its environment.json is missing or damaged. "
            f"Resume the run for a moment to write it again."
        )
    config = run.config
    spec = MODELS[config.model]
    return make_classifier(
        config.build_model(len(classes)),
        checkpoints.load_model(info.path),
        classes=classes,
        layer=spec.cam_layer,
        layer_note=spec.cam_note,
        title=f"{run.name}, epoch {info.epoch:.3g}",
        side=run.sizing.side,
    )
