"""A section of the check, what it gets, and what it finds."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.data.dataset import Dataset

T = TypeVar("T")
LIKE_CIFAR = 40_000  # training images from which on an epoch is judged


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the result."""

    name: str
    value: str  # in words, with its unit
    target: str = ""
    passed: bool | None = None  # None: not judged


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where a section computes, on which images and until when; it keeps what is found."""

    section: str
    device: str  # its name in torch
    data: str
    folder: Path  # of the results
    store: Path  # of all runs of the check, and of the images
    ends: float  # on the monotonic clock
    seeds: int  # runs of the record
    airbench: Path | None = None  # the author's script

    @property
    def rehearses(self) -> bool:
        """Whether this runs on a CPU, on small sizes, where no time is judged."""
        return self.device == "cpu"

    @property
    def left(self) -> float:
        """Seconds that this section still has."""
        return self.ends - time.monotonic()

    def sized(self, full: T, rehearsal: T) -> T:
        """Return the value for a GPU, or the small one for a rehearsal."""
        return rehearsal if self.rehearses else full

    def dataset(self) -> Dataset:
        """Open the images."""
        return data.load(data.resolve(self.data, self.store), self.store)

    def config(self, preset: str = "lab_cnn", **values: Any) -> TrainConfig:
        """Return a preset's settings, with others, for this device and these images."""
        place = {"device": self.device, "data": self.data, "threads": self.sized(0, 1)}
        return TrainConfig(**{**PRESETS[preset].values, **place, **values})

    def note(self, name: str, value: str, *, target: str = "", passed: bool | None = None) -> None:
        """Keep a finding, at once, as the process may be lost with the device."""
        finding = Finding(name=name, value=value, target=target, passed=passed)
        with findings_file(self.folder, self.section).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(finding)) + "\n")

    def note_time(self, name: str, value: str, *, target: str, passed: bool) -> None:
        """Keep a finding that depends on time, which is judged on a GPU only."""
        self.note(name, value, target=target, passed=None if self.rehearses else passed)

    def skip(self, name: str, why: str) -> None:
        """Keep that something was not checked, and why."""
        self.note(name, f"skipped: {why}")


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the check: a function that notes its findings."""

    key: str
    title: str
    summary: str  # what it shows
    share: float  # of the seconds, beside the shares of the others
    least: float  # seconds with which it is worth starting
    run: Callable[[Bench], None]
    alone: bool = True  # it measures time or memory: nothing else may compute meanwhile
    is_needed: bool = False  # without it the others are skipped


def findings_file(folder: Path, section: str) -> Path:
    """Return the file of a section's findings, one a line."""
    return folder / f"{section}.jsonl"


def findings_of(folder: Path, section: str) -> list[Finding]:
    """Return what a section has found so far."""
    path = findings_file(folder, section)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [Finding(**json.loads(line)) for line in lines]
