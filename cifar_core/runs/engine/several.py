"""Runs on several devices: how many, what starts their ranks, and with how many threads each."""

import sys
from collections.abc import Mapping, Sequence
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cifar_core.devices import Device, choose_threads
from cifar_core.disk import files
from cifar_core.numbers import counted
from cifar_core.runs.record.records import AttemptPlan, AttemptResult
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import TRAINING

LAUNCHER = ".worker.ranks.launch"  # from this folder; importing it here would cost memory


def devices_of(run: Run) -> int:
    """Return how many devices a run asks for: one, unless it is a training."""
    return max(1, int(run.settings.get("devices", 1))) if run.kind == TRAINING else 1


def of_rank(plan: AttemptPlan, rank: int) -> AttemptPlan:
    """Return the plan with the device on which a rank computes; the ranks are in their order."""
    if rank == 0 or len(plan.devices) <= rank:
        return plan  # the plan names the first one's, and in earlier versions no other
    slot = plan.slots[rank] if plan.slots else ""  # none of the executor's, on another machine
    return replace(plan, device=plan.devices[rank], slot=slot)


def images_of_one(settings: Mapping[str, Any]) -> int:
    """Return how many images of a batch each of the devices gets."""
    batch: int = settings.get("batch_size", 0)
    return batch // max(1, settings.get("devices", 1))


def command_of(module: str, run: Run, attempt: int) -> list[str]:
    """Return the command that trains an attempt: on several devices by torchrun's agent."""
    devices = devices_of(run)
    launcher = resolve_name(LAUNCHER, __package__)
    launched = [launcher, str(devices), module] if devices > 1 else [module]
    return [sys.executable, "-m", *launched, str(run.path), str(attempt)]


def result_of(folder: Path) -> AttemptResult:
    """Return how an attempt ended, as its first rank reports it, or a rank that failed.

    Empty if neither wrote anything.
    """
    result = files.read(folder / "result.json", AttemptResult)
    return result if result.outcome else files.read(folder / "rank_failure.json", AttemptResult)


def suspected(devices: Sequence[str], result: AttemptResult) -> Sequence[str]:
    """Return the devices that may have failed: the reporting rank's, or all without a report.

    Those that work are in service again after their next probe.
    """
    return devices[result.rank : result.rank + 1] if result.outcome else devices


def refusal(run: Run, wanted: int) -> str:
    """Say why a run that has begun cannot continue on a wanted number of devices; or nothing.

    Its numbers would change in the middle: parts of a batch, and what dropout leaves out, depend
    on the number of devices.
    """
    before = run.environment
    if not before.device or before.devices == wanted:
        return ""
    return (
        f"Run {run.id} began on {counted(before.devices, 'device')}, and its settings ask for "
        f"{wanted}, on which its numbers "
        f"would be others. Set devices to {before.devices} again, or clone it."
    )


def waiting_words(count: int, free: int) -> str:
    """Say that a run waits until it can have all of its devices at once."""
    there = "none is free" if not free else "1 is free" if free == 1 else f"{free} are free"
    return f"Waits for {count} free devices; {there}."


def threads_of_one(wanted: int, targets: Sequence[Device]) -> int:
    """Return with how many CPU threads each rank computes: `wanted`, or its part of the cores.

    A slot of the CPU is such a part already; GPUs share the cores of the one machine.
    """
    threads = choose_threads(wanted)
    if wanted or targets[0].is_cpu:
        return threads
    return max(1, threads // len(targets))
