"""Training images as a run's network sees them: the nearest to a picture, and how near they are.

predictions/<checkpoint>-features.safetensors holds features [N, D] of training images, of length 1
in float16, with their places [N] and labels [N], and how near validation images are to them [M].
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Job, Report, quietly
from cifar_core.disk import arrays
from cifar_core.evaluation.nearest import evenly, kth_similarity, nearest, share_nearer, unit
from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import load_with_images, places_of

if TYPE_CHECKING:
    from cifar_core.inference import Classifier

IMAGES = 20_000  # training images kept at most
VALUES = IMAGES * 512  # and values, 20 MB: of features wider than 512, fewer images
ONE_IN = 400  # of 20,000 training images the 50th nearest says how near a picture is
UNUSUAL = 0.95  # a picture is unlike them if this share of validation images is nearer
NEAREST = 6  # shown


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A training image that is near a picture."""

    place: int  # in the dataset's training images
    name: str  # of its class
    similarity: float  # cosine, at most 1


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How near a picture is to the training images."""

    nearer: float  # share of the validation images that are nearer to them
    nearest: tuple[Neighbour, ...]  # the most similar first

    @property
    def is_unlike(self) -> bool:
        """Whether it is further away than nearly all validation images."""
        return self.nearer >= UNUSUAL

    @property
    def sentence(self) -> str:
        """Say how near it is, beside the validation images."""
        share = f"{int(100 * self.nearer)}\u00a0%"  # never 100 unless it is all
        if not self.is_unlike:
            return (
                f"As near to the training images as usual: {share} of validation images are nearer."
            )
        if self.nearer == 1:
            return "Further from the training images than every validation image."
        return f"Further from the training images than {share} of validation images."


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """Training images, evenly over the classes, in the features of one checkpoint."""

    classes: tuple[str, ...]
    features: NDArray[np.float32]  # [N, D], of length 1
    places: NDArray[np.int64]  # [N] in the dataset's training images
    labels: NDArray[np.int64]  # [N]
    validation: NDArray[np.float32]  # [M], how similar the k-th nearest is to validation images

    def likeness(self, features: NDArray[np.float32], count: int = NEAREST) -> Likeness:
        """Return how near features [D] are, and the nearest training images."""
        k = rank(len(self.features))
        (places,), (similarities,) = nearest(self.features, unit(features[None]), max(count, k))
        found = zip(places[:count], similarities[:count], strict=True)
        return Likeness(
            nearer=share_nearer(similarities[k - 1], self.validation),
            nearest=tuple(
                Neighbour(
                    place=int(self.places[place]),
                    name=self.classes[self.labels[place]],
                    similarity=float(similarity),
                )
                for place, similarity in found
            ),
        )


def path_of(run: Run, checkpoint: str) -> Path:
    """Return where the features of a checkpoint, named in full, are kept."""
    return run.path / "predictions" / f"{checkpoint}-features.safetensors"


def job(run: Run, checkpoint: str = "best") -> Job:
    """Return the work of computing the features; "best" and "last" are names too."""
    name = run.checkpoint(checkpoint).name
    request = {"run": str(run.path), "checkpoint": name}
    return Job(path=path_of(run, name), work=do_job, request=request)


def kept(run: Run, checkpoint: str = "best") -> Neighbors | None:
    """Return the training images if they have been computed and every byte is right."""
    found = arrays.read(path_of(run, run.checkpoint(checkpoint).name))
    if found is None:
        return None
    values, _ = found
    return Neighbors(
        classes=tuple(run.environment.data.classes),
        features=values["features"].astype(np.float32),
        places=values["places"],
        labels=values["labels"],
        validation=values["validation"],
    )


def compute(run: Run, checkpoint: str = "best", report: Report = quietly) -> Neighbors:
    """Compute the features here, of the images as they are, and keep them."""
    name = run.checkpoint(checkpoint).name
    classifier, dataset = load_with_images(run, name)
    images = dataset.train
    train, val = (places_of(run, part, images.labels) for part in ("train", "val"))
    width = classifier.last_layer.weight.shape[1]
    places = train[evenly(images.labels[train], most(width))]
    both = np.concatenate([places, val])
    found = features_of(classifier, images.pixels, both, report).astype(np.float16)
    known, asked = np.split(found.astype(np.float32), [len(places)])
    values: dict[str, NDArray[Any]] = {
        "features": found[: len(places)],
        "places": places,
        "labels": np.asarray(images.labels[places]),
        "validation": kth_similarity(known, asked, rank(len(places))),
    }
    arrays.write(path_of(run, name), values, {})
    return Neighbors(classes=classifier.classes, **{**values, "features": known})


def most(width: int) -> int:
    """Return of how many training images features of this width are kept."""
    return min(IMAGES, VALUES // width)


def rank(images: int) -> int:
    """Return which nearest of so many training images says how near a picture is."""
    return max(1, images // ONE_IN)


def features_of(
    classifier: "Classifier", pixels: NDArray[np.uint8], places: NDArray[np.int64], report: Report
) -> NDArray[np.float32]:
    """Return the features [N, D], of length 1, of the images at some places."""
    import torch

    from cifar_core.inference import BATCH, outputs

    found = []
    for start in range(0, len(places), BATCH):
        part = torch.from_numpy(pixels[places[start : start + BATCH]])
        _, features = outputs(classifier, part.permute(0, 3, 1, 2).float() / 255)
        found.append(unit(features.numpy()))
        report(min(start + BATCH, len(places)), len(places))
    return np.concatenate(found)


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    compute(Run(Path(request["run"])), request["checkpoint"], report)
