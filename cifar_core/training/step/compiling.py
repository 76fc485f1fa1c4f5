"""Compiles the network of a training step, or leaves it uncompiled if that fails."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.training.step.step_plan import StepPlan

Forward = Callable[[Tensor], Tensor]  # images [N, 3, 32, 32] in [0, 1] -> logits [N, K]


def ready(network: nn.Module, plan: StepPlan, batch_size: int) -> tuple[Forward, StepPlan]:
    """Return the function that a training step calls, and the plan that it really follows.

    Compiling happens at the first batch, so one is rehearsed here, where a failure costs nothing:
    no weight, statistic, gradient or random state is changed, whether it works or not.
    """
    if not plan.compiled:
        return network, plan
    try:
        compiled = compiler(network, **options(plan))
        rehearse(network, compiled, plan, batch_size)
    except Exception as error:  # no compiler on this machine, or a network it cannot compile
        return network, plan.uncompiled(last_cause(error))
    return compiled, plan


def compiler(network: nn.Module, **how: Any) -> Forward:
    """Return the network wrapped by torch's compiler."""
    compiled: Forward = torch.compile(network, dynamic=False, **how)
    return compiled


def options(plan: StepPlan) -> dict[str, Any]:
    """Return the compiler's options; on a GPU, CUDA graphs save launching kernels one by one."""
    return {"mode": "reduce-overhead"} if plan.precision.device_type == "cuda" else {}


def rehearse(network: nn.Module, compiled: Forward, plan: StepPlan, batch_size: int) -> None:
    """Pass a random batch forward and backward, and undo all changes."""
    device = next(network.parameters()).device
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        images = torch.rand(batch_size, 32, 32, 3, device=device).permute(0, 3, 1, 2)
        try:
            with plan.precision.autocast():
                logits = compiled(images)
            logits.float().square().mean().backward()
        finally:
            network.zero_grad(set_to_none=True)
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def last_cause(error: BaseException) -> str:
    """Return the first line of the root cause of an exception."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
