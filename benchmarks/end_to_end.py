"""A whole training loop of ours against the script that most people write, on one CPU thread.

python -m benchmarks.end_to_end [--networks simple_cnn,resnet9,resnet18] [--rounds 5]

Both shift and mirror, train in batches of 128 with SGD and report loss and accuracy. Ours is the
trainer of every run, with the environment that every run gets. The share of the peak is what the
network's forward and backward pass multiply, against this core's largest matrix product in the
faster of float32 and bfloat16.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import machine, plain
from benchmarks.side_by_side import Side, compare, median_rate, median_ratio, serve
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset, Images
from cifar_core.training.events import Tick
from cifar_core.training.setup import prepare

IMAGES, CLASSES = 20_000, 10
NETWORKS = ("simple_cnn", "resnet9", "resnet18")


def config(network: str) -> TrainConfig:
    """Return the settings of both sides."""
    return TrainConfig(
        model=network, batch_size=plain.BATCH, epochs=1000, learning_rate=0.01, threads=1,
        device="cpu", schedule="constant",
    )  # fmt: skip


def noise() -> Dataset:
    """Return random images: what they show costs no time."""
    random = np.random.default_rng(0)
    parts = [
        Images(
            pixels=random.integers(0, 256, (count, 32, 32, 3), np.uint8),
            labels=random.integers(0, CLASSES, count),
        )
        for count in (IMAGES, CLASSES)
    ]
    return Dataset(
        kind="synthetic", title="Noise", source="noise", note="", fingerprint="",
        classes=tuple("abcdefghij"), train=parts[0], test=parts[1],
    )  # fmt: skip


def ours(network: str) -> Iterator[int]:
    """Train as a run does; yield the images of each step."""
    settings = config(network)
    for event in prepare(settings, noise(), "cpu").trainer.run():
        if isinstance(event, Tick) and event.phase == "train":
            yield settings.batch_size


def theirs(network: str) -> Iterator[int]:
    """Train as most scripts do."""
    images = noise().train
    model = config(network).build_model(CLASSES)
    return plain.train(model, images.pixels, images.labels, workers=0)


def work(network: str) -> float:
    """Return the multiplications and additions of an image's training step, in GFLOP."""
    model: nn.Module = config(network).build_model(CLASSES).train()
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(2, 3, 32, 32)).sum().backward()
    return counter.get_total_flops() / 2 / 1e9


def peak() -> float:
    """Return this core's best rate of a large matrix product, in GFLOP per CPU second."""
    side, best = 1024, 0.0
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.randn(2, side, side).to(kind)
        for _ in range(6):
            start = time.process_time()
            torch.mm(a, b)
            best = max(best, 2 * side**3 / (time.process_time() - start) / 1e9)
    return best


def measure(network: str, rounds: int) -> tuple[float, float, float]:
    """Return images per CPU second of theirs and ours, and the median ratio of a round."""
    bare = {k: v for k, v in os.environ.items() if k not in processes.ALLOCATOR}
    bare["OMP_NUM_THREADS"] = "1"
    tuned = {**bare, **processes.trainer_environment(threads=1)}
    laps = compare(
        {
            "plain": Side(
                module="benchmarks.end_to_end", arguments=("plain", network), environment=bare
            ),
            "ours": Side(
                module="benchmarks.end_to_end", arguments=("ours", network), environment=tuned
            ),
        },
        rounds=rounds,
    )
    slow, fast = laps["plain"], laps["ours"]
    return median_rate(slow), median_rate(fast), median_ratio(fast, slow)


def main() -> None:
    """Print the table, or be one of the measured processes."""
    torch.set_num_threads(1)
    if sys.argv[1:2] in (["plain"], ["ours"]):
        serve((theirs if sys.argv[1] == "plain" else ours)(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{machine.line()}; images per CPU second\n")
    print("| network | plain script | ours | ratio | GFLOP an image | share of the peak |")
    print("|---|---|---|---|---|---|")
    for network in arguments.networks.split(","):
        slow, fast, ratio = measure(network, arguments.rounds)
        flop, top = work(network), peak()
        print(
            f"| {network} | {slow:,.0f} | {fast:,.0f} | {ratio:.2f} | {flop:.3f} "
            f"| {fast * flop / top:.0%} of {top:.0f} GFLOP/s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
