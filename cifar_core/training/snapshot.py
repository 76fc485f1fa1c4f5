"""Everything a trainer needs to continue exactly where it was, as tensors and plain values."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cifar_core.schedules import Plateau
from cifar_core.training.arrival import Arrival
from cifar_core.training.events import StepEvent
from cifar_core.training.progress import Best, Tally, TrainingProgress

if TYPE_CHECKING:
    from cifar_core.training.trainer import Trainer


Copy = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A trainer's state. All tensors are contiguous copies on the CPU; `meta` is plain JSON."""

    model: dict[str, Tensor]  # state_dict of the validated network, averaged if the run averages
    state: dict[str, Tensor]  # optimizer, random numbers; the latest weights beside averaged ones
    meta: dict[str, Any]  # step, best epoch, running sums, ...


@dataclass(frozen=True, kw_only=True)
class SnapshotOnItsWay:
    """A snapshot whose tensors are being copied from the device."""

    snapshot: Snapshot
    arrival: Arrival

    def wait(self) -> Snapshot:
        """Return the snapshot once all of it is here; any thread may wait."""
        self.arrival.wait()
        model, state = (
            {name: tensor.contiguous() for name, tensor in tensors.items()}  # as files need them
            for tensors in (self.snapshot.model, self.snapshot.state)
        )
        return replace(self.snapshot, model=model, state=state)


def copies(model: nn.Module, copy: Copy) -> dict[str, Tensor]:
    """Copy a network's state_dict."""
    return {name: copy(tensor) for name, tensor in model.state_dict().items()}


def pack_optimizer(optimizer: Optimizer, copy: Copy) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimizer's state into tensors and plain values, both named "<weight>/<name>".

    A dict or list of tensors becomes a plain description whose tensors are named "nested/...".
    Step counts of a group of weights are named "group <number>/<name>"; only integers are kept,
    because all else in a group follows from the settings.
    """
    flat = {
        f"{weight}/{name}": value
        for weight, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
    }
    tensors = {name: copy(v) for name, v in flat.items() if isinstance(v, Tensor)}
    plain = {
        name: described(value, f"nested/{name}", tensors, copy)
        for name, value in flat.items()
        if not isinstance(value, Tensor)
    }
    counts = {
        f"group {i}/{name}": value
        for i, group in enumerate(optimizer.param_groups)
        for name, value in group.items()
        if type(value) is int
    }
    return tensors, plain | counts


def described(value: Any, path: str, tensors: dict[str, Tensor], copy: Copy) -> Any:
    """Return a value as plain JSON: containers by type and items, tensors by name.

    Copies of the tensors are added to `tensors`. Keys of a dict may be of any type that JSON has.
    """
    if isinstance(value, Tensor):
        tensors[path] = copy(value)
        return {"tensor": path}
    if isinstance(value, dict):
        items = enumerate(value.items())
        return {
            "dict": [
                [key, described(item, f"{path}/{i}", tensors, copy)] for i, (key, item) in items
            ]
        }
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {
            kind: [described(item, f"{path}/{i}", tensors, copy) for i, item in enumerate(value)]
        }
    return value


def rebuilt(description: Any, tensors: dict[str, Tensor], like: Tensor) -> Any:
    """Return the value that `described` was given, its tensors in the memory order of a weight."""
    if not isinstance(description, dict):
        return description
    ((kind, content),) = description.items()
    if kind == "tensor":
        return in_order_of(like, tensors[content])
    if kind == "dict":
        return {key: rebuilt(item, tensors, like) for key, item in content}
    items = [rebuilt(item, tensors, like) for item in content]
    return items if kind == "list" else tuple(items)


def in_order_of(weight: Tensor, tensor: Tensor) -> Tensor:
    """Return a tensor in the memory order of its weight; one of another shape as it is.

    Fused kernels walk both by address, so a contiguous buffer for a channels-last weight would
    pair the wrong numbers without any error.
    """
    if tensor.shape != weight.shape:
        return tensor
    return torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)


def unpack_optimizer(
    optimizer: Optimizer, tensors: dict[str, Tensor], values: dict[str, Any]
) -> None:
    """Restore the state from `pack_optimizer`."""
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    memory: dict[int, dict[str, Any]] = {}
    for path, value in {**tensors, **values}.items():
        index, name = path.split("/", 1)
        if index == "nested":  # belongs to a description among the plain values
            continue
        if index.startswith("group "):
            optimizer.param_groups[int(index.removeprefix("group "))][name] = value
            continue
        weight = weights[int(index)]
        whole = isinstance(value, Tensor)
        memory.setdefault(int(index), {})[name] = (
            in_order_of(weight, value) if whole else rebuilt(value, tensors, weight)
        )
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": memory, "param_groups": groups})


def pack_random() -> dict[str, Tensor]:
    """Return the states of torch's random-number generators, on the CPU and on each GPU."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        states |= {f"cuda:{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return states


