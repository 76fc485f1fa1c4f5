"""How a run has used its machine in all its attempts, read as the rows are written."""

from pathlib import Path

from cifar_core.disk import files
from cifar_core.reading.machine.samples import Samples, joined, samples
from cifar_core.runs.record import metrics
from cifar_core.runs.record.machine import rows
from cifar_core.runs.record.records import AttemptStart


class MachineHistory:
    """The samples of a run; each look reads only the rows that were appended since the last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.so_far = samples([])
        self.begun: dict[int, float] = {}  # when each attempt began to train, in unix seconds
        self.attempt = self.offset = 0  # the one that is being read, and the bytes of it so far
        self.device = ""  # that it used

    @property
    def starts(self) -> list[float]:
        """When each attempt began to train, in unix seconds."""
        return list(self.begun.values())

    def poll(self) -> Samples:
        """Return all samples so far."""
        found: list[rows.MachineRow] = []
        numbers = metrics.attempt_numbers(self.folder)
        for number in [number for number in numbers if number >= self.attempt]:
            if number != self.attempt:
                self.attempt, self.offset = number, 0
                self.device = metrics.attempt_plan(self.folder, number).device
            path = rows.file_of(self.folder, number)
            more, self.offset = rows.read(path, self.offset, self.device)
            found += more
            self.note_start(number)
        if found:
            self.so_far = joined(self.so_far, samples(found))
        return self.so_far

    def note_start(self, attempt: int) -> None:
        """Note when an attempt began to train, if it has."""
        path = metrics.attempt_folder(self.folder, attempt) / "start.json"
        if attempt not in self.begun and (start := files.read_if_there(path, AttemptStart)):
            self.begun[attempt] = start.at
