"""What a training step costs in each memory order and number format, compiled or not.

One thread, CPU seconds, in turns.

python -m benchmarks.step [--models simple_cnn,resnet9] [--batch-sizes 128]
                          [--precisions float32,bfloat16] [--compile]
"""

import argparse
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from statistics import median

import torch

from benchmarks import machine
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.training.step.precision import Precision
from cifar_core.training.step.step_plan import StepPlan
from cifar_core.training.step.timing import cpu_seconds, ratio
from cifar_core.training.step.trial import measured

MEASURING = "CIFAR_BENCH_CHILD"


def plans(precisions: list[str], *, compiled: bool) -> list[StepPlan]:
    """Return every combination, the default first."""
    return [
        StepPlan(
            memory_format=order,
            precision=Precision(key=precision, reason="", device_type="cpu"),
            compiled=by_compiler,
        )
        for by_compiler, precision, order in product(
            (False, True) if compiled else (False,), precisions, ("channels_last", "contiguous")
        )
    ]


def measure(model: str, batch_size: int, entrants: list[StepPlan]) -> None:
    """Race the combinations here and print a row for each."""
    config = TrainConfig(model=model)
    rounds, failure = measured(
        config, "cpu", entrants, num_classes=10, timer=cpu_seconds, batch_size=batch_size
    )
    if failure:
        print(f"| {model} | {failure} |")
    default = entrants[0].key
    for key, times in rounds.items():
        print(
            f"| {model} | {batch_size} | {key} | {batch_size / median(times):,.1f} "
            f"| {ratio(rounds, default, key):.2f} | {len(times)} |",
            flush=True,
        )


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="simple_cnn,resnet9,resnet18")
    parser.add_argument("--batch-sizes", default="128")
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.step", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(f"{machine.line()}\n\n| model | batch | how | images per CPU second | times | rounds |")
    print("|---|---|---|---|---|---|")
    entrants = plans(arguments.precisions.split(","), compiled=arguments.compile)
    for model, size in product(arguments.models.split(","), arguments.batch_sizes.split(",")):
        measure(model, int(size), entrants)
    return 0


if __name__ == "__main__":
    sys.exit(main())
