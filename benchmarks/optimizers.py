"""What one step of an optimizer costs, in CPU seconds on one thread, beside fused Adam.

python -m benchmarks.optimizers [--optimizers yogi,adamw] [--models simple_cnn,resnet18]
"""

import argparse
import statistics
import sys
import time

import torch
from torch import nn
from torch.optim import Optimizer

from benchmarks import machine
from cifar_core.config import TrainConfig
from cifar_core.optim import OPTIMIZERS, decay_groups

ROUNDS = 15  # each optimizer in turn, so that a busy machine slows all of them
SHORTEST = 0.05  # CPU seconds of one turn
OLD_YOGI = "torch-optimizer's yogi"


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


def turn(optimizer: Optimizer, steps: int) -> float:
    """Return the CPU seconds of one step, on average over some."""
    start = time.process_time()
    for _ in range(steps):
        optimizer.step()
    return (time.process_time() - start) / steps


def measure(model: str, keys: list[str]) -> None:
    """Print a row for each optimizer: the median, and its ratio to Adam in the same round."""
    made = {key: optimizer_for(key, model) for key in dict.fromkeys(["adam", *keys])}
    steps = {}
    for key, optimizer in made.items():
        turn(optimizer, 3)  # the first step makes the memory
        steps[key] = max(1, round(SHORTEST / max(turn(optimizer, 3), 1e-6)))
    rounds = [{key: turn(made[key], steps[key]) for key in made} for _ in range(ROUNDS)]
    for key in made:
        ratios = sorted(each[key] / each["adam"] for each in rounds)
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
        measure(model, keys)
    return 0


if __name__ == "__main__":
    sys.exit(main())
