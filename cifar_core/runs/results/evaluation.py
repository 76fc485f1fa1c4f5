"""Classifies a run's validation or test images again, on request."""

from typing import Literal

from cifar_core.data import load
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.predictions import indexes_of
from cifar_core.runs.store.store import Run
from cifar_core.training.evaluate import Score, evaluate
from cifar_core.training.setup import evaluation_batches
from cifar_core.training.step.precision import choose_precision


def evaluate_run(run: Run, part: Literal["val", "test"], checkpoint: str = "best") -> Score:
    """Return loss and accuracy on one split of the run's own data, in float32 on the CPU.

    The test images, and only those, get the test views that the run's settings name.
    """
    config = run.config
    dataset = load(run.source, run.store_root, run.sizing)
    images = dataset.test if part == "test" else dataset.train
    indexes = indexes_of(run, part, images)
    batches = evaluation_batches(images, indexes, "cpu", config.computes_on)
    classifier = load_classifier(run, checkpoint)
    views = TEST_VIEWS[config.test_views if part == "test" else "plain"]
    ticks = evaluate(
        classifier.model, batches, choose_precision("float32", "cpu"), phase=part, views=views
    )
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            score: Score = end.value
            return score
