"""Measures where the time of a training step goes, with torch's profiler, while it trains."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from torch.profiler import ProfilerActivity, profile, record_function, supported_activities

from cifar_core.training.phases import PHASES

STEP = "training step"  # the label around all parts of one step
OPERATORS = 10  # the most expensive ones that are kept
KINDS = (ProfilerActivity.CPU, ProfilerActivity.CUDA)


class TimeSpan(NamedTuple):
    """A labeled stretch of the program's time, in microseconds."""

    name: str
    start: float
    end: float

    @property
    def milliseconds(self) -> float:
        """How long it lasted."""
        return (self.end - self.start) / 1e3


class DeviceWork(NamedTuple):
    """Work that an operator started on the GPU."""

    start: float  # when it was launched, in microseconds
    milliseconds: float


class Call(NamedTuple):
    """One call of an operator; its times exclude the operators that it calls."""

    name: str
    start: float  # in microseconds
    milliseconds: float
    device_milliseconds: float


@dataclass(frozen=True, kw_only=True)
class StepPart:
    """The cost of one part of a step, in milliseconds a step."""

    name: str
    ms: float  # of the program's time, waiting for the device included
    spread_ms: float  # standard deviation over the steps
    device_ms: float  # of the GPU's time; 0 on a CPU


class StepProfiler:
    """Records some steps: `begin` before each, `end` after it, then `report` once.

    It only observes: the steps compute the same numbers with and without it.
    """

    def __init__(self) -> None:
        kinds = [kind for kind in KINDS if kind in supported_activities()]
        self.profile = profile(activities=kinds)
        self.profile.start()
        self.label: Any = None
        self.steps = 0

    def begin(self) -> None:
        """Start recording a step."""
        self.label = record_function(STEP)
        self.label.__enter__()

    def end(self) -> None:
        """Finish the current step, if there is one."""
        if self.label is not None:
            self.label.__exit__(None, None, None)
            self.label = None
            self.steps += 1

    def close(self) -> None:
        """Stop recording."""
        if self.label is not None:
            self.label.__exit__(None, None, None)
        self.profile.stop()

    def report(self, warm: int) -> dict[str, Any]:
        """Stop, and return the cost of a step as plain values; the first `warm` steps are left out.

        They include work that is done once, such as reserving memory.
        """
        self.close()
        events = [event for event in self.profile.events() or [] if event.device_type.value == 0]
        labels = {STEP, *PHASES}
        spans = [
            TimeSpan(event.name, event.time_range.start, event.time_range.end)
            for event in events
            if event.name in labels
        ]
        work = [
            DeviceWork(event.time_range.start, kernel.duration / 1e3)
            for event in events
            for kernel in event.kernels
        ]
        steps, parts = by_part(spans, work, warm)
        return {
            "steps": len(steps),
            "step_ms": fmean(steps),
            "step_spread_ms": pstdev(steps),
            "phases": [asdict(part) for part in parts],
            "operators": operators(
                [
                    Call(
                        event.name,
                        event.time_range.start,
                        event.self_cpu_time_total / 1e3,
                        event.self_device_time_total / 1e3,
                    )
                    for event in events
                    if event.name not in labels
                ],
                counted(spans, warm),
            ),
        }


def counted(spans: Sequence[TimeSpan], warm: int) -> list[TimeSpan]:
    """Return the steps that count, first to last."""
    return sorted((s for s in spans if s.name == STEP), key=lambda s: s.start)[warm:]


def operators(calls: Sequence[Call], steps: Sequence[TimeSpan]) -> list[dict[str, Any]]:
    """Return the most expensive operators per step, without the time of those that they call."""
    starts = [step.start for step in steps]
    sums: dict[str, list[float]] = {}
    for call in calls:
        index = bisect_right(starts, call.start) - 1
        if index >= 0 and call.start <= steps[index].end:
            total = sums.setdefault(call.name, [0.0, 0.0, 0.0])
            for i, value in enumerate((1.0, call.milliseconds, call.device_milliseconds)):
                total[i] += value / len(steps)
    rows = [
        {"name": name, "calls": count, "ms": ms, "device_ms": device_ms}
        for name, (count, ms, device_ms) in sums.items()
    ]
    rows.sort(key=lambda row: (row["device_ms"], row["ms"]), reverse=True)
    return rows[:OPERATORS]


def by_part(
    spans: Sequence[TimeSpan], work: Sequence[DeviceWork], warm: int
) -> tuple[list[float], list[StepPart]]:
    """Return how long each step took, in milliseconds, and the mean cost of each of its parts.

    The GPU's work counts toward the part in which it was launched, from any thread: the backward
    pass has its own.
    """
    steps = counted(spans, warm)
    inside = {name: [0.0] * len(steps) for name in PHASES}
    device = dict.fromkeys(PHASES, 0.0)
    starts = [step.start for step in steps]
    parts = sorted((s for s in spans if s.name != STEP), key=lambda s: s.start)
    for part in parts:
        index = bisect_right(starts, part.start) - 1
        if index >= 0 and part.end <= steps[index].end:
            inside[part.name][index] += part.milliseconds
    part_starts = [part.start for part in parts]
    for piece in work:
        index = bisect_right(part_starts, piece.start) - 1
        in_a_step = bool(starts) and piece.start >= starts[0]
        if index >= 0 and piece.start <= parts[index].end and in_a_step:
            device[parts[index].name] += piece.milliseconds
    return [step.milliseconds for step in steps], [
        StepPart(
            name=name,
            ms=fmean(times),
            spread_ms=pstdev(times),
            device_ms=device[name] / len(steps),
        )
        for name, times in inside.items()
    ]
