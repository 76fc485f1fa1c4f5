"""What two ranks add to a step on this machine, besides the exchange of the gradients.

python -m benchmarks.ranks

Both are processes on the CPU, connected by gloo over loopback, which says nothing about NCCL. CPU
seconds of one of them: what it waits for the other is not counted. The wall time is the shortest of
all, as other programs can only lengthen it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import machine
from cifar_core.config import TrainConfig
from cifar_core.training.averaging import statistics
from cifar_core.training.ranks.exchange import averaged_and_added, seed_generators, seed_of
from cifar_core.training.ranks.ranks import Ranks, join

NETWORKS = {"simple_cnn": 64, "resnet18": 8, "vit_small": 8}  # images of a batch for each rank
TIMES, STEPS = 200, 12


def measured(action: Callable[[], object], times: int) -> tuple[float, float]:
    """Return the median CPU time and the shortest wall time, in milliseconds."""
    cpu, wall = [], []
    for _ in range(times):
        torch.distributed.barrier()
        used, start = time.process_time(), time.perf_counter()
        action()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return median(cpu) * 1e3, min(wall) * 1e3


def gradient(forward: nn.Module, pixels: Tensor, labels: Tensor) -> None:
    """Compute the gradient of a batch."""
    forward.zero_grad(set_to_none=True)
    F.cross_entropy(forward(pixels), labels).backward()


def measure(ranks: Ranks) -> None:
    """Print a table of what the first rank measures."""
    torch.set_num_threads(1)
    seed = partial(seed_generators, seed_of(1, 2, ranks.rank), "cpu")
    rows = [
        ("any", "agree whether a report is due", measured(partial(ranks.agree, 0), TIMES)),
        ("any", "seed what is dropped", measured(seed, TIMES)),
    ]
    for name, images in NETWORKS.items():
        network = TrainConfig(model=name).build_model(10).train()
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        moved = statistics(network, set())
        exchange = partial(averaged_and_added, ranks, torch.zeros(2), moved)
        pixels = torch.rand(images, 32, 32, 3).permute(0, 3, 1, 2)
        batch = pixels, torch.randint(0, 10, (images,))
        rows += [
            (name, f"exchange {len(moved)} running statistics and the sums",
             measured(exchange, TIMES)),
            (name, f"gradient of {images} images, alone",
             measured(partial(gradient, network, *batch), STEPS)),
            (name, "the same, averaged over both",
             measured(partial(gradient, ranks.together(network, "cpu"), *batch), STEPS)),
        ]  # fmt: skip
    if ranks.writes:
        print(f"{machine.line()}\n\n| network | in each step | CPU | wall |\n|---|---|---|---|")
        for name, what, (cpu, wall) in rows:
            print(f"| {name} | {what} | {cpu:.3f} ms | {wall:.3f} ms |")


def main() -> int:
    """Start both ranks, or be one of them."""
    if "RANK" in os.environ:
        measure(join())
        return 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
              "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ranks"],
            env={**os.environ, **common, "RANK": str(rank)},
            cwd=Path(__file__).resolve().parents[1],
        )
        for rank in range(2)
    ]
    return max(process.wait() for process in processes)


if __name__ == "__main__":
    raise SystemExit(main())
