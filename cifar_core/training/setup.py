"""Builds a trainer that is ready to run from a config and a dataset."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import SIZE, Dataset, Images
from cifar_core.data.split import split_of
from cifar_core.errors import DataError
from cifar_core.training.features import FeatureBatches
from cifar_core.training.freezing import keeps_features
from cifar_core.training.step.step_plan import StepPlan
from cifar_core.training.trainer import Trainer

EVAL_BATCH = {"cuda": 2000}  # images per batch without gradients; on a CPU 250, for its caches
FEATURE_BATCH = {"cuda": 256}  # images enlarged at once; on a CPU 50, for its caches
ENLARGED = 64  # pixels a side above which evaluation batches get smaller, as maps grow
PREPARING = 5000  # images of 32 pixels that a network can use before its first step
VIEW_SEED = 0  # of the cached views, so that runs of any seed can share them


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Images whose features a head-only run keeps: one view of one split."""

    title: str
    labels: NDArray[np.int64]
    identity: dict[str, Any]  # plain values that change whenever the features would
    open: Callable[[], Batches]  # puts the images on the device, in order
    view: int  # the epoch of these batches whose augmentation is the view
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A trainer and its test images.

    If only the head is trained, from kept features, the sets in `features` have to be computed
    first: the training images' views, then validation, then test.
    """

    trainer: Trainer
    test: Batches
    validation: NDArray[np.int64]  # [N] indexes of its images among the dataset's training images
    features: list[FeatureSet] = field(default_factory=list)

    def read_features(self, computed: list[Tensor]) -> FeatureBatches:
        """Give the trainer the features [N, D] of each set; return the batches of the test set."""
        *views, val, test = computed
        *_, val_set, test_set = self.features
        config, device = self.trainer.config, str(self.test.device)
        train = FeatureBatches(
            views,
            self.features[0].labels,
            batch_size=config.batch_size,
            device=device,
            seed=config.seed,
            shuffle=True,
            order=config.order,
            drop_last=True,
        )
        size = self.test.batch_size
        self.trainer.read_features(
            train, FeatureBatches([val], val_set.labels, batch_size=size, device=device)
        )
        return FeatureBatches([test], test_set.labels, batch_size=size, device=device)


def prepare(
    config: TrainConfig,
    dataset: Dataset,
    device: str,
    weights: Mapping[str, Tensor] | None = None,
    plan: StepPlan | None = None,
    *,
    fresh: bool = True,
    begun: Mapping[str, Tensor] | None = None,
) -> Setup:
    """Split the data, put it on the device and build the trainer; `device` is torch's name.

    `weights` are those of pretraining, by the network's own names; `plan` is the step plan, by
    rule if it is None. A trainer that is not `fresh` is about to be restored from a snapshot; of
    a fresh one, `begun` are the tensors that it takes over from another run, all or some.
    """
    choose_kernels(config)
    part, val_part = parts(config, dataset)
    if len(part) < config.batch_size:
        raise DataError(
            f"There are {len(part)} training images, but batch_size is {config.batch_size}. "
            f"Choose a batch size of at most {len(part)} or a larger train_fraction."
        )
    train = training_batches(config, dataset.train, part, device)
    side = config.computes_on
    everything, at_most = np.arange(len(dataset.test)), config.micro_batch
    val = evaluation_batches(dataset.train, val_part, device, side, at_most=at_most)
    test = evaluation_batches(dataset.test, everything, device, side, at_most=at_most)
    trainer = Trainer(
        config,
        train=train,
        val=val,
        num_classes=len(dataset.classes),
        device=device,
        weights=weights,
        plan=plan,
    )
    if fresh and trainer.spec.prepare:
        with torch.no_grad():
            trainer.spec.prepare(trainer.model, some_images(dataset.train, part, device))
    if begun:  # they replace what was prepared
        trainer.model.load_state_dict(begun, strict=False)
    features = feature_sets(config, dataset, part, val_part, device)
    return Setup(trainer=trainer, test=test, validation=val_part, features=features)


def some_images(images: Images, part: NDArray[np.int64], device: str) -> Tensor:
    """Return some of the chosen images, evenly spaced, as [n, 3, S, S] in [0, 1].

    At most as many as have the pixels of PREPARING images of 32 pixels a side.
    """
    most = max(1, PREPARING * SIZE**2 // images.pixels.shape[1] ** 2)
    chosen = part[np.linspace(0, len(part) - 1, min(most, len(part))).astype(int)]
    pixels, _ = next(batches_of(images, chosen, batch_size=len(chosen), device=device).epoch())
    return pixels


def batches_of(images: Images, part: NDArray[np.int64], **options: Any) -> Batches:
    """Return batches of the chosen images; `options` are those of `Batches`."""
    return Batches(images.pixels, images.labels, part=part, wider=images.wider, **options)


def parts(config: TrainConfig, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of a run's training images, and of its validation images."""
    return split_of(dataset.train, config)


