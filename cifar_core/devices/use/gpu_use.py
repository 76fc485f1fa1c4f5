"""How a GPU is used, as NVIDIA's library says; other programs on it included."""

import time
from collections.abc import Callable, Set
from typing import Any

from msgspec import Struct

from cifar_core.devices import nvml
from cifar_core.disk.checks import Number, Text

OF_THE_CHIP = 0  # NVML_TEMPERATURE_GPU, its one sensor
OF_THE_PROCESSORS = 1  # NVML_CLOCK_SM
POWER_CAP, HOT_BY_SOFTWARE, HOT, POWER_BRAKE = 0x4, 0x20, 0x40, 0x80  # why clocks are lowered
LOOK_FOR_OTHERS = 10.0  # seconds between two lists of the programs on a GPU


class GPUUse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a GPU is used at a moment, or was over a time. None: it does not say."""

    device: Text = ""  # as torch names it, such as "cuda:0"
    utilization: Number | None = None  # percent of the time in which it computed, mean
    memory_used: Number | None = None  # bytes, the most
    memory_total: Number | None = None  # bytes
    memory_others: Number | None = None  # bytes that other programs compute in, the most
    temperature: Number | None = None  # degrees Celsius, the highest
    power: Number | None = None  # watts, mean
    power_limit: Number | None = None  # watts
    clock: Number | None = None  # megahertz of its processors, mean
    highest_clock: Number | None = None  # megahertz that they can have
    hot: Number | None = None  # share of the time in which heat lowered its clocks
    capped: Number | None = None  # share of the time in which its limit of power lowered them

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        known = (self.memory_used, self.utilization, self.temperature, self.power)
        return all(value is None for value in known)


class GPU:
    """One GPU, which is asked again and again; what hardly changes is asked for less often."""

    def __init__(
        self, device: str, handle: Any, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.device, self.handle, self.clock = device, handle, clock
        limit = nvml.asked("nvmlDeviceGetEnforcedPowerLimit", handle)
        self.power_limit = watts(limit)
        self.highest_clock = nvml.asked("nvmlDeviceGetMaxClockInfo", handle, OF_THE_PROCESSORS)
        self.others: int | None = None
        self.looked_at = -LOOK_FOR_OTHERS

    def use(self, own: Set[int]) -> GPUUse:
        """Return how it is used now; `own` are the numbers of the run's processes."""
        memory = nvml.asked("nvmlDeviceGetMemoryInfo", self.handle)
        rates = nvml.asked("nvmlDeviceGetUtilizationRates", self.handle)
        why = self.lowered()
        return GPUUse(
            device=self.device,
            utilization=rates and rates.gpu,
            memory_used=memory and memory.used,
            memory_total=memory and memory.total,
            memory_others=self.memory_others(own),
            temperature=nvml.asked("nvmlDeviceGetTemperature", self.handle, OF_THE_CHIP),
            power=watts(nvml.asked("nvmlDeviceGetPowerUsage", self.handle)),
            power_limit=self.power_limit,
            clock=nvml.asked("nvmlDeviceGetClockInfo", self.handle, OF_THE_PROCESSORS),
            highest_clock=self.highest_clock,
            hot=None if why is None else float(bool(why & (HOT_BY_SOFTWARE | HOT))),
            capped=None if why is None else float(bool(why & (POWER_CAP | POWER_BRAKE))),
        )

    def lowered(self) -> int | None:
        """Return the bits that say why its clocks are lowered; None if it does not say."""
        for name in ("Event", "Throttle"):  # the new and the old name of one question
            why = nvml.asked(f"nvmlDeviceGetCurrentClocks{name}Reasons", self.handle)
            if why is not None:
                return int(why)
        return None

    def memory_others(self, own: Set[int]) -> int | None:
        """Return the bytes that other programs compute in.

        None if the list of programs lacks this one, as it may in a container: then it says nothing
        about others either.
        """
        if self.clock() - self.looked_at >= LOOK_FOR_OTHERS:
            self.looked_at = self.clock()
            programs = nvml.asked("nvmlDeviceGetComputeRunningProcesses", self.handle) or []
            known = any(program.pid in own for program in programs)
            held = [p.usedGpuMemory or 0 for p in programs if p.pid not in own]
            self.others = sum(held) if known else None
        return self.others


def watts(milliwatts: int | None) -> float | None:
    """Return power in watts."""
    return None if milliwatts is None else milliwatts / 1000
