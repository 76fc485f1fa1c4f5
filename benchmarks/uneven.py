"""What the balanced order and the weights of classes do for uneven classes.

python -m benchmarks.uneven [--data PATH] [--counts cat=2000,dog=200] [--epochs 15] [--seeds 3]

Trains the lab's CNN on the first images of each class, and reports the epoch that the balanced
accuracy chose: accuracy, balanced accuracy and macro F1 on the test images, of which each class
keeps the share that it has in training.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks import machine
from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.dataset import Dataset, Images
from cifar_core.runs.store.store import Store
from cifar_core.statistics.over_seeds import spread
from cifar_core.training.evaluate import evaluate_test
from cifar_core.training.events import EpochEvent, TestEvent
from cifar_core.training.setup import prepare

SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "balanced order": {"order": "balanced"},
    "class weights: balanced": {"class_weights": "balanced"},
    "class weights: square root": {"class_weights": "square_root"},
    "class weights: effective number": {"class_weights": "effective_number"},
}
FIGURES = ("test_accuracy", "test_balanced_accuracy", "test_macro_f1")


def chosen(dataset: Dataset, counts: dict[str, int]) -> Dataset:
    """Return the first training images of each class, and as uneven a part of the test images."""
    names = list(counts)
    largest = max(counts.values())

    def part(images: Images, sizes: Sequence[int]) -> Images:
        indexes = [np.flatnonzero(images.labels == dataset.classes.index(name))[:n]
                   for name, n in zip(names, sizes, strict=True)]  # fmt: skip
        labels = np.concatenate([np.full(len(one), k) for k, one in enumerate(indexes)])
        return Images(
            pixels=np.asarray(images.pixels[np.concatenate(indexes)]),
            labels=labels.astype(np.int64),
        )

    most = min(int((dataset.test.labels == dataset.classes.index(n)).sum()) for n in names)
    return replace(
        dataset,
        classes=tuple(names),
        train=part(dataset.train, list(counts.values())),
        test=part(dataset.test, [max(1, round(most * n / largest)) for n in counts.values()]),
    )


def trained(dataset: Dataset, **settings: Any) -> TestEvent:
    """Train, and test the weights of the best epoch."""
    config = TrainConfig(**{**PRESETS["lab_cnn"].values, "precision": "float32", **settings})
    setup = prepare(config, dataset, "cpu")
    best = None
    for event in setup.trainer.run():
        if isinstance(event, EpochEvent) and event.best:
            best = {k: v.clone() for k, v in setup.trainer.result.state_dict().items()}
    assert best is not None
    setup.trainer.result.load_state_dict(best)
    *_, last = evaluate_test(
        setup.trainer.result, setup.test, setup.trainer.precision, step=0, epoch=0
    )
    assert isinstance(last, TestEvent)
    return last


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--counts", default="cat=2000,dog=200")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    store = Store.default().root
    counts = {name: int(n) for name, n in (one.split("=") for one in arguments.counts.split(","))}
    dataset = chosen(data.load(data.resolve(arguments.data, store), store), counts)
    print(f"{machine.line()}\n{dataset.title}, {arguments.counts}, {arguments.epochs} epochs, "
          f"{arguments.seeds} seeds\n")  # fmt: skip
    print("| | accuracy | balanced accuracy | macro F1 |\n|---|---|---|---|")
    for title, settings in SETTINGS.items():
        tests = [
            trained(dataset, epochs=arguments.epochs, seed=seed, best_by="balanced_accuracy",
                    **settings)
            for seed in range(arguments.seeds)
        ]  # fmt: skip
        cells = []
        for name in FIGURES:
            found = spread([getattr(test, name) for test in tests])
            cells.append(f"{100 * found.mean:.1f} \u00b1 {100 * (found.deviation or 0):.1f} %")
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
