"""Finds the devices of this machine, chooses one for training and says why."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import DeviceError


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device, or a share of the CPU, that can train one run at a time."""

    id: str  # "mps", "cuda:0", ... as torch names it; "cpu", "cpu:1", ... for slots of the CPU
    name: str
    memory_megabytes: int = 0  # 0 when unknown

    @property
    def torch_name(self) -> str:
        """Its name in torch, for which all slots of the CPU are the same device."""
        return self.id.split(":")[0] if self.id.startswith("cpu") else self.id


def inventory() -> list[Device]:
    """List this machine's devices, fastest first, without importing torch or touching a GPU."""
    return [*nvidia_gpus(), *apple_gpu(), *cpus()]


def nvidia_gpus() -> list[Device]:
    """Ask nvidia-smi, honoring CUDA_VISIBLE_DEVICES; no driver means no GPU."""
    program, visible = shutil.which("nvidia-smi"), os.environ.get("CUDA_VISIBLE_DEVICES")
    if program is None or visible in ("", "-1"):
        return []
    query = ["--query-gpu=index,name,memory.total,uuid", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(
            [program, *query], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in output.splitlines()]
    if visible is not None:
        wanted = [word.strip() for word in visible.split(",")]
        rows = [r for word in wanted for r in rows if word in (r[0], r[3])]
    return [
        Device(id=f"cuda:{index}", name=name, memory_megabytes=int(memory))
        for index, (_, name, memory, _) in enumerate(rows)
    ]


def apple_gpu() -> list[Device]:
    """Return the GPU of a Mac with Apple silicon."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return [Device(id="mps", name="Apple GPU")]
    return []


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


def choose(wanted: str, devices: list[Device]) -> tuple[Device, str]:
    """Return the device for a setting such as "auto", "cuda" or "cpu", and why, in a sentence."""
    if wanted == "auto":
        best = devices[0]
        why = "the fastest device found" if best.id != "cpu" else "no GPU was found"
        return best, f"{best.name} ({best.id}): {why}."
    for device in devices:
        if wanted in (device.id, device.id.split(":")[0]):
            return device, f"{device.name} ({device.id}): as requested."
    names = ", ".join(device.id for device in devices)
    raise DeviceError(
        f"There is no device called '{wanted}' on this machine. It has: {names}. "
        f"Choose one of these, or 'auto'."
    )


def candidates(wanted: str, devices: list[Device]) -> list[Device]:
    """Return the devices that a run can use; "auto" waits for one of the fastest kind."""
    best, _ = choose(wanted, devices)
    if wanted == best.id and ":" in wanted:
        return [best]
    kind = best.id.split(":")[0]
    return [device for device in devices if device.id.split(":")[0] == kind]
