"""What a small network gains by learning from a better one besides the labels.

python -m benchmarks.distillation [--data PATH] [--images 5000] [--epochs 8] [--seeds 3]
    [--teacher-epochs 3] [--shares 0,0.5,0.9]

Trains the speed network for a CPU on all images as the teacher; then the lab's CNN on the first
part of them, without a teacher and with one, from the same first weights and in the same order.
Reports the accuracy on the test images of the epoch that validation chose.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks import machine
from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.dataset import Dataset
from cifar_core.runs.store.store import Store
from cifar_core.statistics.over_seeds import spread
from cifar_core.training.evaluate import evaluate_test
from cifar_core.training.events import EpochEvent, TestEvent
from cifar_core.training.setup import Setup, prepare
from cifar_core.training.task.teachers import Teacher

KEPT_BACK = 0.04  # share of the images that chooses the epoch, of teacher and students


def trained(
    config: TrainConfig, dataset: Dataset, teachers: Sequence[Teacher] = ()
) -> tuple[Setup, float, float]:
    """Train; return the setup with the best epoch's weights, its test accuracy and CPU seconds."""
    start = time.process_time()
    setup = prepare(config, dataset, "cpu", teachers=teachers)
    best = None
    for event in setup.trainer.run():
        if isinstance(event, EpochEvent) and event.best:
            best = {k: v.clone() for k, v in setup.trainer.result.state_dict().items()}
    seconds = time.process_time() - start
    assert best is not None
    setup.trainer.result.load_state_dict(best)
    *_, last = evaluate_test(
        setup.trainer.result, setup.test, setup.trainer.precision, step=0, epoch=0
    )
    assert isinstance(last, TestEvent)
    return setup, last.test_accuracy, seconds


def teacher_of(setup: Setup) -> Teacher:
    """Return a trained network as a teacher of runs on the same images."""
    config = setup.trainer.config
    return Teacher(
        network=setup.trainer.result,
        side=config.side,
        order=None,
        sha256="",
        built={"model": config.model, **config.build_options},
        multiply_adds=config.card().multiply_adds,
    )


def settings(preset: str, **changes: Any) -> TrainConfig:
    """Return the settings of a preset with changes."""
    return TrainConfig(**{**PRESETS[preset].values, **changes})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=3)
    parser.add_argument("--shares", default="0,0.5,0.9")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    store = Store.default().root
    dataset = data.load(data.resolve(arguments.data, store), store)
    print(f"{machine.line()}\n{dataset.title}, student: {arguments.images:,} images, "
          f"{arguments.epochs} epochs, {arguments.seeds} seeds\n")  # fmt: skip
    setup, accuracy, seconds = trained(
        settings("record_cpu", epochs=arguments.teacher_epochs, val_fraction=KEPT_BACK), dataset
    )
    teacher = teacher_of(setup)
    print(f"Teacher: {100 * accuracy:.2f} % on test, {seconds:.0f} CPU seconds\n")
    print("| share of the teacher | accuracy on test | of each seed | CPU seconds |")
    print("|---|---|---|---|")
    part = arguments.images / round(len(dataset.train) * (1 - KEPT_BACK))
    for share in map(float, arguments.shares.split(",")):
        tests, spent = [], []
        for seed in range(arguments.seeds):
            config = settings(
                "lab_cnn", epochs=arguments.epochs, seed=seed, train_fraction=part,
                val_fraction=KEPT_BACK, distill_share=share,
            )  # fmt: skip
            _, accuracy, seconds = trained(config, dataset, [teacher] if share else [])
            tests.append(100 * accuracy)
            spent.append(seconds)
        found = spread(tests)
        each = ", ".join(f"{one:.1f}" for one in tests)
        print(f"| {share:g} | {found.mean:.1f} \u00b1 {found.deviation or 0:.1f} % | {each} | "
              f"{min(spent):.0f} to {max(spent):.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
