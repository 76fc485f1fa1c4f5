"""Computes the features that a head-only run reads, or opens those already on disk."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.runs.prepare import feature_files
from cifar_core.runs.prepare.feature_files import FeatureFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from cifar_core.training.events import Tick
    from cifar_core.training.extractor import Extractor
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.setup import FeatureSet, Setup

Say = Callable[[str], None]


def keep_features(
    setup: "Setup", fingerprint: str, store: Path, say: Say
) -> "Generator[Tick, None, FeatureBatches | None]":
    """Let the trainer read kept features; return those of the test, or None if none are kept.

    Yields a Tick after each batch that had to be computed. Computed features stay on disk, even
    if the caller stops in the middle.
    """
    import torch

    from cifar_core.training.events import Tick

    kept = entries(setup, fingerprint, store)
    size = sum(features.size for features in kept)
    if not kept or size > feature_files.limit_bytes():
        if kept:
            say(
                f"The features would take {size / 1e9:.1f} GB, more than the limit of "
                f"{feature_files.limit_bytes() / 1e9:g} GB, so they are computed in every epoch. "
                f"Set ${feature_files.LIMIT_VARIABLE} to allow more."
            )
        return None
    feature_files.make_room(store, kept)
    total = sum(features.rows for features in kept)
    done_in = {features.folder: features.done for features in kept}
    missing = total - sum(done_in.values())
    say(f"Features of {total - missing:,} of {total:,} images exist; {missing:,} to compute.")
    extractor = None
    for features, images in zip(kept, setup.features, strict=True):
        if features.done < features.rows and extractor is None:
            extractor = ready(setup, missing)
            say(extractor.sentence)
        work = partial(compute, setup, images, extractor)
        for done in feature_files.fill(features, work):
            done_in[features.folder] = done
            yield Tick(phase="features", done=sum(done_in.values()), total=total)
    return setup.read_features([torch.from_numpy(features.open()) for features in kept])


def entries(setup: "Setup", fingerprint: str, store: Path) -> list[FeatureFile]:
    """Return the feature file of each set of images."""
    from cifar_core.training.features import width_of

    if not setup.features:
        return []
    trainer = setup.trainer
    config, head = trainer.config, trainer.spec.head
    common: dict[str, Any] = {
        "model": config.model,
        "weights": fingerprint_of(trainer.model, head),
        "data": fingerprint,
        "resolution": config.computes_on,
        "precision": trainer.precision.key,
    }
    if trainer.plan.memory_format != "channels_last":  # rounds differently
        common["memory_format"] = trainer.plan.memory_format
    width = width_of(trainer.model.get_submodule(head))
    return [
        feature_files.entry(store, {**common, **images.identity}, len(images.labels), width)
        for images in setup.features
    ]


def fingerprint_of(model: "nn.Module", head: str) -> str:
    """Return the sha256 of every tensor but the last layer's, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        if not name.startswith(head + "."):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def ready(setup: "Setup", images: int) -> "Extractor":
    """Return the frozen part of the run's network, ready for this number of images."""
    from cifar_core.training.extractor import make_extractor

    trainer = setup.trainer
    return make_extractor(
        trainer.model,
        trainer.spec.head,
        trainer.precision,
        side=setup.test.side,
        pixels=images * trainer.config.computes_on**2,
        batch_size=setup.features[0].batch_size,
    )


def compute(
    setup: "Setup", images: "FeatureSet", extractor: "Extractor | None", start: int
) -> "Iterator[NDArray[np.float32]]":
    """Yield the features of the images from position `start` on."""
    from cifar_core.training.extractor import extract

    extractor = extractor or ready(setup, 0)  # they existed and were deleted meanwhile
    precision = setup.trainer.precision
    return extract(extractor, images.open(), precision, number=images.view, start=start)
