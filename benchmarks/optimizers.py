"""What one step of an optimizer costs, in CPU seconds on one thread, beside fused Adam.

python -m benchmarks.optimizers [--optimizers yogi,adamw] [--models simple_cnn,resnet18]

"muon-padded" is Muon with all filters in one padded batch, whatever they cost.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from unittest import mock

import torch
from torch import nn
from torch.optim import Optimizer

from benchmarks import machine
from cifar_core.config import TrainConfig
from cifar_core.optim import OPTIMIZERS, decay_groups
from cifar_core.optim.newton_schulz import OPERATIONS_OF_A_LAUNCH

ROUNDS = 15  # each optimizer in turn, so that a busy machine slows all of them
SHORTEST = 0.05  # CPU seconds of one turn
OLD_YOGI = "torch-optimizer's yogi"
PADDED_MUON = "muon-padded"


def optimizer_for(key: str, model: str) -> Optimizer:
    """Return an optimizer of a network with random gradients."""
    torch.manual_seed(0)
    config = TrainConfig(model=model)
    network: nn.Module = config.build_model(10).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for weight in network.parameters():
        weight.grad = torch.randn_like(weight) * 0.01
    groups = decay_groups(network, config.weight_decay)
    if key == OLD_YOGI:
        from torch_optimizer import Yogi

        return Yogi(groups, lr=1e-3)
    return OPTIMIZERS[key].build(groups, 1e-3, config, True)


def step_of(key: str, model: str) -> Callable[[], object]:
    """Return what takes one step with an optimizer of a network."""
    if key != PADDED_MUON:
        return optimizer_for(key, model).step
    step = optimizer_for("muon", model).step
    return mock.patch.dict(OPERATIONS_OF_A_LAUNCH, cpu=math.inf)(step)


def turn(step: Callable[[], object], steps: int) -> float:
    """Return the CPU seconds of one step, on average over some."""
    start = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - start) / steps


def measure(model: str, keys: list[str]) -> list[dict[str, float]]:
    """Return the CPU seconds of a step of each optimizer, and of Adam, in every round."""
    made = {key: step_of(key, model) for key in dict.fromkeys(["adam", *keys])}
    steps = {}
    for key, step in made.items():
        turn(step, 3)  # the first step makes the memory
        steps[key] = max(1, round(SHORTEST / max(turn(step, 3), 1e-6)))
    return [{key: turn(made[key], steps[key]) for key in made} for _ in range(ROUNDS)]


def times(rounds: list[dict[str, float]], key: str, other: str) -> list[float]:
    """Return how many times as long as the other an optimizer takes, in every round, sorted."""
    return sorted(each[key] / each[other] for each in rounds)


def show(model: str, rounds: list[dict[str, float]]) -> None:
    """Print a row for each optimizer: the median, and its ratio to Adam in the same round."""
    for key in rounds[0]:
        ratios = times(rounds, key, "adam")
        middle = statistics.median(each[key] for each in rounds)
        print(
            f"| {model} | {key} | {1e3 * middle:.2f} | {statistics.median(ratios):.2f} "
            f"| {ratios[2]:.2f} to {ratios[-3]:.2f} |",
            flush=True,
        )


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizers", default=f"yogi,{OLD_YOGI}")
    parser.add_argument("--models", default="simple_cnn,resnet18")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keys = list(OPTIMIZERS) if arguments.optimizers == "all" else arguments.optimizers.split(",")
    print(f"{machine.line()}; {ROUNDS} rounds\n\n| network | optimizer | ms a step | times Adam "
          "| all but two at each end |\n|---|---|---|---|---|")  # fmt: skip
    for model in arguments.models.split(","):
        show(model, measure(model, keys))
    return 0


if __name__ == "__main__":
    sys.exit(main())
