"""Builds a trainer that is ready to run from a config and a dataset."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches, Share, whole
from cifar_core.data.dataset import SIZE, Dataset, Images
from cifar_core.data.split import split_of
from cifar_core.errors import DataError
from cifar_core.numbers import counted
from cifar_core.training.features import FeatureBatches
from cifar_core.training.freezing import keeps_features
from cifar_core.training.kept.image_sets import ImageSet, answer_sets, batches_of, feature_sets
from cifar_core.training.ranks.ranks import ALONE, Ranks
from cifar_core.training.step.step_plan import StepPlan
from cifar_core.training.task.mixing import Mixing
from cifar_core.training.task.teachers import KeptAnswers, Teacher
from cifar_core.training.trainer import Trainer

EVAL_BATCH = {"cuda": 2000}  # images per batch without gradients; on a CPU 250, for its caches
ENLARGED = 64  # pixels a side above which evaluation batches get smaller, as maps grow
PREPARING = 5000  # images of 32 pixels that a network can use before its first step


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A trainer and its test images.

    If only the head is trained, from kept features, the sets in `features` have to be computed
    first: the training images' views, then validation, then test. The answers of its teachers to
    the sets in `answers`, which are the training images' views, can be kept.
    """

    trainer: Trainer
    test: Batches
    validation: NDArray[np.int64]  # [N] indexes of its images among the dataset's training images
    features: list[ImageSet] = field(default_factory=list)
    answers: list[ImageSet] = field(default_factory=list)  # none if they differ in each epoch

    def read_answers(self, computed: Sequence[Sequence[Tensor]]) -> None:
        """Give the trainer the logits [N, K] of each teacher for each set."""
        labels = self.answers[0].labels
        kept = KeptAnswers([self._in_order(views, labels) for views in computed])
        self.trainer.task = self.trainer.task.with_answers(kept)

    def read_features(self, computed: list[Tensor]) -> FeatureBatches:
        """Give the trainer the features [N, D] of each set; return the batches of the test set."""
        *views, val, test = computed
        *_, val_set, test_set = self.features
        device, size = str(self.test.device), self.test.batch_size
        train = self._in_order(views, self.features[0].labels)
        self.trainer.read_features(
            train, FeatureBatches([val], val_set.labels, batch_size=size, device=device)
        )
        return FeatureBatches([test], test_set.labels, batch_size=size, device=device)

    def _in_order(self, views: Sequence[Tensor], labels: NDArray[np.int64]) -> FeatureBatches:
        """Return batches of what is kept of the training images, in the order of the run."""
        config = self.trainer.config
        return FeatureBatches(
            views,
            labels,
            batch_size=config.batch_size,
            device=str(self.test.device),
            seed=config.seed,
            shuffle=True,
            order=config.order,
            drop_last=True,
            share=share_of(self.trainer.ranks),
        )


