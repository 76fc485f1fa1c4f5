"""Runs that have kept how they used their machine, for the tests of pages."""

import json
import os
import time

from pages import epoch, make_run, row

from cifar_core.devices.use.gpu_use import GPUUse
from cifar_core.disk import files, lock
from cifar_core.runs.record import status
from cifar_core.runs.record.machine import rows
from cifar_core.runs.record.machine.rows import MachineRow


def gpu(device="cuda:0", utilization=88.0, **more):
    """How a GPU is used in a second of usual training."""
    usual = {"memory_used": 8.1e9, "memory_total": 12e9, "temperature": 71.0, "power": 200.0}
    return GPUUse(device=device, utilization=utilization, **{**usual, **more})


def machine_row(**more):
    """How the machine is used in a second of usual training."""
    usual = {"cpu": 0.94, "cpu_allowed": 1.0, "cpu_busy": 1.5, "cpu_all": 8.0, "memory": 1.2e9,
             "memory_used": 4e9, "memory_limit": 16e9, "swapped": 0, "disk_free": 5e10}  # fmt: skip
    return MachineRow(**{**usual, **more})


def trained_on(store, *, gpus=(), seconds=200, state="finished", name="Sampled", **more):
    """Make a run of two epochs a minute, with a row of its machine for each second.

    One that runs has its lock held until the process ends.
    """
    run = make_run(store, name, state, **more)
    folder = run.path / "attempts" / "1"
    start = time.time() - seconds
    lines = []
    for second in range(1, seconds + 1):
        at = {"t": start + second}
        lines.append(row(2 * second, epoch=second / 25, **at))
        if second % 25 == 0:
            end = {"step": 2 * second, "t": start + second + 0.5}
            lines.append(epoch(second // 25, 0.4) | end)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    files.write_json(folder / "start.json", {"checkpoint": "", "step": 0, "at": start})
    with rows.path_of(run.path, 1).open("wb") as file:
        for second in range(-5, seconds + 1):
            sampled = machine_row(t=start + second, gpus=list(gpus))
            file.write(files.line_of(files.plain_of(sampled)))
    if state == "running":
        lock.take(folder / "lock")
        os.utime(folder / "lock")
        words = status.described("running")
        status.write(run.path, status.RunStatus(**words, attempt=1, device="cpu"))
    return run
