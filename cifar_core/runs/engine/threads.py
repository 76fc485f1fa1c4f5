"""Applies the thread governor between two steps of a live run."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.runs.engine.thread_governor import Governor, Stretch
from cifar_core.runs.record.records import AttemptPlan

if TYPE_CHECKING:
    from cifar_core.training.events import Tick

STRETCH = 0.5  # seconds of steps that the governor gets at a time


def governor_of(settings: Mapping[str, Any], plan: AttemptPlan) -> Governor | None:
    """Return the governor of an attempt, or None where the number of threads must not change.

    Sums depend on it, so a number that was asked for stays, and so does any deterministic run's.
    """
    fixed = settings["threads"] > 0 or settings["deterministic"] or plan.device != "cpu"
    if fixed or plan.threads < 2:
        return None
    return Governor(plan.threads, os.cpu_count() or plan.threads)


class ThreadKeeper:
    """Times the steps between batches, and sets the number of threads as the governor decides."""

    def __init__(
        self, governor: Governor, batch_size: int, news: Callable[[Governor], None]
    ) -> None:
        self.governor, self.batch_size, self.news = governor, batch_size, news
        self.last: tuple[float, float] | None = None  # wall and CPU seconds at the last batch
        self.stretch = Stretch()
        self.others = OtherPrograms()

    def see(self, tick: "Tick", *, disturbed: bool = False) -> None:
        """After a batch; `disturbed` says that the steps are slower for a reason of our own."""
        if tick.phase != "train" or disturbed:
            self.last = None
            return
        now = time.perf_counter(), time.process_time()
        if self.last and tick.done > 1:  # before the first step there was the validation
            more = Stretch(
                wall=now[0] - self.last[0], cpu=now[1] - self.last[1], images=self.batch_size
            )
            self.stretch.add(more)
        self.last = now
        if self.stretch.wall >= STRETCH:
            self.pass_on()

    def pass_on(self) -> None:
        """Give the governor what was seen, and do as it says."""
        import torch

        self.stretch.others = self.others.cores()
        stretch, self.stretch = self.stretch, Stretch()
        is_news = self.governor.add(stretch)
        if self.governor.threads != torch.get_num_threads():
            torch.set_num_threads(self.governor.threads)
        if is_news:
            self.news(self.governor)


class OtherPrograms:
    """How many cores everything but this process has kept busy since it was last asked."""

    def __init__(self) -> None:
        self.before = self.now()

    def now(self) -> tuple[float, float, float] | None:
        """Return the clock, the machine's busy seconds and this process's; None off Linux."""
        try:
            words = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
        except OSError:
            return None
        user, nice, system, _idle, _wait, irq, soft_irq, stolen = map(int, words[1:9])
        busy = user + nice + system + irq + soft_irq + stolen
        return time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), time.process_time()

    def cores(self) -> float | None:
        """Return the mean number of busy cores; None where the system does not tell."""
        before, self.before = self.before, self.now()
        if before is None or self.before is None:
            return None
        clock, busy, own = (b - a for a, b in zip(before, self.before, strict=True))
        return max(0.0, busy - own) / max(clock, 1e-9)
