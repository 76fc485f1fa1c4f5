"""What the Evaluate page judges: a run's checkpoint and its answers to a part of the images."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import theme
from app.cache.results import answers_of, dataset, fitted
from app.shared.gallery import Tile
from cifar_core.disk import files
from cifar_core.evaluation.confusion import confusion
from cifar_core.evaluation.scores import Scores, scores
from cifar_core.evaluation.softmax import softmax
from cifar_core.runs import Run
from cifar_core.runs.results.predictions import Part, Predictions, path_of

PARTS: dict[Part, str] = {"val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """A run's answers, and everything that is computed from them when it is first asked for."""

    run: Run
    given: Predictions
    temperature: float | None  # fitted on the validation images; None without their answers

    @property
    def part(self) -> Part:
        """Which images were answered."""
        return self.given.part

    @property
    def images(self) -> str:
        """How many images of which kind, in words."""
        return f"{theme.count(len(self.given.labels))} {PARTS[self.part]} images"

    @cached_property
    def scores(self) -> Scores:
        """The figures of the answers as they are."""
        return scores(self.given.logits, self.given.labels)

    @cached_property
    def scaled(self) -> Scores:
        """The figures with the temperature."""
        return scores(self.given.logits, self.given.labels, self.temperature or 1.0)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The confusion matrix [K, K]."""
        given = self.given
        return confusion(given.answers, given.labels, len(given.classes))

    @cached_property
    def chances(self) -> NDArray[np.float64]:
        """How likely each class is [N, K], as the network says it."""
        return softmax(self.given.logits)

    def name_of(self, row: int) -> str:
        """Return by what the address names an image: its part and its place in the dataset."""
        return f"{self.part}-{self.given.places[row]}"

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the pictures [n, 32, 32, 3] of some rows of the answers."""
        images = dataset(self.run.source, str(self.run.store_root))
        part = images.test if self.part == "test" else images.train
        return np.asarray(part.pixels[self.given.places[rows]])

    def cells(self, rows: NDArray[np.int64]) -> list[Tile]:
        """Return what stands below the pictures of some rows."""
        return [self.cell(int(row)) for row in rows]

    def cell(self, row: int) -> Tile:
        """Return what stands below one picture."""
        given, answer = self.given, int(self.given.answers[row])
        truth, said = given.classes[given.labels[row]], given.classes[answer]
        share = theme.percent(float(self.chances[row, answer]), 0)
        return Tile(
            key=self.name_of(row),
            truth=truth,
            answer=f"{said} {share}",
            right=bool(answer == given.labels[row]),
            title=f"Image {given.places[row]}: {truth}, taken for {said}, {share} sure. Explain it",
        )


def judged(run: Run, checkpoint: str, part: Part) -> Evaluated | None:
    """Return the answers of a checkpoint, named in full, to a part; None if they are not kept."""
    given = answers_of(run, checkpoint, part)
    if given is None:
        return None
    stamp = files.stamp(path_of(run, part, checkpoint))
    return session_judged(run.id, checkpoint, part, stamp, fitted(run, checkpoint), given)


@st.cache_resource(max_entries=8, show_spinner=False)
def session_judged(
    run: str, checkpoint: str, part: Part, stamp: int, temperature: float | None,
    _given: Predictions,
) -> Evaluated:  # fmt: skip
    """Return one object for the same answers, so that its figures are computed once."""
    return Evaluated(run=_given.run, given=_given, temperature=temperature)
