"""What the speed networks reach for the CPU time and for the work that they are given.

python -m benchmarks.record --data PATH [--preset record_cpu] [--seeds 3] [--epochs 1,3,8]
    [--set key=value ...]

Each row is one run of the product's own trainer, on one thread, from the first step to the last
with its schedule over just so many epochs; a shorter run is a run of its own, not the start of a
longer one. The test images are classified once, after the last step, as they are and together
with their mirror images; that time is counted apart. Nothing is chosen by them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import machine
from cifar_core import data
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import Dataset
from cifar_core.runs.store.store import Store
from cifar_core.training.setup import prepare

MEASURING = "CIFAR_BENCH_CHILD"
SIDE = 1024  # of the matrices whose product is the yardstick
COLUMNS = (
    "| epochs | seed | test accuracy | with mirror images | CPU seconds | TFLOP "
    "| GFLOP/s of training | of a matrix product | testing, CPU seconds |"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run. Accuracies in percent of the test images, times in CPU seconds."""

    plain: float
    mirrored: float
    seconds: float  # of setting up and training, validation included
    work: float  # TFLOP of convolutions and matrix products, forward and backward
    yardstick: float  # GFLOP/s of a matrix product, before and after, the better of both
    testing: float


def yardstick() -> float:
    """Return the GFLOP/s per CPU second of a float32 matrix product, best of 12."""
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    best = float("inf")
    for _ in range(12):
        start = time.process_time()
        a @ b
        best = min(best, time.process_time() - start)
    return 2 * SIDE**3 / best / 1e9


def work_per_image(model: nn.Module) -> float:
    """Return the floating-point operations of one image forward and backward."""
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.zeros(2, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    model.eval()
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), torch.zeros(2, dtype=torch.int64)).backward()
    model.zero_grad(set_to_none=True)
    return counter.get_total_flops() / 2


def run(config: TrainConfig, dataset: Dataset) -> Measured:
    """Train once and test once."""
    before, start = yardstick(), time.process_time()
    setup = prepare(config, dataset, "cpu")
    trainer = setup.trainer
    for _ in trainer.run():
        pass
    seconds = time.process_time() - start
    start = time.process_time()
    plain, mirrored = tested(trainer.model, setup.test)
    testing = time.process_time() - start
    images = trainer.total_steps * config.batch_size
    work = work_per_image(trainer.model) * images / 1e12
    return Measured(plain=plain, mirrored=mirrored, seconds=seconds, work=work,
                    yardstick=max(before, yardstick()), testing=testing)  # fmt: skip


@torch.inference_mode()
def tested(model: nn.Module, batches: Batches) -> tuple[float, float]:
    """Return the percentage right of images as they are, and with their mirror images' logits."""
    model.eval()
    plain = mirrored = 0
    for images, labels in batches.epoch():
        logits = model(images)
        both = logits + model(images.flip(3))
        plain += int((logits.argmax(dim=1) == labels).sum())
        mirrored += int((both.argmax(dim=1) == labels).sum())
    return 100 * plain / batches.images, 100 * mirrored / batches.images


def table(arguments: argparse.Namespace) -> None:
    """Print a row for each number of epochs and seed, and their means."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    store = Store.default().root
    dataset = data.load(data.resolve(arguments.data, store), store)
    given = dict(pair.split("=", 1) for pair in arguments.set)
    config = TrainConfig.from_text(given, PRESETS[arguments.preset].values)
    print(f"{machine.line()}\n{dataset.title}\n{arguments.preset} {given}\n\n{COLUMNS}")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for epochs in arguments.epochs.split(",") if arguments.epochs else [str(config.epochs)]:
        found = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            found.append(run(replace(config, epochs=int(epochs), seed=seed), dataset))
            print(row(epochs, str(seed), found[-1:]), flush=True)
        if len(found) > 1:
            print(row(epochs, "all", found), flush=True)


def row(epochs: str, seed: str, runs: list[Measured]) -> str:
    """Return one line of the table; of several runs, means and standard deviations."""
    seconds = statistics.fmean(r.seconds for r in runs)
    work = statistics.fmean(r.work for r in runs)
    cells = [
        epochs,
        seed,
        spread([r.plain for r in runs], 2) + " %",
        spread([r.mirrored for r in runs], 2) + " %",
        spread([r.seconds for r in runs], 0),
        f"{work:.2f}",
        f"{1000 * work / seconds:.0f}",
        f"{statistics.fmean(r.yardstick for r in runs):.0f}",
        f"{statistics.fmean(r.testing for r in runs):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def spread(values: list[float], digits: int) -> str:
    """Write a mean, and the standard deviation where there are several values."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default="auto")
    parser.add_argument("--preset", default="record_cpu", choices=list(PRESETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", default="", help="the preset's own by default")
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value")
    arguments = parser.parse_args()
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.record", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    table(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
