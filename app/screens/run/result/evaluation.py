"""One checkpoint's predictions for a split, with all that the Result tab computes from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.cache.results import calibration_of, images_of, predictions_of
from app.shared.pictures.gallery import Tile
from cifar_core.data.away import is_away
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.evaluation.confusion import confusion
from cifar_core.evaluation.scores import Scores, scores
from cifar_core.evaluation.softmax import softmax
from cifar_core.evaluation.temperature import TemperatureFit
from cifar_core.runs import Run
from cifar_core.runs.results.predictions import Part, Predictions, path_of

SPLITS: dict[Part, str] = {"val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A checkpoint's predictions, and the figures computed from them on first use."""

    run: Run
    predictions: Predictions
    calibration: TemperatureFit | None  # None without predictions for the validation images

    @property
    def part(self) -> Part:
        """Which split was classified."""
        return self.predictions.part

    @property
    def images(self) -> str:
        """How many images of which split, in words."""
        return f"{theme.count(len(self.predictions.labels))} {SPLITS[self.part]} images"

    @cached_property
    def scores(self) -> Scores:
        """The figures of the uncalibrated predictions."""
        return scores(self.predictions.logits, self.predictions.labels)

    @cached_property
    def calibrated(self) -> Scores:
        """The figures with the temperature."""
        temperature = self.calibration.temperature if self.calibration else 1.0
        return scores(self.predictions.logits, self.predictions.labels, temperature)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The confusion matrix [K, K]."""
        predictions = self.predictions
        return confusion(predictions.predicted, predictions.labels, len(predictions.classes))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The uncalibrated probability of each class [N, K]."""
        return softmax(self.predictions.logits)

    def image_name(self, row: int) -> str:
        """Return an image's name in addresses: its split and its index in the dataset."""
        return f"{self.part}-{self.predictions.indexes[row]}"

    @property
    def origin(self) -> str:
        """Who computed the predictions and in which number format, in a sentence."""
        made, recorded = self.predictions, self.run.environment.precision
        if made.from_training:
            views = self.part == "test" and self.run.summary.test_views != "plain"
            return (
                f"Computed by the trainer, in {made.precision}: the accuracy is the one that the "
                f"run recorded{' without test views' if views else ''}."
            )
        if recorded in ("", made.precision):
            return f"Computed after training, in {made.precision}."
        return (
            f"Computed after training, in {made.precision}. The trainer used {recorded}, so the "
            "accuracy that the run recorded can differ slightly."
        )

    @property
    def has_pictures(self) -> bool:
        """Whether the images can be shown: those of an imported run or an example may be away."""
        return not is_away(self.run.source)

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the pictures [n, side, side, 3] of some rows of the predictions."""
        images = images_of(self.run)
        part = images.test if self.part == "test" else images.train
        if self.predictions.indexes.max() >= len(part):
            raise RunError(
                f"The predictions of run {self.run.id} are for other images than those of "
                f"{self.run.source}, which has only {len(part):,}. Restore the images that it was "
                "trained on."
            )
        return np.asarray(part.pixels[self.predictions.indexes[rows]])

    def tiles(self, rows: NDArray[np.int64]) -> list[Tile]:
        """Return the texts below the pictures of some rows."""
        return [self.tile(int(row)) for row in rows]

    def tile(self, row: int) -> Tile:
        """Return the text below one picture."""
        labels, classes = self.predictions.labels, self.predictions.classes
        index = int(self.predictions.predicted[row])
        truth, predicted = classes[labels[row]], classes[index]
        confidence = theme.confidence(float(self.probabilities[row, index]), 0)
        return Tile(
            key=self.image_name(row),
            truth=truth,
            prediction=f"{predicted} {confidence}",
            right=bool(index == labels[row]),
            title=f"Image {self.predictions.indexes[row]}: {truth}, predicted as {predicted} with "
            f"{confidence} confidence.",
        )


def evaluation_of(run: Run, checkpoint: str, part: Part) -> Evaluation | None:
    """Return the evaluation of a checkpoint, named in full; None if there are no predictions."""
    predictions = predictions_of(run, checkpoint, part)
    if predictions is None:
        return None
    stamp = files.stamp(path_of(run, part, checkpoint))
    calibration = calibration_of(run, checkpoint)
    temperature = calibration.temperature if calibration else None
    return cached_evaluation(run.id, checkpoint, part, stamp, temperature, predictions, calibration)


@st.cache_resource(max_entries=8, show_spinner=False)
def cached_evaluation(
    run: str, checkpoint: str, part: Part, stamp: int, temperature: float | None,
    _predictions: Predictions, _calibration: TemperatureFit | None,
) -> Evaluation:  # fmt: skip
    """Return one object for the same predictions, so that its figures are computed once."""
    return Evaluation(run=_predictions.run, predictions=_predictions, calibration=_calibration)