def steps_of(config: TrainConfig, dataset: Dataset) -> int:
    """Return how many optimization steps a run has in all."""
    return config.epochs * (len(parts(config, dataset)[0]) // config.batch_size)


def training_batches(
    config: TrainConfig, images: Images, part: NDArray[np.int64], device: str
) -> Batches:
    """Return the chosen images as the run's steps use them: in its order, and augmented."""
    return batches_of(
        images,
        part,
        batch_size=config.batch_size,
        device=device,
        augment=Augment.from_settings(config.to_dict()),
        seed=config.seed,
        shuffle=True,
        order=config.order,
        drop_last=True,  # batch norm cannot use a last batch of one image
    )


def feature_sets(
    config: TrainConfig,
    dataset: Dataset,
    train: NDArray[np.int64],
    val: NDArray[np.int64],
    device: str,
) -> list[FeatureSet]:
    """Return the sets of images of which a head-only run needs features; none for other runs."""
    if not keeps_features(config):
        return []
    augment = Augment.from_settings(config.to_dict())
    views = config.cached_views if augment != Augment() else 1
    everything = np.arange(len(dataset.test))
    return [
        feature_set("train", dataset.train, train, device, Augment(), 0),
        *(feature_set("train", dataset.train, train, device, augment, v) for v in range(1, views)),
        feature_set("validation", dataset.train, val, device, Augment(), 0),
        feature_set("test", dataset.test, everything, device, Augment(), 0),
    ]


def feature_set(
    title: str,
    images: Images,
    part: NDArray[np.int64],
    device: str,
    augment: Augment,
    view: int,
) -> FeatureSet:
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
    return FeatureSet(
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


def evaluation_batches(
    images: Images, part: np.ndarray, device: str, side: int = 32, *, at_most: int = 0
) -> Batches:
    """Return the chosen images in order, in equal batches of about the size that is fastest.

    `side` is the resolution of the network in pixels, if it enlarges smaller images; `at_most` is
    how many images fit into memory at once, 0 for any number. Without gradients they take less
    memory than in training.
    """
    fastest = evaluation_size(device, max(side, images.pixels.shape[1]))
    count = max(1, -(-len(part) // min(fastest, at_most or fastest)))
    size = max(1, -(-len(part) // count))  # equal, as each size needs kernels of its own
    return batches_of(images, part, batch_size=size, device=device)


def evaluation_size(device: str, side: int) -> int:
    """Return how many images are classified at once, by a network that computes at a side."""
    size = EVAL_BATCH.get(device.split(":")[0], 250)
    return max(1, round(size * min(1.0, (ENLARGED / side) ** 2)))


def choose_kernels(config: TrainConfig) -> None:
    """Choose the kernels of this process: the fastest ones, unless a run must be repeatable.

    cuDNN measures them for each shape of a layer; batches of only a few sizes occur. It may round
    the input of float32 convolutions to TF32, but not for kept features, which are exact.
    """
    if config.deterministic:
        make_deterministic()
    torch.backends.cudnn.benchmark = not config.deterministic
    torch.backends.cudnn.allow_tf32 = not keeps_features(config)


def make_deterministic() -> None:
    """Make torch use deterministic kernels; operators without one warn instead of failing.

    cuBLAS reads the variable when it is first used in a process.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
