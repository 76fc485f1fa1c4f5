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
    """A device to compute on, and the descriptors that a child must inherit to keep it."""

    device: Device
    keep: tuple[int, ...] = ()


def lock_of(root: Path, device: Device) -> Path:
    """Return the file that is locked as long as a GPU is in use.

    It goes by the UUID, as the numbers of torch change when a GPU is gone.
    """
    return root / ".gpus" / f"{device.uuid or device.id.replace(':', '-')}.lock"


@contextmanager
def first_free(root: Path, devices: Sequence[Device]) -> Iterator[Turn | None]:
    """Hold the first of these devices that is not in use; None if all are."""
    for device in devices:
        if device.is_cpu:
            yield Turn(device=device)
            return
        path = lock_of(root, device)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(path, wait=False)
        if descriptor is None:
            continue
        try:
            yield Turn(device=device, keep=(descriptor,))
        finally:
            os.close(descriptor)
        return
    yield None


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
