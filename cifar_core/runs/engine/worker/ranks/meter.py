"""Measures how long each rank works on its part of a step, before it waits for the others.

The work of a rank ends when the gradient of the first layer, which is computed last, is there; what
follows is the exchange. On a GPU the times are those of its own clock, without waiting for it. A
rank publishes its mean now and then, and the first writes balance.json.
"""

import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files
from cifar_core.runs.engine.worker.ranks.group import RankGroup
from cifar_core.runs.record.machine import balance
from cifar_core.runs.record.machine.balance import Balance, Share

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.runs.engine.worker.training_worker import Worker
    from cifar_core.training.events import Tick
    from cifar_core.training.trainer import Trainer

STEPS = 50  # that a mean covers
FIRST_STEPS, SECONDS = 10, 5.0  # before the first means, and between two of them


class Meter:
    """Times the steps of this rank; on one device it does nothing."""

    def __init__(
        self, trainer: "Trainer", group: RankGroup, devices: list[str], path: Path
    ) -> None:
        self.trainer, self.group, self.devices, self.path = trainer, group, devices, path
        self.on_gpu = devices[group.rank].startswith("cuda")
        self.works: deque[tuple[Any, Any]] = deque(maxlen=STEPS)  # begin and end of each
        self.steps: deque[float] = deque(maxlen=STEPS)  # seconds of each whole step
        self.begun: Any = None  # when this step began on the device
        self.ended: Any = None  # when its gradients were there
        self.began = self.published = time.monotonic()
        self.hook: Any = None

    def after_batch(self, tick: "Tick") -> None:
        """Note a step that is over for all ranks, and begin the next one."""
        if not self.group.several or tick.phase != "train":
            return
        now = time.monotonic()
        if self.ended is not None:
            self.works.append((self.begun, self.ended))
            self.steps.append(now - self.began)
        is_due = now - self.published >= SECONDS or len(self.works) == FIRST_STEPS
        if is_due and self.works:
            self.publish(now)
        self.ended, self.began = None, now
        if tick.done < tick.total:  # what follows an epoch belongs to no step
            self.listen()
            self.begun = self.mark()
        elif self.hook:  # other layers may be trained in the next epoch
            self.hook.remove()
            self.hook = None

    def listen(self) -> None:
        """Note when the gradient that is computed last is there."""
        if self.hook is None:
            trained = (w for w in self.trainer.learner.parameters() if w.requires_grad)
            self.hook = next(trained).register_post_accumulate_grad_hook(self.note)

    def note(self, _: "Tensor") -> None:
        """Note that all gradients are there, at least those of this piece of a batch."""
        self.ended = self.mark()

    def mark(self) -> Any:
        """Return this moment, on the clock of the device."""
        if not self.on_gpu:
            return time.monotonic()
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    @property
    def work(self) -> float:
        """The mean seconds of work in the steps that the device has completed."""
        if not self.on_gpu:
            times = [end - begin for begin, end in self.works]
        else:
            times = [begin.elapsed_time(end) / 1e3 for begin, end in self.works if end.query()]
        return sum(times) / len(times) if times else 0.0

    def publish(self, now: float) -> None:
        """Let the first rank know the mean; the first rank writes those of all."""
        self.published = now
        self.group.publish(str(self.group.rank), f"{self.work:.6f}")
        if not self.group.writes:
            return
        found = [self.group.published(str(rank)) for rank in range(self.group.world)]
        if not all(found):
            return
        of_each = zip(self.devices, map(float, found), strict=True)
        shares = [Share(device=name, work=work) for name, work in of_each]
        seconds = sum(self.steps) / len(self.steps)
        said = Balance(at=time.time(), step=self.trainer.step, seconds=seconds, shares=shares)
        with suppress(OSError):  # such as a full disk; it is written again soon
            files.write_json(self.path, said, durable=False)


def meter_of(worker: "Worker") -> Meter:
    """Return the meter of a worker's steps."""
    path = balance.path_of(worker.run.path, worker.attempt)
    return Meter(worker.trainer, worker.group, worker.plan.slots or worker.devices, path)
