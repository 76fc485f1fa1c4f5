"""Sanity cards: how a run's saliency maps change when its weights are randomized; kept on disk.

A card is a JSON file in the run's folder under trust/, computed by a background job.
"""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.background.jobs import Report
from cifar_core.disk import files
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_job import RunJob, job_of

if TYPE_CHECKING:
    from cifar_core.settings import Settings

IMAGES = 24  # spread evenly over the test images


@dataclass(frozen=True, kw_only=True)
class CardFile:
    """The file of the card of a checkpoint, a method and its settings."""

    run: Run
    checkpoint: str  # its full name
    method: str
    settings: "Settings | None" = None  # the method's defaults if None

    @property
    def path(self) -> Path:
        """The card's file; its name has a checksum of settings other than the defaults."""
        name = f"{self.checkpoint}-{self.method}"
        if self.settings:
            text = json.dumps(self.settings.to_dict(), sort_keys=True)
            name += f"-{sha256(text.encode()).hexdigest()[:12]}"
        return self.run.path / "trust" / f"{name}.json"

    @property
    def job(self) -> RunJob:
        """The background job that computes the card."""
        request = {
            "run": str(self.run.path),
            "checkpoint": self.checkpoint,
            "method": self.method,
            "settings": self.settings.to_dict() if self.settings else None,
        }
        return job_of(
            self.run, path=self.path,
            work=do_job, request=request, what=f"the sanity card of {self.method}",
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """Return the card; empty if there is none yet."""
        return files.read_json(self.path)


def compute(file: CardFile) -> dict[str, Any]:
    """Compute a card here and keep it."""
    import numpy as np
    import torch

    from cifar_core import data
    from cifar_core.explain import SALIENCY
    from cifar_core.explain.trust.objects import on_object
    from cifar_core.explain.trust.sanity import cascade, stay_of
    from cifar_core.inference import predict
    from cifar_core.runs.results.classifier import load_classifier

    start, spec = time.process_time(), SALIENCY[file.method]
    classifier = load_classifier(file.run, file.checkpoint)
    dataset = data.load(file.run.source, file.run.store_root, file.run.sizing)
    chosen = np.linspace(0, len(dataset.test) - 1, min(IMAGES, len(dataset.test))).astype(int)
    images = torch.from_numpy(dataset.test.pixels[chosen]).permute(0, 3, 1, 2) / 255
    targets = predict(classifier, images).argmax(dim=1)
    (_, trained), *random = cascade(classifier, images, targets, spec, file.settings)
    stages = [stage for stage, _ in random]
    card: dict[str, Any] = {
        "method": file.method,
        "images": len(images),
        "stays": stay_of(stages),
        "stages": [vars(stage) for stage in stages],
        "cpu_seconds": time.process_time() - start,
    }
    if dataset.test_masks is not None:
        card["object"] = vars(on_object(trained, torch.from_numpy(dataset.test_masks[chosen])))
    file.path.parent.mkdir(exist_ok=True)
    files.write_json(file.path, card)
    return card


def cards(run: Run, checkpoint: str) -> list[dict[str, Any]]:
    """Return the existing cards of a checkpoint, sorted by method."""
    paths = sorted((run.path / "trust").glob(f"{checkpoint}-*.json"))
    return [card for path in paths if (card := files.read_json(path))]


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute the card that a request names."""
    from cifar_core.explain import SALIENCY

    settings = request["settings"]
    compute(
        CardFile(
            run=Run(Path(request["run"])),
            checkpoint=request["checkpoint"],
            method=request["method"],
            settings=settings and SALIENCY[request["method"]].settings.from_dict(settings),
        )
    )
