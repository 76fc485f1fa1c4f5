"""Real runs for judging the reading of the curves: trains them, and keeps their curves small.

CIFAR_DATA=PATH python -m benchmarks.real_runs --out FOLDER [--weights FILE] [--only NAMES]

Each run is trained by the program's own trainer on one thread: several networks, images, rates
from 1e-5 to 10, lengths and endings. What the reading needs is written to one JSON file a run, four
digits a number; a run whose file is there is not trained again. `tests/judging/real_runs` has them,
with the labels that were given by looking at the curves.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset, Images
from cifar_core.errors import TrainingDivergedError
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.training.events import EpochEvent, StepEvent
from cifar_core.training.setup import Setup, prepare
from cifar_core.training.trainer import Trainer

DIGITS = 4
KEPT = ("batch_size", "clip_norm", "crop_padding", "cutout", "color_jitter", "ema_epochs", "epochs",
        "flip", "label_smoothing", "learning_rate", "model", "optimizer", "patience", "schedule",
        "weight_decay")  # fmt: skip
HEAD = {"model": "mobilenet_v2_imagenet", "plan": "head", "cached_views": 1, "resolution": 64}
PLAIN = {"crop_padding": 0, "flip": False}
STEADY = {"schedule": "constant"}
BASE: dict[str, Any] = {"batch_size": 64, "epochs": 12, "val_fraction": 0.2, "threads": 1,
                        "device": "cpu", "precision": "float32"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RealRun:
    """One run to train: its images, its settings, and how it ends."""

    name: str
    images: str  # "photos", "shapes", "random labels", "uneven", "three to one"
    count: int  # of training and validation images
    settings: dict[str, Any] = field(default_factory=dict)
    ends: str = "finished"  # "finished", "stopped", "failed", "resumed" or "extended"
    at: float = 0.0  # epochs after which it is stopped, fails, is interrupted or extended
    to: int = 0  # epochs of an extended run


def run_of(name: str, images: str, count: int, ends: str = "finished", at: float = 0.0,
           to: int = 0, **settings: Any) -> RealRun:  # fmt: skip
    """Return a run in one line."""
    return RealRun(
        name=name, images=images, count=count, settings=settings, ends=ends, at=at, to=to
    )


FAST = "speed_net_strided"
RUNS = [
    run_of("cnn-photos-two", "photos", 1500, learning_rate=0.02, epochs=2),
    run_of("cnn-rate-10", "photos", 1200, learning_rate=10.0),
    run_of("fast-rate-10", "photos", 1000, model=FAST, learning_rate=10.0, **STEADY),
    run_of("fast-photos-plain", "photos", 1200, model=FAST, learning_rate=0.05, epochs=30,
           **STEADY, **PLAIN),
    run_of("fast-shapes", "shapes", 2000, model=FAST, learning_rate=0.05, epochs=16),
    run_of("cnn-photos", "photos", 900, learning_rate=0.05, schedule="cosine"),
    run_of("cnn-photos-long", "photos", 600, learning_rate=0.05, epochs=30, **STEADY, **PLAIN),
    run_of("cnn-photos-short", "photos", 900, learning_rate=0.05, epochs=3, **STEADY),
    run_of("cnn-shapes", "shapes", 900, learning_rate=0.05),
    run_of("cnn-shapes-adam", "shapes", 900, optimizer="adam", learning_rate=0.002, epochs=14,
           **STEADY),
    run_of("cnn-slow", "photos", 800, learning_rate=1e-5, **STEADY),
    run_of("cnn-slower-adam", "shapes", 800, optimizer="adam", learning_rate=1e-5, epochs=8),
    run_of("cnn-rather-slow", "photos", 800, learning_rate=1e-4, **STEADY),
    run_of("cnn-rate-1", "photos", 800, learning_rate=1.0, **STEADY),
    run_of("cnn-adam-rate-1", "photos", 800, optimizer="adam", learning_rate=1.0, epochs=8,
           **STEADY),
    run_of("cnn-random-labels", "random labels", 600, learning_rate=0.05, epochs=20, **STEADY,
           **PLAIN),
    run_of("fast-random-labels", "random labels", 1000, model=FAST, learning_rate=0.05, epochs=20,
           **PLAIN),
    run_of("cnn-uneven", "uneven", 1000, learning_rate=0.02, epochs=8),
    run_of("cnn-three-to-one", "three to one", 1000, learning_rate=0.02, epochs=10),
    run_of("fast-steps", "photos", 1500, model=FAST, learning_rate=0.1, schedule="step",
           step_epochs=6, epochs=18),
    run_of("cnn-steps-shapes", "shapes", 700, learning_rate=0.1, schedule="step", step_epochs=7,
           epochs=14),
    run_of("cnn-patient", "photos", 600, learning_rate=0.05, epochs=60, patience=4, **STEADY,
           **PLAIN),
    run_of("cnn-stopped", "photos", 900, "stopped", 6.4, learning_rate=0.05, epochs=20),
    run_of("cnn-stopped-soon", "shapes", 900, "stopped", 2.5, learning_rate=0.05, epochs=20),
    run_of("cnn-failed", "photos", 900, "failed", 4.6, learning_rate=0.05, epochs=20, **STEADY),
    run_of("fast-failed-late", "shapes", 1000, "failed", 9.3, model=FAST, learning_rate=0.02,
           epochs=12, **STEADY),
    run_of("cnn-resumed", "shapes", 900, "resumed", 5.5, learning_rate=0.05, schedule="cosine"),
    run_of("cnn-extended", "photos", 700, "extended", 6, 14, learning_rate=0.05,
           schedule="cosine", epochs=6),
    run_of("fast-extended", "shapes", 1000, "extended", 5, 15, model=FAST, learning_rate=0.03,
           epochs=5, **STEADY),
    run_of("fast-photos", "photos", 1200, model=FAST, learning_rate=0.1, epochs=14),
    run_of("fast-rate-2", "photos", 800, model=FAST, learning_rate=2.0, epochs=12, **STEADY),
    run_of("fast-slow", "photos", 800, model=FAST, learning_rate=1e-4, epochs=12, **STEADY),
    run_of("fast-smoothed", "photos", 1000, model=FAST, learning_rate=0.05, epochs=14,
           label_smoothing=0.1, schedule="cosine"),
    run_of("dropout-photos", "photos", 800, model="simple_cnn_dropout", dropout=0.5,
           learning_rate=0.05, epochs=12, **STEADY),
    run_of("dropout-shapes", "shapes", 800, model="simple_cnn_dropout", dropout=0.3,
           optimizer="adam", learning_rate=0.003, schedule="cosine", epochs=12),
    run_of("wide-photos", "photos", 1000, model="speed_net_strided_wide", learning_rate=0.05,
           epochs=12, ema_epochs=1.0, **STEADY),
    run_of("small-net-plain-sgd", "photos", 700, model="speed_net_small", momentum=0.0,
           nesterov=False, learning_rate=0.01, epochs=7, **STEADY),
    run_of("head", "photos", 1000, learning_rate=0.1, epochs=30, **STEADY, **HEAD),
    run_of("head-cosine", "photos", 1000, optimizer="adam", learning_rate=0.003, epochs=15,
           schedule="cosine", **HEAD),
    run_of("head-slow", "photos", 1000, learning_rate=1e-4, epochs=15, **STEADY, **HEAD),
    run_of("head-rate-10", "photos", 1000, learning_rate=10.0, epochs=15, **STEADY, **HEAD),
    run_of("cnn-nan", "photos", 700, learning_rate=10.0, weight_decay=0.5, epochs=24, **STEADY),
    # trained after the reading had been seen on those above, and first read when it was done
    run_of("head-tiny-rate", "photos", 1000, learning_rate=1e-5, epochs=12, **STEADY, **HEAD),
    run_of("head-small-rate", "photos", 1000, learning_rate=1e-3, epochs=20, **STEADY, **HEAD),
    run_of("head-rate-1", "photos", 1000, learning_rate=1.0, epochs=14, **STEADY, **HEAD),
    run_of("head-adam-high", "photos", 1000, optimizer="adam", learning_rate=0.1, epochs=12,
           **STEADY, **HEAD),
    run_of("head-steps", "photos", 1000, learning_rate=0.01, schedule="step", step_epochs=8,
           epochs=24, **HEAD),
    run_of("head-stopped", "photos", 1000, "stopped", 7.5, learning_rate=5e-4, epochs=30, **HEAD),
    run_of("head-failed", "photos", 1000, "failed", 5.5, learning_rate=0.01, epochs=30, **STEADY,
           **HEAD),
    run_of("head-resumed", "photos", 1000, "resumed", 6.5, learning_rate=0.003, epochs=16,
           schedule="cosine", **HEAD),
    run_of("head-extended", "photos", 1000, "extended", 8, 20, optimizer="adam",
           learning_rate=3e-4, epochs=8, **STEADY, **HEAD),
    run_of("head-patient", "photos", 1000, learning_rate=0.01, epochs=80, patience=6, **STEADY,
           **HEAD),
    run_of("head-two-epochs", "photos", 1000, learning_rate=0.01, epochs=2, **HEAD),
    run_of("head-nan", "photos", 1000, learning_rate=8.0, weight_decay=0.5, epochs=12, **STEADY,
           **HEAD),
    run_of("fast-few", "photos", 500, model=FAST, learning_rate=0.05, epochs=12, **STEADY),
    run_of("fast-few-random", "random labels", 400, model=FAST, learning_rate=0.05, epochs=12,
           **STEADY, **PLAIN),
    run_of("fast-few-uneven", "uneven", 500, model=FAST, learning_rate=0.02, epochs=8),
]  # fmt: skip


def images_of(run: RealRun, photos: Dataset, shapes: Dataset) -> Dataset:
    """Return the images of a run."""
    source = shapes if run.images == "shapes" else photos
    random = np.random.default_rng(5)
    labels = source.train.labels
    classes = source.classes
    if run.images == "uneven":
        chosen, labels, classes = uneven(labels, [run.count - run.count // 33, run.count // 33])
    elif run.images == "three to one":
        chosen, labels, classes = uneven(labels, [3 * run.count // 4, run.count // 8,
                                                  run.count // 8])  # fmt: skip
    else:
        chosen = np.sort(random.choice(len(labels), run.count, replace=False))
        labels = labels[chosen]
    if run.images == "random labels":
        labels = random.permutation(labels)
    train = Images(pixels=np.asarray(source.train.pixels[chosen]), labels=labels)
    test = Images(pixels=source.test.pixels[:50], labels=source.test.labels[:50] % len(classes))
    return replace(source, train=train, test=test, classes=classes)


def uneven(labels: Any, counts: list[int]) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the indices of this many images of animals, with labels and names for them."""
    animals = (3, 5, 7)[: len(counts)]  # cat, dog, horse
    kept = [np.flatnonzero(labels == k)[:n] for k, n in zip(animals, counts, strict=True)]
    new = np.concatenate([np.full(len(part), k) for k, part in enumerate(kept)]).astype(np.int64)
    return np.concatenate(kept), new, ("cat", "dog", "horse")[: len(counts)]


