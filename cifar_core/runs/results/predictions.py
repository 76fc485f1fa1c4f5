"""The predictions of a run for every image of a split of its data, computed once and kept.

predictions/<checkpoint>-<part>.safetensors holds logits [N, K], labels [N] and, as "places",
the indexes [N] of the images. The trainer keeps what it computes anyway: the validation images
after each epoch, and the test images at the end. Everything else is computed on request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Report, quietly
from cifar_core.disk import arrays
from cifar_core.disk.arrays import Arrays
from cifar_core.errors import RunError
from cifar_core.evaluation.softmax import softmax
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_job import RunJob, job_of

if TYPE_CHECKING:
    from cifar_core.data.dataset import Dataset, Images
    from cifar_core.inference import Classifier

Part = Literal["train", "val", "test"]
NAMES: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}
PARTS: tuple[Part, ...] = get_args(Part)
TRAINING = "training"  # who computed them, as the file says; nothing for a request


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """The predictions of one checkpoint for one split of the run's data, the images unchanged."""

    run: Run
    checkpoint: str  # its full name
    part: Part
    classes: tuple[str, ...]  # K names
    indexes: NDArray[np.int64]  # [N] in the dataset's training images, or in its test images
    labels: NDArray[np.int64]  # [N] in 0..K-1
    logits: NDArray[np.float32]  # [N, K]
    precision: str = "float32"  # the number format that they were computed in
    from_training: bool = False  # computed by the trainer itself

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most likely class [N] of each image."""
        return self.logits.argmax(axis=1)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the predicted class [N] is the label."""
        return self.predicted == self.labels

    def probabilities(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """Return the probability of each class [N, K], the logits divided by a temperature."""
        return softmax(self.logits, temperature)


def path_of(run: Run, part: Part, checkpoint: str) -> Path:
    """Return the file that keeps the predictions of a checkpoint, named in full."""
    return run.path / "predictions" / f"{checkpoint}-{part}.safetensors"


def job(run: Run, part: Part, checkpoint: str = "best") -> RunJob:
    """Return the background job that classifies one split; "best" and "last" are names too."""
    name = run.checkpoint(checkpoint).name
    request = {"run": str(run.path), "part": part, "checkpoint": name}
    return job_of(
        run, path=path_of(run, part, name), work=do_job,
        request=request, what=f"predictions for the {NAMES[part]} images",
    )  # fmt: skip


def kept(run: Run, part: Part, checkpoint: str = "best") -> Predictions | None:
    """Return the predictions if they are kept and every byte is right. Imports no torch."""
    name = run.checkpoint(checkpoint).name
    saved = arrays.read(path_of(run, part, name))
    return None if saved is None else as_predictions(run, part, name, *saved)


def as_predictions(
    run: Run, part: Part, checkpoint: str, values: Arrays, facts: Mapping[str, str]
) -> Predictions | None:
    """Return the predictions that a file holds; None if they are not predictions for a split."""
    try:
        found = Predictions(
            run=run,
            checkpoint=checkpoint,
            part=part,
            classes=tuple(map(str, json.loads(facts["classes"]))),
            indexes=values["places"],
            labels=values["labels"],
            logits=values["logits"],
            precision=facts.get("precision", "float32"),
            from_training=facts.get("from") == TRAINING,
        )
    except (KeyError, ValueError, TypeError):
        return None
    return found if fits_together(found) else None


def fits_together(found: Predictions) -> bool:
    """Return True if each image has an index, a label among the classes, and finite logits."""
    count, classes = len(found.indexes), len(found.classes)
    return bool(
        count
        and found.indexes.shape == found.labels.shape == (count,)
        and found.indexes.dtype.kind == found.labels.dtype.kind == "i"
        and found.logits.shape == (count, classes)
        and found.logits.dtype.kind == "f"
        and found.indexes.min() >= 0
        and 0 <= found.labels.min() <= found.labels.max() < classes
        and np.isfinite(found.logits).all()
    )


def compute(
    run: Run, part: Part, checkpoint: str = "best", report: Report = quietly
) -> Predictions:
    """Classify a split here, in float32 on the CPU, and keep the predictions."""
    import torch

    from cifar_core.training.setup import evaluation_batches

    name = run.checkpoint(checkpoint).name
    classifier, dataset = load_with_images(run, name)
    images = dataset.test if part == "test" else dataset.train
    indexes = indexes_of(run, part, images)
    batches = evaluation_batches(images, indexes, "cpu", run.config.computes_on)
    logits: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for pixels, _ in batches.epoch():
            with classifier.lock:
                logits.append(classifier.model(pixels).float().numpy())
            report(sum(len(batch) for batch in logits), len(indexes))
    predictions = Predictions(
        run=run,
        checkpoint=name,
        part=part,
        classes=classifier.classes,
        indexes=indexes,
        labels=np.asarray(images.labels[indexes]),
        logits=np.concatenate(logits),
    )
    keep(predictions)
    return predictions


def keep_from_training(
    run: Run, part: Part, checkpoint: str, logits: NDArray[np.float32] | None,
    dataset: "Dataset", precision: str,
) -> None:  # fmt: skip
    """Keep what the trainer computed for a split with the weights of a checkpoint.

    `logits` [N, K] are in the order of the split; None, of a set that is too large, keeps nothing.
    DiskFullError if there is no space for them.
    """
    images = dataset.test if part == "test" else dataset.train
    indexes = indexes_of(run, part, images)
    if logits is None or len(logits) != len(indexes) or not np.isfinite(logits).all():
        return
    keep(
        Predictions(
            run=run,
            checkpoint=checkpoint,
            part=part,
            classes=tuple(dataset.classes),
            indexes=indexes,
            labels=np.asarray(images.labels[indexes]),
            logits=logits,
            precision=precision,
            from_training=True,
        )
    )


def load_with_images(run: Run, checkpoint: str) -> "tuple[Classifier, Dataset]":
    """Return a checkpoint's network and the images on which the run was trained."""
    from cifar_core.data import load
    from cifar_core.runs.results.classifier import load_classifier

    classifier = load_classifier(run, checkpoint)
    dataset = load(run.source, run.store_root, run.sizing)
    check(run, dataset.fingerprint)
    return classifier, dataset


def check(run: Run, fingerprint: str) -> None:
    """Raise RunError if these are not the images on which the run was trained."""
    recorded = run.environment.data.fingerprint or fingerprint
    if recorded != fingerprint:
        raise RunError(
            f"The images of run {run.id} have changed since it was trained (their fingerprint is "
            f"{fingerprint[:12]}, but was {recorded[:12]}). Restore the old ones, or train again."
        )


def indexes_of(run: Run, part: Part, images: "Images") -> NDArray[np.int64]:
    """Return the indexes of the images of a split, in the order of the dataset."""
    if part == "test":
        return np.arange(len(images))
    from cifar_core.data.split import split_of

    train, val = split_of(images, run.config)
    return train if part == "train" else val


def keep(made: Predictions) -> None:
    """Write predictions to their file."""
    values: Arrays = {"places": made.indexes, "labels": made.labels, "logits": made.logits}
    facts = {"classes": json.dumps(list(made.classes)), "precision": made.precision}
    facts |= {"from": TRAINING} if made.from_training else {}
    arrays.write(path_of(made.run, made.part, made.checkpoint), values, facts)


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    part = cast(Part, request["part"])
    compute(Run(Path(request["run"])), part, request["checkpoint"], report)
