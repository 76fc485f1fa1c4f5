"""How long an epoch of the lab's CNN takes, in CPU seconds on one thread.

python -m benchmarks.training [--data PATH] [--epochs 1]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks import machine
from cifar_core import data, devices
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.runs.store.store import Store
from cifar_core.training.events import EpochEvent
from cifar_core.training.setup import prepare

MEASURING = "CIFAR_BENCH_CHILD"


def measure(source: str, epochs: int) -> None:
    """Train the preset here and print a row for each epoch."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    store = Store.default().root
    dataset = data.load(data.resolve(source, store), store)
    config = TrainConfig(**{**PRESETS["lab_cnn"].values, "epochs": epochs})
    trainer = prepare(config, dataset, devices.probed().choose("auto")[0].id).trainer
    print(f"{machine.line()}\n{dataset.title}: {trainer.train_batches.images:,} training images, "
          f"{trainer.precision.key}\n")  # fmt: skip
    print(
        "| epoch | CPU seconds | images per CPU second | validation accuracy |\n|---|---|---|---|"
    )
    for event in trainer.run():
        if isinstance(event, EpochEvent):
            rate = trainer.train_batches.images / event.cpu_seconds
            print(
                f"| {event.epoch} | {event.cpu_seconds:.1f} | {rate:,.0f} "
                f"| {100 * event.val_accuracy:.2f} % |",
                flush=True,
            )


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--epochs", type=int, default=1)
    arguments = parser.parse_args()
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    measure(arguments.data, arguments.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
