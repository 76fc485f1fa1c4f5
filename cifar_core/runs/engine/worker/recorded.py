"""environment.json, as one attempt writes it: never over that of a later attempt."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from cifar_core.disk import files
from cifar_core.runs.engine.worker.fence import Fence
from cifar_core.runs.record.gpu import facts
from cifar_core.runs.record.records import Environment


class Recorded:
    """The record of what an attempt trains with."""

    def __init__(self, run: Path, fence: Fence) -> None:
        self.path, self.fence = run / "environment.json", fence

    def write(self, environment: Environment) -> None:
        """Replace the record by that of this attempt."""
        self.fence.write(self.path, environment)

    def change(self, **changes: Any) -> None:
        """Change entries of it."""
        self.fence.before_writing(self.path)
        files.edit(self.path, Environment, lambda _: changes)

    def peak(self, gpu: facts.GPURecord | None, device: str) -> None:
        """Write how much memory of the device the attempt has taken at most, if it is a GPU."""
        if gpu:
            with suppress(OSError, RuntimeError):  # a by-product, and the GPU may be lost
                self.change(gpu=files.plain_of(facts.with_peak(gpu, device)))
