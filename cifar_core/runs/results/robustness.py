"""How well a run's network does on images that were shifted, flipped, blurred and so on.

The result, a JSON file under robustness/, is computed by a background job and kept. The images
are drawn once with a fixed seed, the same for every disturbance, so that they can be compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cifar_core.background.jobs import Report, quietly
from cifar_core.batching import images_at_once
from cifar_core.data.disturbances import DISTURBANCES
from cifar_core.disk import files
from cifar_core.runs.record.run import Run
from cifar_core.runs.results.predictions import Part, check, indexes_of
from cifar_core.runs.store.run_job import RunJob, job_of
from cifar_core.statistics.intervals import wilson

IMAGES = 1000  # drawn from the split; the interval of a share is then at most 3.1 points each way
SEED = 0
KINDS = sum(len(spec.strengths) for spec in DISTURBANCES.values()) + 1  # and one without


@dataclass(frozen=True, kw_only=True)
class DisturbedScore:
    """How many images the network classifies correctly under one disturbance."""

    disturbance: str  # a key of DISTURBANCES; empty for the unchanged images
    strength: float
    hits: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share of correct predictions, in [0, 1]."""
        return self.hits / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % Wilson interval."""
        return wilson(self.accuracy, self.count)


def path_of(run: Run, part: Part, checkpoint: str) -> Path:
    """Return the file that keeps the result of a checkpoint, named in full."""
    return run.path / "robustness" / f"{checkpoint}-{part}.json"


def job(run: Run, part: Part, checkpoint: str = "best") -> RunJob:
    """Return the background job that tests one checkpoint; "best" and "last" are names too."""
    name = run.checkpoint(checkpoint).name
    request = {"run": str(run.path), "part": part, "checkpoint": name}
    path = path_of(run, part, name)
    return job_of(
        run, path=path, work=do_job, request=request,
        what="the robustness",
    )  # fmt: skip


def kept(run: Run, part: Part, checkpoint: str = "best") -> list[DisturbedScore]:
    """Return the scores, that of the unchanged images first; empty if they are not computed."""
    values = files.read_json(path_of(run, part, run.checkpoint(checkpoint).name))
    return [DisturbedScore(**score) for score in values.get("stands", [])]


def compute(
    run: Run, part: Part, checkpoint: str = "best", report: Report = quietly
) -> list[DisturbedScore]:
    """Test a checkpoint here, in float32 on the CPU, and keep the scores."""
    from cifar_core.data import load
    from cifar_core.inference import predictions
    from cifar_core.runs.results.classifier import load_classifier

    name = run.checkpoint(checkpoint).name
    classifier = load_classifier(run, name)
    dataset = load(run.source, run.store_root, run.sizing)
    check(run, dataset.fingerprint)
    images = dataset.test if part == "test" else dataset.train
    indexes = drawn(indexes_of(run, part, images))
    most = images_at_once(run.sizing.side)
    parts = [indexes[start : start + most] for start in range(0, len(indexes), most)]
    scores: list[DisturbedScore] = []
    for key, strength in kinds():
        rng, hits = np.random.default_rng(SEED), 0
        for part_of_them in parts:
            pixels = np.asarray(images.pixels[part_of_them])
            changed = DISTURBANCES[key].apply(pixels, strength, rng) if key else pixels
            right = predictions(classifier, changed)[0] == images.labels[part_of_them]
            hits += int(right.sum())
        count = len(indexes)
        scores.append(DisturbedScore(disturbance=key, strength=strength, hits=hits, count=count))
        report(len(scores), KINDS)
    path = path_of(run, part, name)
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, {"seed": SEED, "stands": [vars(score) for score in scores]})
    return scores


def drawn(indexes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw the images to test, the same ones every time, in order."""
    few = min(IMAGES, len(indexes))
    return np.sort(np.random.default_rng(SEED).choice(indexes, few, replace=False))


def kinds() -> Iterator[tuple[str, float]]:
    """Yield each disturbance and strength; first none, for the unchanged images."""
    yield "", 0.0
    for key, spec in DISTURBANCES.items():
        for strength in spec.strengths:
            yield key, strength


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute what a request asks for."""
    part = cast(Part, request["part"])
    compute(Run(Path(request["run"])), part, request["checkpoint"], report)
