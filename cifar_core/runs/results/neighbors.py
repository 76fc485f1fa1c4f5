"""Training images as a run's network sees them: the nearest to an image, and how near they are.

predictions/<checkpoint>-features.safetensors holds features [N, D] of training images, of length 1
in float16, with their labels [N] and, as "places", their indexes [N], and how near validation
images are to them [M].
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Report, quietly
from cifar_core.disk import arrays
from cifar_core.disk.arrays import Arrays
from cifar_core.evaluation.nearest import evenly, kth_similarity, nearest, share_nearer, unit
from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import indexes_of, load_with_images
from cifar_core.runs.store.run_job import RunJob, job_of

if TYPE_CHECKING:
    from cifar_core.inference import Classifier

IMAGES = 20_000  # training images kept at most
VALUES = IMAGES * 512  # and values, 20 MB: of features wider than 512, fewer images
ONE_IN = 400  # with 20,000 training images, the 50th nearest measures how near an image is
UNUSUAL = 0.95  # an image is unlike them if this share of validation images is nearer
NEAREST = 6  # shown


@dataclass(frozen=True, kw_only=True)
class NearImage:
    """A training image that is near another image."""

    index: int  # in the dataset's training images
    name: str  # of its class
    similarity: float  # cosine, at most 1


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How near an image is to the training images."""

    nearer: float  # share of the validation images that are nearer to them
    nearest: tuple[NearImage, ...]  # the most similar first

    @property
    def is_unlike(self) -> bool:
        """Whether it is farther away than nearly all validation images."""
        return self.nearer >= UNUSUAL

    @property
    def sentence(self) -> str:
        """How near it is, compared with the validation images."""
        share = f"{int(100 * self.nearer)}\u00a0%"  # 100 only if it is all of them
        if not self.is_unlike:
            return (
                f"As near to the training images as usual: {share} of validation images are nearer."
            )
        if self.nearer == 1:
            return "Farther from the training images than every validation image."
        return f"Farther from the training images than {share} of validation images."


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """Features of training images, spread evenly over the classes, from one checkpoint."""

    classes: tuple[str, ...]
    features: NDArray[np.float32]  # [N, D], of length 1
    indexes: NDArray[np.int64]  # [N] in the dataset's training images
    labels: NDArray[np.int64]  # [N]
    validation: NDArray[np.float32]  # [M], how similar the k-th nearest is to validation images

    def likeness(self, features: NDArray[np.float32], count: int = NEAREST) -> Likeness:
        """Return how near features [D] are, and the nearest training images."""
        k = rank(len(self.features))
        (rows,), (similarities,) = nearest(self.features, unit(features[None]), max(count, k))
        pairs = zip(rows[:count], similarities[:count], strict=True)
        return Likeness(
            nearer=share_nearer(similarities[k - 1], self.validation),
            nearest=tuple(
                NearImage(
                    index=int(self.indexes[row]),
                    name=self.classes[self.labels[row]],
                    similarity=float(similarity),
                )
                for row, similarity in pairs
            ),
        )


def path_of(run: Run, checkpoint: str) -> Path:
    """Return the file that keeps the features of a checkpoint, named in full."""
    return run.path / "predictions" / f"{checkpoint}-features.safetensors"


def job(run: Run, checkpoint: str = "best") -> RunJob:
    """Return the background job that computes the features; "best" and "last" are names too."""
    name = run.checkpoint(checkpoint).name
    request = {"run": str(run.path), "checkpoint": name}
    return job_of(
        run, path=path_of(run, name), work=do_job,
        request=request, what="the comparison with the training images",
    )  # fmt: skip


def kept(run: Run, checkpoint: str = "best") -> Neighbors | None:
    """Return the features if they are kept and every byte is right."""
    saved = arrays.read(path_of(run, run.checkpoint(checkpoint).name))
    return from_arrays(tuple(run.environment.data.classes), saved[0]) if saved else None


def from_arrays(classes: tuple[str, ...], values: Arrays) -> Neighbors:
    """Return the features that the arrays of a file hold."""
    return Neighbors(
        classes=classes,
        features=values["features"].astype(np.float32),
        indexes=values["places"],
        labels=values["labels"],
        validation=values["validation"],
    )


def compute(run: Run, checkpoint: str = "best", report: Report = quietly) -> Neighbors:
    """Compute the features of the unchanged images here, and keep them."""
    name = run.checkpoint(checkpoint).name
    classifier, dataset = load_with_images(run, name)
    images = dataset.train
    train, val = (indexes_of(run, part, images) for part in ("train", "val"))
    width = classifier.last_layer.weight.shape[1]
    indexes = train[evenly(images.labels[train], most(width))]
    both = np.concatenate([indexes, val])
    rounded = features_of(classifier, images.pixels, both, report).astype(np.float16)
    training, validation = np.split(rounded.astype(np.float32), [len(indexes)])
    values: Arrays = {
        "features": rounded[: len(indexes)],
        "places": indexes,
        "labels": np.asarray(images.labels[indexes]),
        "validation": kth_similarity(training, validation, rank(len(indexes))),
    }
    arrays.write(path_of(run, name), values, {})
    return from_arrays(classifier.classes, values)


def most(width: int) -> int:
    """Return for how many training images features of this width are kept."""
    return min(IMAGES, VALUES // width)


def rank(images: int) -> int:
    """Return k: with this many training images, the k-th nearest measures how near an image is."""
    return max(1, images // ONE_IN)


def features_of(
    classifier: "Classifier", pixels: NDArray[np.uint8], indexes: NDArray[np.int64], report: Report
) -> NDArray[np.float32]:
    """Return the features [N, D], of length 1, of the images at these indexes."""
    import torch

    from cifar_core.inference import outputs

    batches, most = [], classifier.at_once
    for start in range(0, len(indexes), most):
        part = torch.from_numpy(pixels[indexes[start : start + most]])
        _, features = outputs(classifier, part.permute(0, 3, 1, 2).float() / 255)
        batches.append(unit(features.numpy()))
        report(min(start + most, len(indexes)), len(indexes))
    return np.concatenate(batches)


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    compute(Run(Path(request["run"])), request["checkpoint"], report)
