"""Everything a trainer needs to go on exactly where it was, as tensors and plain values."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A trainer's state. All tensors are contiguous copies on the CPU; `meta` is plain JSON."""

    model: dict[str, Tensor]  # state_dict of the network that was validated: averaged, if any is
    state: dict[str, Tensor]  # optimizer, random numbers; the latest weights beside averaged ones
    meta: dict[str, Any]  # step, best epoch, running sums, ...


def copied(tensor: Tensor) -> Tensor:
    """Copy a tensor to the CPU in the plain memory order that files use."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def copies(model: nn.Module) -> dict[str, Tensor]:
    """Copy a network's state_dict to the CPU."""
    return {name: copied(tensor) for name, tensor in model.state_dict().items()}


def pack_optimizer(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimizer's memory into tensors and plain values, both named "<weight>/<name>".

    Some count steps in a group of weights: "group <number>/<name>", the whole numbers only, as
    all else in a group follows from the settings.
    """
    flat = {
        f"{weight}/{name}": value
        for weight, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
    }
    tensors = {name: copied(v) for name, v in flat.items() if isinstance(v, Tensor)}
    counts = {
        f"group {i}/{name}": value
        for i, group in enumerate(optimizer.param_groups)
        for name, value in group.items()
        if type(value) is int
    }
    return tensors, {n: v for n, v in flat.items() if not isinstance(v, Tensor)} | counts


def unpack_optimizer(
    optimizer: Optimizer, tensors: dict[str, Tensor], values: dict[str, Any]
) -> None:
    """Put back what `pack_optimizer` took.

    Each tensor takes the memory order of its weight: fused kernels walk both by address, so a
    plain buffer beside a channels-last weight would pair the wrong numbers without any error.
    """
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    memory: dict[int, dict[str, Any]] = {}
    for path, value in {**tensors, **values}.items():
        index, name = path.split("/", 1)
        if index.startswith("group "):
            optimizer.param_groups[int(index.removeprefix("group "))][name] = value
            continue
        weight = weights[int(index)]
        if isinstance(value, Tensor) and value.shape == weight.shape:
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        memory.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": memory, "param_groups": groups})


def pack_random() -> dict[str, Tensor]:
    """Return the states of torch's random-number generators, on the CPU and on each GPU."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        states |= {f"cuda:{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return states


def unpack_random(states: dict[str, Tensor]) -> None:
    """Put back what `pack_random` took, as far as the devices are there."""
    for name, state in states.items():
        if name == "cpu":
            torch.set_rng_state(state)
        elif torch.cuda.is_available() and int(name.split(":")[1]) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, name)


def select(flat: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the entries under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in flat.items() if k.startswith(prefix)}
