"""Copies tensors from the device to the CPU without waiting for the device."""

import torch
from torch import Tensor


class Arrival:
    """Copies that were begun, and are complete once the device has come so far.

    On a GPU they go into pinned memory in the order of its work, so whatever is computed later may
    overwrite the originals. Elsewhere each copy is complete at once.
    """

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self.event: torch.cuda.Event | None = None
        self.device = device

    def copy(self, tensor: Tensor) -> Tensor:
        """Begin to copy a tensor, in its own memory order; its values count after `wait`."""
        tensor = tensor.detach()
        if tensor.device.type != "cuda":
            return tensor.to("cpu", copy=True)
        buffer = torch.empty_like(tensor, device="cpu", pin_memory=True)
        return buffer.copy_(tensor, non_blocking=True)

    def send(self) -> None:
        """Mark the end of the copies; call it after the last one."""
        if self.on_gpu:
            self.event = torch.cuda.Event()
            self.event.record(torch.cuda.current_stream(self.device))

    @property
    def is_there(self) -> bool:
        """Whether the copies are complete."""
        return self.event is None or self.event.query()

    def wait(self) -> None:
        """Wait until the copies are complete; any thread may."""
        if self.event is not None:
            self.event.synchronize()
