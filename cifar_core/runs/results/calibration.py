"""The temperature that makes a network's confidence match its accuracy on validation images."""

from cifar_core.evaluation.temperature import TemperatureFit, fit
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import predictions


def kept(run: Run, checkpoint: str = "best") -> TemperatureFit | None:
    """Return the calibration if the validation predictions are kept. Imports no torch."""
    validation = predictions.kept(run, "val", checkpoint)
    return fitted(validation) if validation else None


def fitted(validation: predictions.Predictions) -> TemperatureFit:
    """Return what these predictions say about the temperature of their checkpoint."""
    return fit(validation.logits, validation.labels)
