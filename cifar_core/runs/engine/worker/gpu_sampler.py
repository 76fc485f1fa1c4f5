"""Samples the GPU of an attempt once a second, in a thread of the trainer's process."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cifar_core.devices import nvml
from cifar_core.disk import files
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.record.gpu.usage import Usage, seconds_of_a_row, together

SECONDS = 1.0  # between two samples
OF_THE_CHIP = 0  # NVML_TEMPERATURE_GPU, its one sensor


class GPUSampler:
    """Writes rows until it is stopped, the GPU is lost or the process ends; it ends no run."""

    def __init__(self, device: str, path: Path) -> None:
        self.rows, self.uuid = RowWriter(path), uuid_of(device)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.work, name="GPU sampler", daemon=True)

    def start(self) -> None:
        """Begin to sample, if torch knows which GPU it is."""
        if self.uuid:
            self.thread.start()

    def stop(self) -> None:
        """Take no further sample."""
        self.stopped.set()

    def work(self) -> None:
        """Sample, if the driver knows the GPU."""
        if handle := nvml.handle_of(self.uuid):
            with suppress(OSError):  # the run's folder may be gone
                self.sample(lambda: usage_of(handle))

    def sample(
        self, look: Callable[[], Usage], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look once a second, and write a row when it is due."""
        begin = written = clock()
        seen: list[Usage] = []
        while not self.stopped.is_set():
            usage = look()
            if usage.is_empty:
                return
            seen.append(usage)
            now = clock()
            if now - written >= seconds_of_a_row(now - begin) - SECONDS / 2:
                self.rows.add(files.plain_of(together(seen)))
                written, seen = now, []
            self.stopped.wait(SECONDS)


def uuid_of(device: str) -> str:
    """Return the UUID of a GPU, by torch's name; empty for other devices."""
    if not device.startswith("cuda"):
        return ""
    import torch

    return str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))


def usage_of(handle: Any) -> Usage:
    """Return how a GPU is used now, as far as it says so."""
    memory = nvml.asked("nvmlDeviceGetMemoryInfo", handle)
    rates = nvml.asked("nvmlDeviceGetUtilizationRates", handle)
    power = nvml.asked("nvmlDeviceGetPowerUsage", handle)  # milliwatts
    return Usage(
        t=time.time(),
        memory_used=memory and memory.used,
        memory_total=memory and memory.total,
        utilization=rates and rates.gpu,
        temperature=nvml.asked("nvmlDeviceGetTemperature", handle, OF_THE_CHIP),
        power=None if power is None else power / 1000,
    )
