"""What sampling the machine costs: CPU time of the sampler's threads while a trainer works.

python -m benchmarks.sampling [--seconds 120]

A network is trained as a run trains it, without its rows and checkpoints, and the sampler watches
the process and writes its rows. A GPU is asked too if there is one; the rest is measured anywhere.
"""

import argparse
import tempfile
import time
from pathlib import Path
from threading import Thread

import torch

from benchmarks import machine
from cifar_core import devices
from cifar_core.config import TrainConfig
from cifar_core.data import load
from cifar_core.runs.engine.worker.machine_sampler import MachineSampler
from cifar_core.runs.record.machine import rows
from cifar_core.training.setup import prepare


def cpu_seconds(thread: Thread) -> float:
    """Return the CPU seconds that a thread has computed so far; 0 if it does not run."""
    if not thread.is_alive() or thread.ident is None:
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def train(device: str, seconds: float) -> int:
    """Train for some seconds; return how many events the trainer yielded."""
    config = TrainConfig(data="synthetic:2000", epochs=1000, threads=1, startup="fast_start")
    with tempfile.TemporaryDirectory() as folder:
        setup = prepare(config, load(config.data, Path(folder)), device)
        until, events = time.monotonic() + seconds, 0
        for _ in setup.trainer.run():
            events += 1
            if time.monotonic() > until:
                break
    return events


def main() -> None:
    """Measure, and print a row for each thread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    device = devices.probed().devices[0].id
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "machine.jsonl"
        sampler = MachineSampler([device], path)
        sampler.start()
        start, computed = time.monotonic(), time.process_time()
        train(device, seconds)
        passed, computed = time.monotonic() - start, time.process_time() - computed
        costs = {one.name: cpu_seconds(one) for one in (sampler.thread, sampler.gpus.thread)}
        sampler.stop()
        written, size = len(rows.read(path)[0]), path.stat().st_size
    print(f"{machine.line()}\n")
    print(f"{passed:.0f} s, of which the process computed {computed:.0f} CPU seconds; "
          f"{written} rows, {size / written:.0f} bytes each\n")  # fmt: skip
    print("| thread | CPU ms a sample | share of one core |\n|---|--:|--:|")
    for name, cost in costs.items():
        print(f"| {name} | {1000 * cost / max(1, written):.2f} | {cost / passed:.3%} |")


if __name__ == "__main__":
    main()