def ready(run: RealRun, config: TrainConfig, dataset: Dataset, store: Path) -> Setup:
    """Return what trains a run."""
    torch.set_num_threads(1)
    setup = prepare(config, dataset, "cpu", pretrained.load(config, store)[0])
    for _ in keep_features(setup, f"{run.images} {run.count}", store, lambda _: None):
        pass
    return setup


def train(run: RealRun, dataset: Dataset, store: Path) -> dict[str, Any]:
    """Train a run to its end; return what the reading needs."""
    config = TrainConfig(**{**BASE, **run.settings})
    setup = ready(run, config, dataset, store)
    trainer, events = setup.trainer, list[Any]()
    state, reason = "finished", ""
    try:
        for event in trainer.run():
            events += [event] if isinstance(event, StepEvent | EpochEvent) else []
            if run.at and trainer.epoch >= run.at and run.ends in ("stopped", "failed", "resumed"):
                break
        if run.ends == "resumed":
            trainer = continued(trainer, ready(run, config, dataset, store).trainer)
            events += list(measured(trainer))
        elif run.ends == "extended":
            config = replace(config, epochs=run.to)
            trainer = continued(trainer, ready(run, config, dataset, store).trainer)
            events += list(measured(trainer))
        elif run.ends in ("stopped", "failed"):
            state, reason = run.ends, "oom" if run.ends == "failed" else ""
    except TrainingDivergedError:
        state, reason = "failed", "diverged"
    data = setup.trainer.val_batches.labels.bincount(minlength=len(dataset.classes))
    learned = setup.trainer.train_batches.labels.bincount(minlength=len(dataset.classes))
    return {
        "name": run.name,
        "images": run.images,
        "ends": run.ends,
        "state": state,
        "reason": reason,
        "settings": {name: config.to_dict()[name] for name in KEPT},
        "pretrained": run.settings.get("plan") == "head",
        "train_counts": learned.tolist(),
        "val_counts": data.tolist(),
        "steps_per_epoch": trainer.steps_per_epoch,
        "steps": columns(events, StepEvent, ("step", "loss", "accuracy", "learning_rate")),
        "epochs": columns(events, EpochEvent, ("step", "epoch", "val_loss", "val_accuracy",
                                               "val_balanced_accuracy", "val_macro_f1")),
    }  # fmt: skip


