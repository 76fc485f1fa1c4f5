"""From a config and a dataset to a trainer that is ready to run."""

from dataclasses import dataclass

import numpy as np
import torch

from cifar_core.config import TrainConfig
from cifar_core.data.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.split import split
from cifar_core.errors import DataError
from cifar_core.training.trainer import Trainer

EVAL_BATCH = {"cuda": 2000}  # images per batch without gradients; 500 keeps a CPU's caches warm


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A trainer and the images it must not learn from."""

    trainer: Trainer
    test: Batches


def prepare(config: TrainConfig, dataset: Dataset, device: str) -> Setup:
    """Split the data, put it on the device and build the trainer; `device` is torch's name."""
    if config.deterministic:
        make_deterministic()
    train_part, val_part = split(
        dataset.train.labels,
        train_fraction=config.train_fraction,
        val_fraction=config.val_fraction,
        seed=config.split_seed,
    )
    if len(train_part) < config.batch_size:
        raise DataError(
            f"There are {len(train_part)} training images, but batch_size is {config.batch_size}. "
            f"Choose a batch size of at most {len(train_part)} or a larger train_fraction."
        )
    train = Batches(
        dataset.train.pixels[train_part],
        dataset.train.labels[train_part],
        batch_size=config.batch_size,
        device=device,
        augment=Augment(crop_padding=config.crop_padding, flip=config.flip),
        seed=config.seed,
        shuffle=True,
        drop_last=True,  # a last batch of one image would upset batch norm
    )
    val = evaluation_batches(dataset.train, val_part, device)
    test = evaluation_batches(dataset.test, np.arange(len(dataset.test)), device)
    trainer = Trainer(config, train=train, val=val, num_classes=len(dataset.classes), device=device)
    return Setup(trainer=trainer, test=test)


def evaluation_batches(images: Images, part: np.ndarray, device: str) -> Batches:
    """Return the chosen images in order, in batches as large as is fast on the device."""
    size = EVAL_BATCH.get(device.split(":")[0], 500)
    return Batches(images.pixels[part], images.labels[part], batch_size=size, device=device)


def make_deterministic() -> None:
    """Ask torch for repeatable kernels; those that have none warn instead of failing."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
