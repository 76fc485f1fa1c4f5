"""What a run costs besides training: validation, rows and checkpoints, as shares of its CPU time.

python -m benchmarks.overhead [--data synthetic:20000] [--epochs 2] [--set KEY=VALUE ...]

The run is done by the worker itself, on one thread. The CPU time of the
process is added up inside each part; work the kernel does later, such as writing to the disk,
is not seen.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import in_process, machine
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.runs.record import checkpoint_cleanup, checkpoints
from cifar_core.training import evaluate as evaluating
from cifar_core.training import trainer as training

MEASURING = "CIFAR_BENCH_CHILD"
PARTS = ("training", "validation", "rows", "snapshots", "checkpoints", "summaries", "requests")


class Clock:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.calls = dict.fromkeys(PARTS, 0)

    def add(self, part: str, start: float) -> None:
        """Book the CPU time since `start`."""
        self.seconds[part] += time.process_time() - start
        self.calls[part] += 1

    def around(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time booked."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.add(part, start)

        return timed

    def around_each(self, part: str, items: Callable[..., Any]) -> Callable[..., Any]:
        """Return the generator function with the time between its items booked."""

        def timed(*args: Any, **kwargs: Any) -> Iterator[Any]:
            running = items(*args, **kwargs)
            while True:
                start = time.process_time()
                try:
                    item = next(running)
                except StopIteration as end:
                    return end.value
                finally:
                    self.add(part, start)
                yield item

        return timed


def measure(config: TrainConfig, root: Path) -> Clock:
    """Train a run from beginning to end with a clock at every part."""
    clock = Clock()
    timed = clock.around_each("validation", evaluating.evaluate)
    vars(training)["evaluate"] = timed  # the trainer's own name for it, so not the test's
    training.Trainer._train_epoch = clock.around_each(  # type: ignore[method-assign]
        "training", training.Trainer._train_epoch
    )
    training.Trainer.snapshot = clock.around("snapshots", training.Trainer.snapshot)  # type: ignore[method-assign]
    checkpoints.commit = clock.around("checkpoints", checkpoints.commit)
    checkpoint_cleanup.prune = clock.around("checkpoints", checkpoint_cleanup.prune)
    worker = in_process.attempt(config, root)
    worker.keep = clock.around("rows", worker.keep)  # type: ignore[method-assign]
    worker.attend = clock.around("requests", worker.attend)  # type: ignore[method-assign]
    worker.write_summary = clock.around("summaries", worker.write_summary)  # type: ignore[method-assign]
    worker.work()
    return clock


def main() -> int:
    """Measure in a child that has the allocator settings that every run gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="synthetic:20000")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    if MEASURING not in os.environ:
        env = {**os.environ, **processes.trainer_environment(threads=1), MEASURING: "1"}
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "benchmarks.overhead", *sys.argv[1:]]
        return subprocess.run(command, env=env, cwd=root, check=False).returncode
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    words = dict(pair.split("=", 1) for pair in arguments.set)
    base = {"data": arguments.data, "epochs": arguments.epochs, "device": "cpu", "threads": 1}
    config = TrainConfig.from_text(words, base)
    with tempfile.TemporaryDirectory() as folder:
        clock = measure(config, Path(folder))
    print(f"\n{machine.line()}\n{config.model}, {config.batch_size} a batch, {arguments.data}, "
          f"{config.epochs} epochs\n\n| part | times | CPU seconds | share of training |\n"
          "|---|---|---|---|")  # fmt: skip
    for part in PARTS:
        share = clock.seconds[part] / clock.seconds["training"]
        print(f"| {part} | {clock.calls[part]:,} | {clock.seconds[part]:.3f} | {share:.2%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
