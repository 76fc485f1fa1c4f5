"""A CUDA device without a GPU: its tensors have shape, dtype, strides and device, but no numbers.

Inside `fake_cuda()` the real program runs on "cuda:0". Tensors there are torch's fake tensors, for
which every operator checks its arguments as it does for a GPU, and computes nothing. Tensors on
the CPU stay real, and what comes from the device is 0. So a tensor on the wrong device, a wrong
shape or a wrong dtype raises an error, as on a GPU; so does a result whose size depends on the
numbers, for which a GPU has to be waited for. What a GPU would do without a word is noted:

- `waits`: places where the CPU would wait for the device, by reading from it, by copying to or
  from memory that is not pinned, or for an event;
- `meant`: the same inside `PLANNED`, the one function whose purpose is to wait;
- `faults`: float64 on the device, which Apple GPUs do not have, and arguments for which a fused
  optimizer has no kernel.

Kernels, numbers, memory and time need a GPU.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch
from fake_backward import backward
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from cifar_core.training.arrival import Arrival

if not torch.backends.cuda.is_built():
    pytest.skip("this torch was built without CUDA", allow_module_level=True)

DEVICE = "cuda:0"
PLANNED = Arrival.wait.__code__
ANSWERS = {  # of the driver
    "is_available": True,
    "device_count": 1,
    "current_device": 0,
    "get_device_capability": (9, 0),
    "is_bf16_supported": True,
    "is_current_stream_capturing": False,
    "mem_get_info": (70 * 10**9, 80 * 10**9),
}
aten = torch.ops.aten
READING = {aten._local_scalar_dense, aten.equal}  # return a number to the CPU
INDEXING = {aten.index, aten.index_put, aten.index_put_}  # accept indices on the CPU
COPYING = {aten._to_copy, aten.copy_}
FUSED = {aten._fused_adagrad_, aten._fused_adam_, aten._fused_adamw_, aten._fused_sgd_}
ASKS_FOR_APPLE = "/torch/amp/grad_scaler.py"  # computes in float64 only where there is float64
# a place is named by the innermost file that is not torch's, its optimizers excepted, or this one
SKIPPED, NAMED = ("/torch/", __file__), "/torch/optim/"


class Watch(TorchDispatchMode):
    """Runs what concerns the device on fake tensors and all else on real ones, and takes notes."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.meant: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.pinned: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.prim.device.default:
            return func(*args)
        operator, kwargs = func.overloadpacket, dict(kwargs or {})
        pins = kwargs.pop("pin_memory", False) or operator is aten._pin_memory
        leaves = tree_leaves((args, kwargs))
        if not any(map(on_device, leaves)):
            with unset_fake_temporarily():
                result = self.on_cpu(func, args, kwargs)
        elif func._can_decompose():  # as in inference mode, where torch leaves it to the mode
            with self:
                return func.decompose(*args, **kwargs)
        else:
            result = self.on_fake(func, args, kwargs, leaves)
        if pins:
            self.pinned.append(result)
        return result

    def on_cpu(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run an operator for real; memory is pinned only in name, for want of a driver."""
        if func.overloadpacket is aten.is_pinned:
            return self.is_pinned(args[0])
        return args[0].clone() if func.overloadpacket is aten._pin_memory else func(*args, **kwargs)

    def on_fake(self, func: Any, args: Any, kwargs: Any, leaves: list[Any]) -> Any:
        """Run an operator that concerns the device, and note what a GPU would mind."""
        operator = func.overloadpacket
        if operator in FUSED:
            self.faults.update(f"{operator}: {why}" for why in refusals(func, args, kwargs))
            return None
        if operator in COPYING:
            return self.copy(func, args, kwargs)
        if operator in READING:
            self.wait(str(operator))
            return 0.0 if args[0].is_floating_point() else 0
        if operator in INDEXING and any(map(is_on_cpu, leaves)):
            self.wait("an index on the CPU")
        return self.settled(func(*args, **kwargs))

    def copy(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Copy within the device, to it or from it."""
        in_place = func.overloadpacket is aten.copy_
        source = args[1] if in_place else args[0]
        target = args[0].device if in_place else kwargs.get("device") or source.device
        non_blocking = kwargs.get("non_blocking") or (in_place and args[2:] == (True,))
        if target.type == "cpu":
            if not (in_place and non_blocking and self.is_pinned(args[0])):
                self.wait("a copy from the device")
        elif is_on_cpu(source) and not (non_blocking and self.is_pinned(source)):
            self.wait("a copy to the device")
        if in_place and target.type == "cpu":
            return args[0].zero_()
        if in_place or on_device(source):
            return self.settled(func(*args, **kwargs))
        with unset_fake_temporarily():  # what torch does with a real tensor takes far longer
            order = kwargs.get("memory_format") or torch.preserve_format
            dtype = kwargs.get("dtype") or source.dtype
            like = torch.empty_like(source, dtype=dtype, memory_format=order, device="meta")
        fresh = torch.empty_strided(like.shape, like.stride(), dtype=dtype, device=target)
        return self.settled(fresh)

    def is_pinned(self, tensor: Tensor) -> bool:
        """Return True if a tensor on the CPU shares memory that was pinned."""
        start = tensor.untyped_storage().data_ptr()
        return any(start == held.untyped_storage().data_ptr() for held in self.pinned)

    def wait(self, what: str) -> None:
        """Note a wait and its place."""
        frames = list(stack())
        meant = any(frame.f_code is PLANNED for frame in frames)
        (self.meant if meant else self.waits)[f"{what}: {place(frames)}"] += 1

    def settled(self, result: Any) -> Any:
        """Note float64 on the device, and make real what has arrived on the CPU."""
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, FakeTensor)]
        if any(tensor.dtype == torch.float64 and tensor.is_cuda for tensor in made):
            frames = list(stack())
            if not any(frame.f_code.co_filename.endswith(ASKS_FOR_APPLE) for frame in frames):
                self.faults[f"float64: {place(frames)}"] += 1
        if all(tensor.is_cuda for tensor in made):
            return result
        with unset_fake_temporarily():
            return tree_map_only(FakeTensor, zeros_like, result)


