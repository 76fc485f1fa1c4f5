"""What the check asks of a device."""

import os
import time
from collections.abc import Callable

import torch

from cifar_core.runs.engine.worker.base_worker import BaseWorker
from cifar_core.runs.engine.worker.machine_sampler import SECONDS
from cifar_core.runs.record.machine import rows as machine_rows


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


def forbid_tf32() -> None:
    """Have every library of this process compute in full float32; before it opens a GPU."""
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"


def use_between(worker: BaseWorker, begin: float, end: float) -> list[float]:
    """Return in how many percent of the time a run's device computed, sample by sample.

    From one unix second to another; none if the device does not say so.
    """
    rows, _ = machine_rows.read(machine_rows.path_of(worker.run.path, worker.attempt))
    inside = [row for row in rows if begin + SECONDS <= row.t <= end]  # each is about a second
    uses = [gpu.utilization for row in inside for gpu in row.gpus]
    return [use for use in uses if use is not None]
