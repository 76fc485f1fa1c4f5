"""Sanity cards: how a run's maps change when its weights are made random; computed once, kept.

A card is a JSON file in the run's folder under trust/. A process of its own computes it and holds
the lock beside it for as long as it lives, so that it is computed once however many ask, and a
page that waits for it sees at once when it has died.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import CifarError
from cifar_core.runs import files, lock, processes
from cifar_core.runs.run import Run

if TYPE_CHECKING:
    from cifar_core.settings import Settings

IMAGES = 24  # spread evenly over the test images
FAILED = "It ended without a result; the file beside the card with the ending .log may say why."


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the card of a checkpoint, a method and its settings is."""

    run: Run
    checkpoint: str  # its full name
    method: str
    settings: "Settings | None" = None  # the method's defaults if None

    @property
    def path(self) -> Path:
        """The card's file; settings other than the defaults are told apart by their checksum."""
        name = f"{self.checkpoint}-{self.method}"
        if self.settings:
            text = json.dumps(self.settings.to_dict(), sort_keys=True)
            name += f"-{sha256(text.encode()).hexdigest()[:12]}"
        return self.run.path / "trust" / f"{name}.json"

    @property
    def lock(self) -> Path:
        """The file that whoever computes the card holds."""
        return self.path.with_suffix(".lock")

    def read(self) -> dict[str, Any]:
        """Return the card, or nothing if there is none yet."""
        return files.read_json(self.path)

    @property
    def is_due(self) -> bool:
        """Whether a process is at it."""
        return lock.is_locked(self.lock)

    @property
    def error(self) -> str:
        """Why there is no card although it was asked for, or nothing."""
        if self.read() or not self.path.with_suffix(".log").exists() or self.is_due:
            return ""
        # it may have ended between the two looks
        return "" if self.read() else FAILED

    def start(self) -> bool:
        """Have the card computed in the background; False if a process is at it already.

        The child inherits the locked descriptor, so that there is no moment without the lock.
        """
        self.path.parent.mkdir(exist_ok=True)
        descriptor = lock.take(self.lock, wait=False)
        if descriptor is None:
            return False
        request = {
            "run": str(self.run.path),
            "checkpoint": self.checkpoint,
            "method": self.method,
            "settings": self.settings.to_dict() if self.settings else None,
        }
        try:
            with self.path.with_suffix(".log").open("wb") as log:
                # it forks at once and the parent ends, so that it leaves no zombie
                subprocess.run(
                    [sys.executable, "-m", "cifar_core.runs.sanity_cards", json.dumps(request)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(descriptor,),
                    env={**os.environ, **processes.trainer_environment(1)},
                    check=True,
                )
        finally:
            os.close(descriptor)
        return True


def compute(place: Place) -> dict[str, Any]:
    """Compute a card here and keep it."""
    import numpy as np
    import torch

    from cifar_core import data
    from cifar_core.explain import SALIENCY
    from cifar_core.explain.trust.objects import on_object
    from cifar_core.explain.trust.sanity import cascade, stay_of
    from cifar_core.inference import predict
    from cifar_core.runs.classifier import load_classifier

    start, spec = time.process_time(), SALIENCY[place.method]
    classifier = load_classifier(place.run, place.checkpoint)
    dataset = data.load(place.run.source, place.run.store_root)
    chosen = np.linspace(0, len(dataset.test) - 1, min(IMAGES, len(dataset.test))).astype(int)
    images = torch.from_numpy(dataset.test.pixels[chosen]).permute(0, 3, 1, 2) / 255
    targets = predict(classifier, images).argmax(dim=1)
    (_, trained), *random = cascade(classifier, images, targets, spec, place.settings)
    stages = [stage for stage, _ in random]
    card: dict[str, Any] = {
        "method": place.method,
        "images": len(images),
        "stays": stay_of(stages),
        "stages": [vars(stage) for stage in stages],
        "cpu_seconds": time.process_time() - start,
    }
    if dataset.test_masks is not None:
        card["object"] = vars(on_object(trained, torch.from_numpy(dataset.test_masks[chosen])))
    place.path.parent.mkdir(exist_ok=True)
    files.write_json(place.path, card)
    return card


def cards(run: Run, checkpoint: str) -> list[dict[str, Any]]:
    """Return the cards of a checkpoint that are there, sorted by method."""
    found = sorted((run.path / "trust").glob(f"{checkpoint}-*.json"))
    return [card for path in found if (card := files.read_json(path))]


def main(text: str) -> int:
    """Compute what a request asks for, in a process that nobody waits for."""
    if os.fork():
        os._exit(0)
    os.nice(10)  # training and the pages go first
    from cifar_core.explain import SALIENCY

    request = json.loads(text)
    settings = request["settings"]
    try:
        compute(
            Place(
                run=Run(Path(request["run"])),
                checkpoint=request["checkpoint"],
                method=request["method"],
                settings=settings and SALIENCY[request["method"]].settings.from_dict(settings),
            )
        )
    except CifarError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
