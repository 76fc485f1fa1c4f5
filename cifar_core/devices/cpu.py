"""The CPU: its name, its cores, and how many runs share them."""

import os
import platform
from pathlib import Path

from cifar_core.devices.device import Device


def cpu_slots() -> int:
    """Return how many runs can train on the CPU at once: CIFAR_CPU_SLOTS, or one."""
    wanted = os.environ.get("CIFAR_CPU_SLOTS", "")
    return max(1, int(wanted)) if wanted.isdecimal() else 1


def cpus() -> list[Device]:
    """List the slots of the CPU: "cpu" and, if there are more, "cpu:1" and so on."""
    name = cpu_name()
    ids = ["cpu", *(f"cpu:{slot}" for slot in range(1, cpu_slots()))]
    return [Device(id=id_, name=name) for id_ in ids]


def cpu_name() -> str:
    """Return the processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    except OSError:
        pass
    return f"{name}, {usable_cores()} cores"


def usable_cores() -> int:
    """Count the cores this process may run on, which in a container can be fewer than exist."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_threads(wanted: int) -> int:
    """Return the number of CPU threads to train with: `wanted`, or for 0 all cores but one.

    If another program keeps one of two cores busy, two threads are many times slower than one.
    Several slots of the CPU share the cores.
    """
    return wanted or max(1, (usable_cores() - 1) // cpu_slots())
