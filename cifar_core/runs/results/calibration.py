"""The temperature that makes a network's confidence match its accuracy on validation images."""

from dataclasses import dataclass

from cifar_core.evaluation.temperature import fit_temperature
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import predictions


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The number by which the logits of one checkpoint are divided before the softmax."""

    temperature: float
    images: int  # validation images that it was fitted on


def kept(run: Run, checkpoint: str = "best") -> Calibration | None:
    """Return the calibration if the validation predictions are kept. Imports no torch."""
    validation = predictions.kept(run, "val", checkpoint)
    return fitted(validation) if validation else None


def fitted(validation: predictions.Predictions) -> Calibration:
    """Return the calibration that fits these predictions best."""
    temperature = fit_temperature(validation.logits, validation.labels)
    return Calibration(temperature=temperature, images=len(validation.labels))
