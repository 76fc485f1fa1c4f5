"""The temperature that makes a run's network as sure as it is right, from its validation images."""

from dataclasses import dataclass

from cifar_core.evaluation.temperature import fit_temperature
from cifar_core.runs.record.run import Run
from cifar_core.runs.results import predictions


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the logits of one checkpoint are divided by before the softmax."""

    temperature: float
    images: int  # validation images that it was fitted on


def kept(run: Run, checkpoint: str = "best") -> Calibration | None:
    """Return the calibration if the validation images have been answered. Imports no torch."""
    known = predictions.kept(run, "val", checkpoint)
    return fitted(known) if known else None


def fitted(known: predictions.Predictions) -> Calibration:
    """Return the calibration that suits answers best."""
    temperature = fit_temperature(known.logits, known.labels)
    return Calibration(temperature=temperature, images=len(known.labels))
