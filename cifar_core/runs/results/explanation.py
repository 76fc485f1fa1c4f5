"""An explanation as files: the map, its image, and a record from which it can be reproduced."""

import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from cifar_core.data.pictures.images import Box, tensor_of
from cifar_core.errors import ExplanationError
from cifar_core.runs.record.checkpoints import MODEL
from cifar_core.runs.record.environment import PACKAGES, version_of
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.store import Store
from cifar_core.settings import Settings

if TYPE_CHECKING:
    from cifar_core.inference import Classifier

FORMAT = 2  # 1: maps of the methods in explain.earlier
Map = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which class of an image to explain, by which method."""

    method: str  # a saliency method's key
    settings: Settings  # the method's own
    target: str  # name of the class to explain
    rival: str = ""  # name of the class that it is compared with, if any

    @property
    def title(self) -> str:
        """What is explained, in a few words: cat, or cat rather than dog."""
        return f"{self.target} rather than {self.rival}" if self.rival else self.target


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How a map is drawn over its image; see render.overlay."""

    opacity: float = 0.8
    keep: float = 1.0  # the share of the pixels, the strongest, that get color
    limit: float | None = None  # the value in full color; taken from the map if None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A map [side, side] and where it comes from."""

    run: Run
    checkpoint: str  # named in full
    question: Question
    map: Map
    name: str  # of the image
    photo: Image.Image
    box: Box  # the region of the photo that the network saw
    seen: Image.Image  # the pixels that it saw
    pictured: Box | None = None  # where in these the region is; all of them if None

    @property
    def stem(self) -> str:
        """The beginning of its files' names."""
        question = self.question
        rather = f"_not_{question.rival}" if question.rival else ""
        return tidy(f"{self.name}_run{self.run.number}_{question.method}_{question.target}{rather}")

    @property
    def digest(self) -> str:
        """A checksum of everything that determines the map."""
        question = self.question
        values = [self.run.id, self.checkpoint, question.method, question.settings.to_dict(),
                  question.target, question.rival, sha256_of(self.seen)]  # fmt: skip
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def visible(self) -> Map:
        """The part of the map that lies on the picture: all of it but black borders."""
        left, top, right, bottom = self.pictured or (0, 0, *self.seen.size)
        return self.map[top:bottom, left:right]

    def overlay(self, drawing: Drawing) -> Image.Image:
        """Draw the map over the photo."""
        from cifar_core.explain import SALIENCY
        from cifar_core.explain.render import overlay

        return overlay(
            self.photo, self.visible, box=self.box,
            signed=SALIENCY[self.question.method].signed,
            opacity=drawing.opacity, keep=drawing.keep, limit=drawing.limit,
        )  # fmt: skip

    def files(self, drawing: Drawing) -> dict[str, bytes]:
        """Return the contents of its files by name: overlay, map, record, the pixels seen."""
        array = io.BytesIO()
        np.save(array, self.map)
        seen = f"{tidy(self.name)}_{sha256_of(self.seen)[:8]}_seen.png"
        record = {**self.record(drawing), "seen": seen}
        return {
            f"{self.stem}.png": png(self.overlay(drawing)),
            f"{self.stem}.npy": array.getvalue(),
            f"{self.stem}.json": (json.dumps(record, indent=1) + "\n").encode(),
            seen: png(self.seen),
        }

    def record(self, drawing: Drawing) -> dict[str, Any]:
        """Return everything that determines the map, in plain values."""
        info = self.run.checkpoint(self.checkpoint)
        question = self.question
        return {
            "format": FORMAT,
            "run": self.run.id,
            "checkpoint": self.checkpoint,
            "weights_sha256": info.manifest["files"][MODEL]["sha256"],
            "method": question.method,
            "settings": question.settings.to_dict(),
            "target": question.target,
            "rival": question.rival or None,
            "picture": self.name,
            "box": list(self.box),
            "pictured": list(self.pictured or (0, 0, *self.seen.size)),
            "seen_sha256": sha256_of(self.seen),
            "opacity": drawing.opacity,
            "keep": drawing.keep,
            "limit": drawing.limit,
            "python": platform.python_version(),
            **{name: version for name in PACKAGES if (version := version_of(name))},
        }


def attribute(
    classifier: "Classifier", seen: Image.Image, question: Question, *, format: int = FORMAT
) -> Map:
    """Return the map [side, side] that answers a question about the image that a network sees.

    `format` is that of the record whose map is made again.
    """
    (saliency,) = attributions(classifier, seen, question, [question.target], format=format)
    return saliency


def attributions(
    classifier: "Classifier", seen: Image.Image, question: Question, targets: list[str],
    *, format: int = FORMAT,
) -> Map:  # fmt: skip
    """Return the maps [T, side, side] for several classes instead of the question's own."""
    import torch

    from cifar_core.explain import SALIENCY, explain
    from cifar_core.explain.earlier import EARLIER

    indexes = [class_index(name, classifier.classes) for name in targets]
    rival = class_index(question.rival, classifier.classes) if question.rival else None
    maps = explain(
        classifier, tensor_of(seen).expand(len(indexes), -1, -1, -1), torch.tensor(indexes),
        question.method, question.settings, rival=rival,
        methods=EARLIER if format == 1 else SALIENCY,
    )  # fmt: skip
    return maps.numpy()


def class_index(name: str, classes: tuple[str, ...]) -> int:
    """Return the index of a class."""
    if name not in classes:
        raise ExplanationError(f"There is no class '{name}'. Known: {', '.join(classes)}.")
    return classes.index(name)


def reproduce(record: Mapping[str, Any], seen: Image.Image, store: Store) -> Map:
    """Compute the map of a record again from the pixels that the network saw.

    Raises ExplanationError if the pixels or the weights differ from those of the record. A record
    of an earlier version gets the map that this version made.
    """
    from cifar_core.explain import SALIENCY
    from cifar_core.runs.results.classifier import load_classifier

    run = store.run(record["run"])
    weights = run.checkpoint(record["checkpoint"]).manifest["files"][MODEL]["sha256"]
    same("weights", weights, record["weights_sha256"])
    same("pixels", sha256_of(seen), record["seen_sha256"])
    question = Question(
        method=record["method"],
        settings=SALIENCY[record["method"]].settings.from_dict(record["settings"]),
        target=record["target"],
        rival=record["rival"] or "",
    )
    classifier = load_classifier(run, record["checkpoint"])
    return attribute(classifier, seen, question, format=record.get("format", 1))


def same(what: str, actual: str, recorded: str) -> None:
    """Raise ExplanationError if the pixels or weights are not the recorded ones."""
    if actual != recorded:
        raise ExplanationError(
            f"The {what} differ from those in the record: their sha256 begins with {actual[:12]}, "
            f"but should begin with {recorded[:12]}. Use the files that came with the record."
        )


def sha256_of(image: Image.Image) -> str:
    """Return the checksum of an image's size and pixels."""
    size = f"{image.width} x {image.height}".encode()
    return sha256(size + image.convert("RGB").tobytes()).hexdigest()


def png(image: Image.Image) -> bytes:
    """Return an image as the content of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def tidy(name: str) -> str:
    """Return a name that is valid for a file on every system."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
    return safe.strip("_")[:120] or "picture"
