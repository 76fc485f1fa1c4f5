"""The sets of images of which something is computed once, before the first step, and kept."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import Dataset, Images
from cifar_core.training.freezing import keeps_answers, keeps_features

FEATURE_BATCH = {"cuda": 256}  # images enlarged at once; on a CPU 50, for its caches
VIEW_SEED = 0  # of the cached views, so that runs of any seed can share them


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """Images of which a run keeps features, or its teachers' answers: one view of one split."""

    title: str
    labels: NDArray[np.int64]
    identity: dict[str, Any]  # plain values that change whenever the features would
    open: Callable[[], Batches]  # puts the images on the device, in order
    view: int  # the epoch of these batches whose augmentation is the view
    batch_size: int


def batches_of(images: Images, part: NDArray[np.int64], **options: Any) -> Batches:
    """Return batches of the chosen images; `options` are those of `Batches`."""
    return Batches(images.pixels, images.labels, part=part, wider=images.wider, **options)


def feature_sets(
    config: TrainConfig,
    dataset: Dataset,
    train: NDArray[np.int64],
    val: NDArray[np.int64],
    device: str,
) -> list[ImageSet]:
    """Return the sets of images of which a head-only run needs features; none for other runs."""
    if not keeps_features(config):
        return []
    everything = np.arange(len(dataset.test))
    return [
        *views_of(config, dataset, train, device),
        view_of("validation", dataset.train, val, device, Augment(), 0),
        view_of("test", dataset.test, everything, device, Augment(), 0),
    ]


def answer_sets(
    config: TrainConfig, dataset: Dataset, train: NDArray[np.int64], device: str
) -> list[ImageSet]:
    """Return the sets of images of which the answers of teachers stay the same in all epochs.

    None if the images are changed or mixed differently in each epoch.
    """
    if not keeps_answers(config):
        return []
    views = views_of(config, dataset, train, device)
    return views if keeps_features(config) else views[:1]


def views_of(
    config: TrainConfig, dataset: Dataset, train: NDArray[np.int64], device: str
) -> list[ImageSet]:
    """Return the views of the training images that a run sees in turn, if it keeps any."""
    augment = Augment.from_settings(config.to_dict())
    views = config.cached_views if augment != Augment() else 1
    return [
        view_of("train", dataset.train, train, device, Augment(), 0),
        *(view_of("train", dataset.train, train, device, augment, v) for v in range(1, views)),
    ]


def view_of(
    title: str,
    images: Images,
    part: NDArray[np.int64],
    device: str,
    augment: Augment,
    view: int,
) -> ImageSet:
    """Return one view of one part; view 0 is the unaltered images."""
    identity: dict[str, Any] = {
        "images": "test" if title == "test" else "train",
        "part": hashlib.sha256(part.astype("<i8").tobytes()).hexdigest()[:16],
    }
    if view:
        plain = asdict(
            Augment()
        )  # left out, so that stored features stay valid when settings are added
        drawn = {name: value for name, value in asdict(augment).items() if value != plain[name]}
        identity |= {**drawn, "seed": VIEW_SEED, "view": view}
        if images.wider is not None:
            identity["stored"] = images.wider.shape[1]
    size = FEATURE_BATCH.get(device.split(":")[0], 50)
    return ImageSet(
        title=f"{title}, view {view}" if view else title,
        labels=images.labels[part],
        identity=identity,
        open=partial(
            batches_of,
            images,
            part,
            batch_size=size,
            device=device,
            augment=augment,
            seed=VIEW_SEED,
        ),
        view=view,
        batch_size=size,
    )