def unpack_random(states: dict[str, Tensor]) -> None:
    """Restore the states from `pack_random`, for the devices that are available."""
    for name, state in states.items():
        if name == "cpu":
            torch.set_rng_state(state)
        elif torch.cuda.is_available() and int(name.split(":")[1]) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, name)


def select(flat: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the entries under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in flat.items() if k.startswith(prefix)}


def snapshot_of(trainer: "Trainer") -> SnapshotOnItsWay:
    """Begin to copy everything that a trainer needs to continue from here."""
    arrival = Arrival(trainer.sums.values.device)
    tensors, values = pack_optimizer(trainer.optimizer, arrival.copy)
    meta: dict[str, Any] = {
        "progress": asdict(trainer.progress),
        "optimizer": values,
        "scaler": trainer.scaler.state_dict(),
        "window_images": trainer.sums.images,
        "unread": [asdict(report) for report in trainer.unread],
        "watched": list(trainer.watch.chosen),
    }
    state = {f"optimizer/{name}": tensor for name, tensor in tensors.items()}
    state |= {f"random/{name}": tensor for name, tensor in pack_random().items()}
    state["window"] = arrival.copy(trainer.sums.values)
    if trainer.average:
        state |= {f"latest/{name}": t for name, t in copies(trainer.model, arrival.copy).items()}
    model = copies(trainer.result, arrival.copy)
    arrival.send()
    return SnapshotOnItsWay(snapshot=Snapshot(model=model, state=state, meta=meta), arrival=arrival)


def restore(trainer: "Trainer", snapshot: Snapshot) -> None:
    """Give a trainer the state in the snapshot; its config must be the same."""
    trainer.result.load_state_dict(snapshot.model)
    if trainer.average:
        trainer.model.load_state_dict(select(snapshot.state, "latest/"))
    unpack_optimizer(
        trainer.optimizer, select(snapshot.state, "optimizer/"), snapshot.meta["optimizer"]
    )
    if snapshot.meta["scaler"]:  # else the run was in a format whose loss is not scaled
        trainer.scaler.load_state_dict(snapshot.meta["scaler"])
    saved = dict(snapshot.meta["progress"])
    trainer.progress = TrainingProgress(
        step=saved["step"],
        epoch=saved["epoch"],
        tally=Tally(**saved["tally"]),
        best=Best.from_saved(saved["best"]),
        plateau=Plateau(**saved.get("plateau", {})),
        rate_share=saved.get("rate_share", 1.0),
        began=saved.get("began", 0),
    )
    tally = trainer.progress.tally
    trainer.sums.restore(
        snapshot.state["window"],
        snapshot.meta["window_images"],
        before=(tally.loss, tally.correct),
    )
    trainer.unread = [StepEvent(**report) for report in snapshot.meta.get("unread", [])]
    trainer.watch.chosen = list(snapshot.meta.get("watched", []))
    unpack_random(select(snapshot.state, "random/"))
