"""Compiles the network of a training step, or leaves it uncompiled if that fails."""

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.training.step.step_plan import StepPlan

Forward = Callable[[Tensor], Tensor]  # images [N, 3, S, S] in [0, 1] -> logits [N, K]
# a CUDA graph warms up in the first step, is recorded in the second and replayed in the third
REHEARSED_STEPS = 3


def ready(
    network: nn.Module, plan: StepPlan, pieces: Sequence[int], side: int
) -> tuple[Forward, StepPlan]:
    """Return the function that a training step calls, and the plan that it really follows.

    `pieces` are the sizes in which a batch passes, of images with `side` pixels a side. Compiling
    happens while the first ones do, so they are rehearsed here, where a failure costs nothing: no
    weight, statistic, gradient or random state is changed, whether it works or not.
    """
    if not plan.compiled:
        return network, plan
    try:
        compiled = compiler(network, **options(plan, pieces))
        rehearse(network, compiled, plan, pieces, side)
    except Exception as error:  # no compiler on this machine, or a network it cannot compile
        cause = last_cause(error)
    else:
        return compiled, plan
    forget_compiled()  # only now that the error no longer holds the tensors of the pass
    return network, plan.uncompiled(cause)


def compiler(network: nn.Module, **how: Any) -> Forward:
    """Return the network wrapped by torch's compiler."""
    compiled: Forward = torch.compile(network, dynamic=False, **how)
    return compiled


def options(plan: StepPlan, pieces: Sequence[int]) -> dict[str, Any]:
    """Return the compiler's options; on a GPU, CUDA graphs save launching kernels one by one.

    Not in pieces: the gradient of the first one would lie in the graph's own memory, which the
    second one writes over before it is added (issue 169545 of PyTorch).
    """
    graphs = plan.precision.device_type == "cuda" and len(pieces) == 1
    return {"mode": "reduce-overhead"} if graphs else {}


def rehearse(
    network: nn.Module, compiled: Forward, plan: StepPlan, pieces: Sequence[int], side: int
) -> None:
    """Pass random batches forward and backward, and undo all changes."""
    device = next(network.parameters()).device
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    sizes = sorted(set(pieces), reverse=True)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            for size in sizes * REHEARSED_STEPS:
                images = torch.rand(size, side, side, 3, device=device).permute(0, 3, 1, 2)
                with plan.precision.autocast():
                    logits = compiled(images)
                logits.float().square().mean().backward()
                network.zero_grad(set_to_none=True)
        finally:
            network.zero_grad(set_to_none=True)
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def forget_compiled() -> None:
    """Free the memory of all that was compiled in this process, and of its CUDA graphs."""
    if "torch._dynamo" in sys.modules:  # which loads with the first network to compile
        torch.compiler.reset()
    gc.collect()
    torch.cuda.empty_cache()


def last_cause(error: BaseException) -> str:
    """Return the first line of the root cause of an exception."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
