"""What the check asks a device and the machine: the calls that depend on how devices are found."""

import gc
import time
from collections.abc import Callable

import torch

from cifar_core import device as devices
from cifar_core.errors import CifarError
from cifar_core.runs.engine.base_worker import BaseWorker


def found(wanted: str) -> tuple[bool, str]:
    """Return whether the program finds a device that it can use, and what it says about it."""
    try:
        return True, devices.choose(wanted, devices.inventory())[1]
    except CifarError as error:
        return False, str(error)


def synchronize(device: str) -> None:
    """Wait until a device has computed all that it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def wall_seconds(device: str, step: Callable[[], object]) -> float:
    """Return the seconds by the clock from the start of a step until the device has done it."""
    start = time.perf_counter()
    step()
    synchronize(device)
    return time.perf_counter() - start


def release() -> None:
    """Free the memory of a device that nothing uses any more."""
    gc.collect()
    torch.cuda.empty_cache()


def use_between(worker: BaseWorker, begin: float, end: float) -> list[float]:
    """Return in how many percent of the time a run's device computed, sample by sample.

    From one unix second to another; none if the device does not say so.
    """
    return []
