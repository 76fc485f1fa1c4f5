"""Samples the machine once a second, in threads of the trainer's process; it ends no run."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from cifar_core.devices import nvml
from cifar_core.devices.use import machine
from cifar_core.devices.use.gpu_use import GPU, GPUUse
from cifar_core.devices.use.main_memory import main_memory
from cifar_core.devices.use.processes import Processes
from cifar_core.disk import files
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.record.machine.rows import MachineRow, seconds_of_a_row, together
from cifar_core.runs.record.signs.interval import OwnInterval

SECONDS = 1.0  # between two samples
OLD = 3.0  # seconds after which what a GPU said is no longer what it does
MOST_WAITING = 100_000  # bytes of rows that a full disk keeps in memory; then samples are left out
DENIED = (psutil.Error, OSError, RuntimeError, ValueError)  # what a system may answer
Answer = TypeVar("Answer")


class MachineSampler:
    """Writes rows until it is stopped or the process ends.

    GPUs are asked by a thread of their own: a driver that hangs leaves them out of the rows, and
    holds up nothing. No two rows are closer together than two signs of the trainer.
    """

    def __init__(
        self,
        devices: Sequence[str],
        path: Path,
        signs: OwnInterval | None = None,
        *,
        process: int | None = None,
    ) -> None:
        """Sample devices, and a process with its descendants; by default this one."""
        self.rows, self.folder = RowWriter(path), path.parent
        self.signs = signs
        self.stopped = threading.Event()
        self.processes = Processes(number=process)
        self.gpus = GPUWatch(devices, self.stopped, self.processes)
        self.thread = threading.Thread(target=self.work, name="Machine sampler", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self.gpus.start()
        self.thread.start()

    def stop(self) -> None:
        """Take no further sample."""
        self.stopped.set()

    def work(self) -> None:
        """Sample; a folder that is gone ends it."""
        with suppress(OSError):
            self.sample(Look(self.processes, self.gpus, self.folder, self.apart).now)

    def apart(self) -> float:
        """Return the least seconds between two rows, and between two questions to the store."""
        return self.signs.seconds if self.signs else 0.0

    def sample(
        self, look: Callable[[], MachineRow], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look once a second, and write a row when it is due."""
        begin = written = clock()
        seen: list[MachineRow] = []
        size = of_one = 0
        while not self.stopped.wait(SECONDS):
            row = look()
            if not row.is_empty:
                seen.append(row)
            now = clock()
            apart = max(seconds_of_a_row(now - begin, size, of_one or 1), self.apart())
            due = now - written >= apart - SECONDS / 2
            if seen and due and len(self.rows.waiting) < MOST_WAITING:
                line = files.plain_of(together(seen))
                of_one = len(files.line_of(line))
                size += of_one
                self.rows.add(line)
                written, seen = now, []


class Look:
    """Looks at the machine each second, and knows what it saw the second before."""

    def __init__(
        self,
        processes: Processes,
        gpus: "GPUWatch",
        folder: Path,
        apart: Callable[[], float] = lambda: 0.0,  # seconds between two questions about it
    ) -> None:
        self.processes, self.gpus, self.folder, self.apart = processes, gpus, folder, apart
        self.asked_disk = -math.inf
        self.at, self.computed = time.monotonic(), attempted(processes.cpu_seconds)
        self.busy = attempted(machine.BusyCores)
        self.swapping = attempted(machine.Swapping)
        self.allowed = attempted(machine.cores_allowed)
        self.all = attempted(machine.all_cores)

    def now(self) -> MachineRow:
        """Return how the machine has been used since the last look; None for what is denied."""
        memory = attempted(main_memory) or (None, None)
        return MachineRow(
            t=round(time.time(), 2),
            cpu=self.cores(),
            cpu_allowed=self.allowed,
            cpu_busy=rounded(attempted(self.busy.since_last) if self.busy else None),
            cpu_all=self.all,
            memory=attempted(self.processes.memory),
            memory_used=memory[0],
            memory_limit=memory[1],
            swapped=rounded(attempted(self.swapping.since_last) if self.swapping else None, 0),
            disk_free=self.free_disk(),
            gpus=self.gpus.latest(),
        )

    def free_disk(self) -> float | None:
        """Return the free bytes, unless they were asked for lately: a file server has to answer."""
        now = time.monotonic()
        if now - self.asked_disk < self.apart() - SECONDS / 2:
            return None
        self.asked_disk = now
        return attempted(lambda: machine.free_disk(self.folder))

    def cores(self) -> float | None:
        """Return how many cores the run's processes kept busy since the last look."""
        before, since = self.computed, self.at
        self.at, self.computed = time.monotonic(), attempted(self.processes.cpu_seconds)
        if before is None or self.computed is None or self.at <= since:
            return None
        return rounded((self.computed - before) / (self.at - since))


class GPUWatch:
    """Asks the GPUs that a run uses, in a thread of its own, which the driver may hold up."""

    def __init__(
        self, devices: Sequence[str], stopped: threading.Event, processes: Processes
    ) -> None:
        self.uuids = {device: uuid for device in devices if (uuid := uuid_of(device))}
        self.stopped, self.processes = stopped, processes
        self.seen: tuple[float, list[GPUUse]] = (-OLD, [])  # when, and what
        self.thread = threading.Thread(target=self.work, name="GPU sampler", daemon=True)

    def start(self) -> None:
        """Begin to ask, if torch knows which GPUs these are."""
        if self.uuids:
            self.thread.start()

    def latest(self) -> list[GPUUse]:
        """Return what the GPUs said in the last seconds; nothing if they do not answer."""
        at, uses = self.seen
        return uses if time.monotonic() - at < OLD else []

    def work(self) -> None:
        """Ask once a second, until no GPU answers any more."""
        handles = {device: nvml.handle_of(uuid) for device, uuid in self.uuids.items()}
        gpus = [GPU(device, handle) for device, handle in handles.items() if handle]
        while gpus:
            uses = [gpu.use(self.processes.ids) for gpu in gpus]
            known = [use for use in uses if not use.is_empty]
            self.seen = time.monotonic(), known
            if not known or self.stopped.wait(SECONDS):
                return


def uuid_of(device: str) -> str:
    """Return the UUID of a GPU, by torch's name; empty for other devices."""
    if not device.startswith("cuda"):
        return ""
    import torch

    return str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))


def attempted(question: Callable[[], Answer]) -> Answer | None:
    """Return what the system answers; None if it denies an answer."""
    try:
        return question()
    except DENIED:
        return None


def rounded(value: float | None, digits: int = 2) -> float | None:
    """Return a figure with as many digits as rows keep."""
    return None if value is None else round(value, digits)
