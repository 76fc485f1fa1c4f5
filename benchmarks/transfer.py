"""What keeping a frozen network's features saves, in CPU seconds on one thread.

python -m benchmarks.transfer --data PATH --weights FILE [--resolutions 96,128] [--sizes 5000,50000]

Three ways to train a new last layer for 20 epochs, side by side in one run:
- plain: the network as torchvision builds it, in float32, over every image in every epoch; once
  with the lab's allocator settings and once with the system's own. Measured on a slice and scaled.
- repeated: the lab's own, faster forward pass in every epoch. Scaled up from the pass below.
- kept: that forward pass once, then the head on its features. Measured whole.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import machine
from cifar_core import data
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset, Images
from cifar_core.models import MODELS
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.runs.store.store import Store
from cifar_core.training.evaluate import evaluate
from cifar_core.training.features import FeatureBatches
from cifar_core.training.setup import Setup, prepare

MEASURING = "CIFAR_BENCH_CHILD"
SLICE, PLAIN_BATCH = 512, 64
EPOCHS = 20
VALIDATION = 500  # images kept aside of those that are trained on
TESTED = {5_000: 2_000}  # test images for a number of training images; else all of them
HEAD: dict[str, Any] = {
    "plan": "head",
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "weight_decay": 0.01,
    "batch_size": 512,
    "epochs": EPOCHS,
    "threads": 1,
    "device": "cpu",
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way of keeping features."""

    images: int  # that were trained on
    forward: float  # CPU seconds for the features of the training images
    head: float  # CPU seconds for all epochs of the head
    accuracy: float  # on the test images, 0 to 1
    tested: int
    how: str


def chosen(images: Images, count: int, classes: int) -> Images:
    """Return so many images, the same number of every class."""
    places = [np.flatnonzero(images.labels == c)[: count // classes] for c in range(classes)]
    part = np.sort(np.concatenate(places))
    return Images(pixels=images.pixels[part], labels=images.labels[part])


def smaller(dataset: Dataset, train: int) -> Dataset:
    """Return the dataset with so many training images, and some more for validation."""
    classes = len(dataset.classes)
    test = TESTED.get(train, len(dataset.test))
    every = min(train + VALIDATION, len(dataset.train))
    return replace(
        dataset,
        train=chosen(dataset.train, every, classes),
        test=chosen(dataset.test, test, classes),
        fingerprint=f"{dataset.fingerprint}-{train}",
    )


def measure(config: TrainConfig, dataset: Dataset, store: Path) -> tuple[Measured, Measured]:
    """Train a head on features that are computed, and another one on those that are kept."""
    return run(config, dataset, store), run(replace(config, seed=1), dataset, store)


def run(config: TrainConfig, dataset: Dataset, store: Path) -> Measured:
    """Train one head, and classify the test images with the last epoch's weights."""
    share = VALIDATION / len(dataset.train)
    tensors, _ = pretrained.load(config, store)
    setup = prepare(replace(config, val_fraction=share), dataset, "cpu", tensors)
    said: list[str] = []
    test, forward = features(setup, dataset, store, said)
    start = time.process_time()
    for _ in setup.trainer.run():
        pass
    head = time.process_time() - start
    images = setup.trainer.train_batches.images
    everything = sum(len(each.labels) for each in setup.features)
    trained = sum(len(each.labels) for each in setup.features if each.title.startswith("train"))
    ticks = evaluate(setup.trainer.learner, test, setup.trainer.precision, phase="test")
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            accuracy = end.value.accuracy
            break
    how = said[1].removeprefix("The frozen part ").removesuffix(".") if len(said) > 1 else "kept"
    return Measured(images=images, forward=forward * trained / everything, head=head,
                    accuracy=accuracy, tested=test.images, how=how)  # fmt: skip


def features(
    setup: Setup, dataset: Dataset, store: Path, said: list[str]
) -> tuple[FeatureBatches, float]:
    """Compute what is not kept yet; return the test's features and the CPU seconds."""
    start = time.process_time()
    ticks = keep_features(setup, dataset.fingerprint, store, said.append)
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            test: FeatureBatches = end.value
            return test, time.process_time() - start


def plain_rate(key: str, resolution: int) -> float:
    """Return images per CPU second of the network as it comes, and print it; run by itself."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    model = MODELS[key].build(10, resolution=resolution).eval()
    images = torch.rand(PLAIN_BATCH, 3, 32, 32)
    with torch.no_grad():
        model(images)
        start = time.process_time()
        for _ in range(SLICE // PLAIN_BATCH):
            model(images)
    return SLICE / (time.process_time() - start)


def plain_in_child(key: str, resolution: int, *, tuned: bool) -> float:
    """Measure the plain network in a process of its own, with or without our allocator settings."""
    env = {k: v for k, v in os.environ.items() if tuned or k not in processes.ALLOCATOR}
    command = [sys.executable, "-m", "benchmarks.transfer", "--plain", f"{key}:{resolution}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def table(arguments: argparse.Namespace) -> None:
    """Print a row for each resolution, size and number of views."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    default = Store.default().root
    whole = data.load(data.resolve(arguments.data, default), default)
    print(f"{machine.line()}\n{whole.title}: {whole.note}\n")
    print(
        "| network sees | images, test | views | plain, 20 epochs (system's allocator) "
        "| repeated, 20 epochs | kept: forward + head | cheaper than plain by | than repeated by "
        "| next head | test accuracy, two seeds |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        key = pretrained.import_weights(Path(arguments.weights), store, arguments.model).key
        for resolution in map(int, arguments.resolutions.split(",")):
            rates = [plain_in_child(key, resolution, tuned=tuned) for tuned in (True, False)]
            for size in map(int, arguments.sizes.split(",")):
                for views in map(int, arguments.views.split(",")):
                    config = TrainConfig(
                        **HEAD,
                        model=key,
                        resolution=resolution,
                        cached_views=views,
                        precision=arguments.precision,
                    )
                    shutil.rmtree(store / "features", ignore_errors=True)
                    found = measure(config, smaller(whole, size), store)
                    print(row(config, size, rates, *found), flush=True)


def row(
    config: TrainConfig, size: int, rates: list[float], first: Measured, second: Measured
) -> str:
    """Return one line of the table."""
    plain, stock = (EPOCHS * first.images / rate for rate in rates)
    repeated = EPOCHS * first.forward / config.cached_views
    kept = first.forward + first.head
    cells = [
        f"{config.resolution} px, {config.precision}",
        f"{first.images:,}, {first.tested:,}",
        f"{config.cached_views}",
        f"{plain:,.0f} s ({stock:,.0f} s)",
        f"{repeated:,.0f} s",
        f"{first.forward:.1f} + {first.head:.1f} s ({first.how})",
        f"{plain / kept:.1f} ({stock / kept:.1f})",
        f"{repeated / kept:.1f}",
        f"{second.head:.1f} s",
        f"{100 * first.accuracy:.2f}, {100 * second.accuracy:.2f} %",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--weights", help="a file of MobileNetV2's or another network's weights")
    parser.add_argument("--model", default="")
    parser.add_argument("--resolutions", default="96,128")
    parser.add_argument("--sizes", default="5000,50000")
    parser.add_argument("--views", default="1")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        key, _, resolution = arguments.plain.rpartition(":")
        print(plain_rate(key, int(resolution)))
        return 0
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.transfer", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    table(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
