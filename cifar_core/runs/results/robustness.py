"""How well a run's network does on pictures that were shifted, flipped, blurred and the like.

The result, a JSON file under robustness/, is computed by a background job and kept. The images
are drawn once with a fixed seed, the same for every disturbance, so that they can be compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Job, Report, quietly
from cifar_core.data.disturbances import DISTURBANCES
from cifar_core.disk import files
from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import Part, check, places_of
from cifar_core.statistics.intervals import wilson

IMAGES = 1000  # drawn from the part; the interval of a share is then at most 3.1 points each way
SEED = 0
KINDS = sum(len(spec.strengths) for spec in DISTURBANCES.values()) + 1  # and one without


@dataclass(frozen=True, kw_only=True)
class Stand:
    """How the network does on one kind of disturbed pictures."""

    disturbance: str  # a key of DISTURBANCES; empty for the pictures as they are
    strength: float
    hits: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share of right answers, in [0, 1]."""
        return self.hits / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % Wilson interval."""
        return wilson(self.accuracy, self.count)


def path_of(run: Run, part: Part, checkpoint: str) -> Path:
    """Return where the result of a checkpoint, named in full, is kept."""
    return run.path / "robustness" / f"{checkpoint}-{part}.json"


def job(run: Run, part: Part, checkpoint: str = "best") -> Job:
    """Return the work of testing one checkpoint; "best" and "last" are names too."""
    name = run.checkpoint(checkpoint).name
    request = {"run": str(run.path), "part": part, "checkpoint": name}
    path = path_of(run, part, name)
    return Job(path=path, work=do_job, request=request)


def kept(run: Run, part: Part, checkpoint: str = "best") -> list[Stand]:
    """Return what was found, the undisturbed pictures first; nothing if it was not computed."""
    values = files.read_json(path_of(run, part, run.checkpoint(checkpoint).name))
    return [Stand(**each) for each in values.get("stands", [])]


def compute(
    run: Run, part: Part, checkpoint: str = "best", report: Report = quietly
) -> list[Stand]:
    """Test a checkpoint here, in float32 on the CPU, and keep what was found."""
    from cifar_core.data import load
    from cifar_core.inference import predictions
    from cifar_core.runs.results.classifier import load_classifier

    name = run.checkpoint(checkpoint).name
    classifier = load_classifier(run, name)
    dataset = load(run.source, run.store_root)
    check(run, dataset.fingerprint)
    images = dataset.test if part == "test" else dataset.train
    places = drawn(places_of(run, part, images.labels))
    pixels, labels = np.asarray(images.pixels[places]), images.labels[places]
    found: list[Stand] = []
    for key, strength, pictures in disturbed(pixels):
        right = predictions(classifier, pictures)[0] == labels
        stand = Stand(disturbance=key, strength=strength, hits=int(right.sum()), count=len(right))
        found.append(stand)
        report(len(found), KINDS)
    path = path_of(run, part, name)
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, {"seed": SEED, "stands": [vars(each) for each in found]})
    return found


def drawn(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw the images to test, the same ones every time, in order."""
    few = min(IMAGES, len(places))
    return np.sort(np.random.default_rng(SEED).choice(places, few, replace=False))


def disturbed(pixels: NDArray[np.uint8]) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
    """Yield each disturbance and strength with its pictures [N, 32, 32, 3]; first none."""
    yield "", 0.0, pixels
    for key, spec in DISTURBANCES.items():
        for strength in spec.strengths:
            yield key, strength, spec.apply(pixels, strength, np.random.default_rng(SEED))


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    part = cast(Part, request["part"])
    compute(Run(Path(request["run"])), part, request["checkpoint"], report)