def prepare(
    config: TrainConfig,
    dataset: Dataset,
    device: str,
    weights: Mapping[str, Tensor] | None = None,
    plan: StepPlan | None = None,
    *,
    fresh: bool = True,
    begun: Mapping[str, Tensor] | None = None,
    teachers: Sequence[Teacher] = (),
    ranks: Ranks = ALONE,
) -> Setup:
    """Split the data, put it on the device and build the trainer; `device` is torch's name.

    `weights` are those of pretraining, by the network's own names; `plan` is the step plan, by
    rule if it is None. A trainer that is not `fresh` is about to be restored from a snapshot; of
    a fresh one, `begun` are the tensors that it takes over from another run, all or some.
    `teachers` are the networks that it learns from, `ranks` the processes that train together.
    """
    choose_kernels(config)
    config.check_devices(ranks.world)
    part, val_part = parts(config, dataset)
    if len(part) < config.batch_size:
        raise DataError(
            f"There are {len(part)} training images, but batch_size is {config.batch_size}. "
            f"Choose a batch size of at most {len(part)} or a larger train_fraction."
        )
    for title, images in (("validation", len(val_part)), ("test", len(dataset.test))):
        if images < ranks.world:
            raise DataError(
                f"The run has {counted(images, f'{title} image')}, but each of its {ranks.world} "
                "devices needs one. Choose fewer devices, or give it more images."
            )
    train = training_batches(config, dataset.train, part, device, ranks)
    side = config.computes_on
    everything = np.arange(len(dataset.test))
    cut = partial(evaluation_batches, at_most=config.micro_batch, ranks=ranks)
    val = cut(dataset.train, val_part, device, side)
    test = cut(dataset.test, everything, device, side)
    trainer = Trainer(
        config,
        train=train,
        val=val,
        num_classes=len(dataset.classes),
        device=device,
        weights=weights,
        plan=plan,
        teachers=teachers,
        ranks=ranks,
    )
    if fresh and trainer.spec.prepare:
        with torch.no_grad():
            trainer.spec.prepare(trainer.model, some_images(dataset.train, part, device))
    if begun:  # they replace what was prepared
        trainer.model.load_state_dict(begun, strict=False)
    features = feature_sets(config, dataset, part, val_part, device)
    answers = answer_sets(config, dataset, part, device) if teachers else []
    return Setup(
        trainer=trainer, test=test, validation=val_part, features=features, answers=answers
    )


def some_images(images: Images, part: NDArray[np.int64], device: str) -> Tensor:
    """Return some of the chosen images, evenly spaced, as [n, 3, S, S] in [0, 1].

    At most as many as have the pixels of PREPARING images of 32 pixels a side.
    """
    most = max(1, PREPARING * SIZE**2 // images.pixels.shape[1] ** 2)
    chosen = part[np.linspace(0, len(part) - 1, min(most, len(part))).astype(int)]
    pixels, _ = next(batches_of(images, chosen, batch_size=len(chosen), device=device).epoch())
    return pixels


def parts(config: TrainConfig, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of a run's training images, and of its validation images."""
    return split_of(dataset.train, config)


def steps_of(config: TrainConfig, dataset: Dataset) -> int:
    """Return how many optimization steps a run has in all."""
    return config.epochs * (len(parts(config, dataset)[0]) // config.batch_size)


def share_of(ranks: Ranks) -> Share:
    """Return which positions of a batch a rank reads: all of them, if there is only one."""
    return whole if ranks.world == 1 else ranks.share


def training_batches(
    config: TrainConfig,
    images: Images,
    part: NDArray[np.int64],
    device: str,
    ranks: Ranks = ALONE,
) -> Batches:
    """Return the chosen images as the run's steps use them: in its order, and augmented.

    To mix its part of a batch, a rank needs the image before it too, which is another rank's.
    """
    mixes = bool(Mixing.from_config(config).ways)
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
        share=share_of(ranks),
        before=int(mixes and ranks.world > 1),
    )


def evaluation_batches(
    images: Images,
    part: np.ndarray,
    device: str,
    side: int = 32,
    *,
    at_most: int = 0,
    ranks: Ranks = ALONE,
) -> Batches:
    """Return the chosen images in order, in equal batches of about the size that is fastest.

    `side` is the resolution of the network in pixels, if it enlarges smaller images; `at_most` is
    how many images fit into memory at once, 0 for any number. Without gradients they take less
    memory than in training. Each of several ranks gets this many images of a batch.
    """
    fastest = evaluation_size(device, max(side, images.pixels.shape[1]))
    at_once = ranks.world * min(fastest, at_most or fastest)
    count = max(1, -(-len(part) // at_once))
    size = max(1, -(-len(part) // count))  # equal, as each size needs kernels of its own
    size += -size % ranks.world  # so that no rank gets more images of a later batch
    return batches_of(images, part, batch_size=size, device=device, share=share_of(ranks))


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
