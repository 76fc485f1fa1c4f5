"""What two ranks do together in test_ranks.py: `python rank_cases.py FOLDER` in each of them."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import TrainingDivergedError
from cifar_core.training import reports
from cifar_core.training.averaging import statistics
from cifar_core.training.evaluate import KeptLogits, evaluate
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.ranks.ranks import ALONE, join
from cifar_core.training.setup import prepare
from cifar_core.training.step.precision import choose_precision
from cifar_core.training.task.teachers import Teacher

CLASSES = 4
BATCH = 24
AUGMENTED = {"crop_padding": 4, "flip": True, "color_jitter": 0.3, "cutout": 8, "policy": "aug_mix"}
# what two ranks train as one does that cuts its batches in two
EQUAL = {
    "batch norm": {"label_smoothing": 0.1},
    "all at once": {
        **AUGMENTED, "optimizer": "adamw", "clip_norm": 0.5, "mixup": 0.8, "cutmix": 1.0,
        "ema_epochs": 0.5, "class_weights": "balanced",
    },
    "large pictures": {"random_resized_crop": 0.3, "mixup": 0.4, "order": "balanced"},
    "whitened and then frozen": {
        "model": "speed_net_small", "whitening_epochs": 1, "optimizer": "muon",
    },
    "attention": {"model": "vit_small", "optimizer": "adamw", "epochs": 1},
    "teacher": {"distill_share": 0.7, "mixup": 0.5},
}  # fmt: skip
DROPS = {"model": "simple_cnn_dropout", "dropout": 0.3, "ema_epochs": 0.5}


def images(count, seed):
    """Images whose class is visible in their mean brightness."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    noise = random.integers(0, 80, (count, 32, 32, 3))
    return Images(pixels=(noise + 40 * labels[:, None, None, None]).astype(np.uint8), labels=labels)


DATASET = Dataset(
    kind="synthetic", title="Bright", source="test", classes=("a", "b", "c", "d"),
    train=images(96, 0), test=images(13, 1), fingerprint="", note="",
)  # fmt: skip


class Looking(nn.Module):
    """A teacher whose answer depends on every pixel."""

    def __init__(self):
        super().__init__()
        drawn = torch.Generator().manual_seed(0)
        self.weights = nn.Parameter(torch.randn(CLASSES, 3, 32, 32, generator=drawn) / 8)

    def forward(self, pixels):
        return torch.einsum("nchw,kchw->nk", pixels, self.weights)


TEACHER = Teacher(
    network=Looking(), side=32, order=None, sha256="", built={"model": "looking"}, multiply_adds=1
)


def config_of(world, settings):
    """Return settings for two ranks, or for one that takes half a batch at a time."""
    shared = {"devices": 2} if world > 1 else {"micro_batch": BATCH // 2}
    usual = {
        "batch_size": BATCH, "epochs": 2, "precision": "float32", "val_fraction": 0.25,
        "flip": False, "crop_padding": 0,
    }  # fmt: skip
    return TrainConfig(**{**usual, **shared, **settings})


def setup_of(ranks, settings):
    config = config_of(ranks.world, settings)
    teachers = [TEACHER] if config.distill_share else []
    return prepare(config, DATASET, "cpu", teachers=teachers, ranks=ranks)


def followed(trainer):
    """Train to the end, and return all that ranks must agree on, and the weights."""
    rows, ticks, failure = [], 0, ""
    try:
        for event in trainer.run():
            ticks += isinstance(event, Tick)
            if isinstance(event, StepEvent):
                rows.append((event.step, event.loss, event.accuracy, event.grad_norm))
            if isinstance(event, EpochEvent):
                rows.append((event.train_loss, event.val_loss, event.val_accuracy, event.best))
    except TrainingDivergedError as error:
        failure = str(error)
    return {
        "rows": rows, "ticks": ticks, "failure": failure, "step": trainer.step,
        "end": trainer.stop_reason, "state": trainer.model.state_dict(),
        "result": trainer.result.state_dict(), "logits": trainer.validation.logits,
        "seen": trainer.watch.seen and trainer.watch.seen.counts,
    }  # fmt: skip


def with_answers(ranks):
    """Train with the teacher's answers, kept of images that stay the same."""
    setup = setup_of(ranks, {"distill_share": 0.7})
    every = setup.answers[0].open()
    answers = torch.cat([TEACHER.logits(pixels).detach() for pixels, _ in every.epoch()])
    setup.read_answers([[answers]])
    assert setup.trainer.task.teaching.kept
    return followed(setup.trainer)


def resumed(ranks, folder):
    """Train, but go on in new trainers, in the middle of an epoch, from the first rank's state."""
    first = setup_of(ranks, DROPS).trainer
    for event in first.run():
        if isinstance(event, Tick) and first.step == 2:
            break
    if ranks.writes:
        torch.save(first.snapshot(), folder / "snapshot.pt")
    ranks.tell("saved", "yes" if ranks.writes else None)
    second = setup_of(ranks, DROPS).trainer
    second.restore(torch.load(folder / "snapshot.pt", weights_only=False))
    return followed(second)


def classified(ranks):
    """Classify 13 images in batches of 4, so that the first rank gets none of the last one."""
    network = setup_of(ALONE, {}).trainer.model
    float32 = choose_precision("float32", "cpu")
    found = {}
    for key in TEST_VIEWS:
        for name, batches, by in (
            ("together", batches_of(ranks.share), ranks),
            ("alone", batches_of(), ALONE),
        ):
            kept = KeptLogits()
            ticks = evaluate(network, batches, float32, "test", TEST_VIEWS[key], kept, by)
            count = 0
            while True:
                try:
                    next(ticks)
                except StopIteration as end:
                    found[key, name] = (dataclasses.astuple(end.value), kept.logits, count)
                    break
                count += 1
    return found


def batches_of(share=None):
    chosen = {"share": share} if share else {}
    return Batches(DATASET.test.pixels, DATASET.test.labels, batch_size=4, **chosen)


def after_one_step(ranks):
    """Return the running statistics after the first step."""
    trainer = setup_of(ranks, EQUAL["batch norm"]).trainer
    next(event for event in trainer.run() if isinstance(event, Tick))
    return [tensor.clone() for tensor in statistics(trainer.model, set())]


def diverging(ranks):
    """Train while the gradient of the second rank alone is no number."""
    trainer = setup_of(ranks, {}).trainer
    if not ranks.writes:
        trainer.model.head.weight.register_hook(lambda gradient: gradient * float("nan"))
    return followed(trainer)


def everything(ranks, folder):
    """Return what comes out of every case, by its name."""
    if not ranks.writes:  # its own clock never asks for a report
        reports.LEAST_SECONDS = 1e9
    return {
        **{name: followed(setup_of(ranks, settings).trainer) for name, settings in EQUAL.items()},
        "dropout": followed(setup_of(ranks, DROPS).trainer),
        "resumed": resumed(ranks, folder),
        "kept answers": with_answers(ranks),
        "pieces": followed(setup_of(ranks, {"micro_batch": 6}).trainer),
        "diverging": diverging(ranks),
        "early": followed(setup_of(ranks, {"patience": 1, "epochs": 9, "min_delta": 0.5}).trainer),
        "classified": classified(ranks),
        "first statistics": after_one_step(ranks),
        "agreed": [ranks.agree(ranks.rank), ranks.agree(1 - ranks.rank), ranks.agree(0)],
    }  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    own = join("cpu")
    place = Path(sys.argv[1])
    torch.save(everything(own, place), place / f"rank-{own.rank}.pt")
