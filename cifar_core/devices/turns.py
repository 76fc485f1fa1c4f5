"""Whose turn it is on a GPU: what computes there holds its lock, so that nothing else does.

The executor takes the lock for a run and hands it on to the run's processes; a measurement holds
it as long as it lasts. The kernel frees it with the last process that holds it. CPUs are shared
and have no lock.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cifar_core.background import processes
from cifar_core.devices import Device
from cifar_core.disk import lock
from cifar_core.errors import BusyError


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The devices to compute on, and the descriptors that a child must inherit to keep them."""

    devices: tuple[Device, ...]
    keep: tuple[int, ...] = ()

    @property
    def device(self) -> Device:
        """The first device."""
        return self.devices[0]


def lock_of(root: Path, device: Device) -> Path:
    """Return the file that is locked as long as a GPU is in use.

    It goes by the UUID, as the numbers of torch change when a GPU is gone.
    """
    return root / ".gpus" / f"{device.uuid or device.id.replace(':', '-')}.lock"


@contextmanager
def first_free(root: Path, devices: Sequence[Device], count: int = 1) -> Iterator[Turn | None]:
    """Hold the first `count` of these devices that are not in use; None if fewer are free."""
    held: list[Device] = []
    keep: list[int] = []
    try:
        for device in devices:
            if len(held) == count:
                break
            if not device.is_cpu:
                path = lock_of(root, device)
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = lock.take(path, wait=False)
                if descriptor is None:
                    continue
                keep.append(descriptor)
            held.append(device)
        is_enough = len(held) == count
        yield Turn(devices=tuple(held), keep=tuple(keep)) if is_enough else None
    finally:
        for descriptor in keep:
            os.close(descriptor)


@contextmanager
def measuring(root: Path, devices: Sequence[Device]) -> Iterator[Turn]:
    """Hold the first free one of these devices; BusyError if all are in use.

    Afterwards the executor looks for runs that have waited for it.
    """
    try:
        with first_free(root, devices) as turn:
            if turn is None:
                names = ", ".join(device.id for device in devices)
                raise BusyError(
                    "This needs a free GPU, but each that it could use is in use by a run or "
                    f"another measurement: {names}. Wait until one has ended, or pause a run that "
                    "uses one."
                )
            yield turn
    finally:
        if not all(device.is_cpu for device in devices):
            with suppress(OSError):  # the store may be gone
                processes.wake(root)