class Event:
    """An event that has always happened when one asks, and is waited for when one does not."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.asked = watch, False

    def record(self, stream: Any = None) -> None:
        """Mark the end of what was begun so far."""

    def query(self) -> bool:
        """Return True."""
        self.asked = True
        return True

    def synchronize(self) -> None:
        """Wait for what came before."""
        if not self.asked:
            self.watch.wait("an event")


class FakeMode(FakeTensorMode):
    """torch's fake tensors, which keep away from the driver whatever it answers."""

    avoid_device_init = True  # type: ignore[assignment]


def on_device(value: Any) -> bool:
    """Return True for a tensor on the device, and for the device itself."""
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, FakeTensor)


def is_on_cpu(value: Any) -> bool:
    """Return True for a tensor on the CPU, unless it is a single number, which travels along."""
    return isinstance(value, Tensor) and value.ndim > 0 and not on_device(value)


def zeros_like(tensor: Tensor) -> Tensor:
    """Return real zeros on the CPU in the memory order of a tensor."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).zero_()


def refusals(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[str]:
    """Yield why a fused optimizer has no kernel for its arguments.

    A list is empty or has a tensor for each weight: of the weight's size, memory order, dtype and
    device, or, if it counts steps, a single float32 on the device.
    """
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    for name, tensors in given.items():
        if not isinstance(tensors, list | tuple):
            continue
        for weight, tensor in zip(given["self"], tensors, strict=bool(tensors)):
            if tensor.device != weight.device:
                yield f"{name} on {tensor.device}"
            elif name == "state_steps":
                if tensor.ndim or tensor.dtype != torch.float32:
                    yield f"{name} {list(tensor.shape)} in {tensor.dtype}"
            elif tensor.shape != weight.shape or tensor.dtype != weight.dtype:
                yield f"{name} {list(tensor.shape)} in {tensor.dtype}"
            elif order(tensor) != order(weight):
                yield f"{name} in another memory order than its weight"


def order(tensor: Tensor) -> list[int]:
    """Return the strides that matter: those of axes with more than one entry."""
    return [step for step, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1]


def stack() -> Iterator[FrameType]:
    """Yield the frames that led here, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def place(frames: list[FrameType]) -> str:
    """Return the innermost file and function that is of interest."""
    for frame in frames:
        path = frame.f_code.co_filename
        if NAMED in path or not any(part in path for part in SKIPPED):
            return f"{'/'.join(path.split('/')[-2:])} {frame.f_code.co_name}"
    return "unknown"


@contextmanager
def fake_cuda() -> Iterator[Watch]:
    """Pretend that there is a CUDA device, and yield the notes of what a GPU would mind."""
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        for question, answer in ANSWERS.items():
            patch.setattr(torch.cuda, question, lambda *_, answer=answer, **__: answer)
        for name in ("Stream", "stream", "current_stream"):
            patch.setattr(torch.cuda, name, MagicMock())
        patch.setattr(torch.cuda, "Event", partial(Event, watch))
        patch.setattr(Tensor, "record_stream", MagicMock())
        patch.setattr(FakeTensor, "data_ptr", lambda tensor: id(tensor), raising=False)
        patch.setattr(torch.autograd, "_engine_run_backward", backward)
        with FakeMode(allow_non_fake_inputs=True), watch:
            yield watch