def continued(old: Trainer, new: Trainer) -> Trainer:
    """Let another trainer continue from where one is."""
    new.restore(old.snapshot())
    return new


def measured(trainer: Trainer) -> Iterator[StepEvent | EpochEvent]:
    """Train to the end, and yield what is measured."""
    for event in trainer.run():
        if isinstance(event, StepEvent | EpochEvent):
            yield event


def columns(events: list[Any], kind: type, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Return the values of the events of a kind, by name, with few digits."""
    rows = [event for event in events if isinstance(event, kind)]
    return {name: [float(f"{getattr(row, name):.{DIGITS}g}") if name not in ("step", "epoch")
                   else getattr(row, name) for row in rows] for name in names}  # fmt: skip


def main() -> None:
    """Train the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--store", required=True, help="where decoded images are kept")
    parser.add_argument("--weights", default="", help="file of the pretrained MobileNetV2")
    parser.add_argument("--only", default="", help="names of runs, separated by commas")
    arguments = parser.parse_args()
    out, store = Path(arguments.out), Path(arguments.store)
    out.mkdir(parents=True, exist_ok=True)
    photos = data.load(data.resolve(os.environ["CIFAR_DATA"], store), store)
    shapes = data.load("synthetic:5000", store)
    if arguments.weights:
        pretrained.import_weights(Path(arguments.weights), store, str(HEAD["model"]))
    chosen = arguments.only.split(",") if arguments.only else [run.name for run in RUNS]
    for run in RUNS:
        path = out / f"{run.name}.json"
        if run.name not in chosen or path.exists():
            continue
        start = time.perf_counter()
        path.write_text(
            json.dumps(train(run, images_of(run, photos, shapes), store), separators=(",", ":"))
            + "\n"
        )
        print(f"{run.name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
