"""Computes the features and the teachers' answers that a run reads, or opens those on disk."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.runs.prepare import feature_files, kept_answers
from cifar_core.runs.prepare.feature_files import Compute, FeatureFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cifar_core.training.events import Tick
    from cifar_core.training.extractor import Extractor
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.kept.image_sets import ImageSet
    from cifar_core.training.setup import Setup

Say = Callable[[str], None]


def keep_features(
    setup: "Setup", fingerprint: str, store: Path, say: Say
) -> "Generator[Tick, None, FeatureBatches | None]":
    """Let the trainer read what is kept; return the test's features, or None if none are kept.

    These are the features of a head-only run, and the answers of teachers to images that stay the
    same. Yields a Tick after each batch that had to be computed. All that is computed stays on
    disk, even if the caller stops in the middle.
    """
    from cifar_core.training.events import Tick

    kept = entries(setup, fingerprint, store)
    answers = kept_answers.entries(setup, fingerprint, store)
    everything = [*kept, *(file for of_one in answers for file in of_one)]
    size = sum(file.size for file in everything)
    if not everything or size > feature_files.limit_bytes():
        if everything:
            say(
                f"{what(setup)} would take {size / 1e9:.1f} GB, more than the limit of "
                f"{feature_files.limit_bytes() / 1e9:g} GB, so they are computed in every epoch. "
                f"Set ${feature_files.LIMIT_VARIABLE} to allow more."
            )
        return None
    feature_files.make_room(store, everything)
    total = sum(file.rows for file in everything)
    done_in = {file.folder: file.done for file in everything}
    missing = total - sum(done_in.values())
    exist = f"{total - missing:,} of {total:,} images exist; {missing:,} to compute."
    say(f"{what(setup)} {'for' if answers else 'of'} {exist}")
    for file, work in chain(features_work(setup, kept, say), kept_answers.work(setup, answers)):
        for done in feature_files.fill(file, work):
            done_in[file.folder] = done
            yield Tick(phase="features", done=sum(done_in.values()), total=total)
    if answers:
        setup.read_answers([list(map(opened, of_one)) for of_one in answers])
    return setup.read_features(list(map(opened, kept))) if kept else None


def opened(file: FeatureFile) -> "Tensor":
    """Return the whole array [N, D] of a file."""
    import torch

    return torch.from_numpy(file.open())


def what(setup: "Setup") -> str:
    """Name what a run keeps of its images, at the beginning of a sentence."""
    if not setup.answers:
        return "Features"
    return "Features and answers of the teachers" if setup.features else "Answers of the teachers"


def features_work(
    setup: "Setup", kept: list[FeatureFile], say: Say
) -> Iterator[tuple[FeatureFile, Compute]]:
    """Yield the file of each set's features, and how they are computed."""
    missing = sum(file.rows - file.done for file in kept)
    extractor = None
    for file, images in zip(kept, setup.features, strict=True):
        if file.done < file.rows and extractor is None:
            extractor = ready(setup, missing)
            say(extractor.sentence)
        yield file, partial(compute, setup, images, extractor)


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
    setup: "Setup", images: "ImageSet", extractor: "Extractor | None", start: int
) -> "Iterator[NDArray[np.float32]]":
    """Yield the features of the images from position `start` on."""
    from cifar_core.training.extractor import extract

    extractor = extractor or ready(setup, 0)  # they existed and were deleted meanwhile
    precision = setup.trainer.precision
    return extract(extractor, images.open(), precision, number=images.view, start=start)
