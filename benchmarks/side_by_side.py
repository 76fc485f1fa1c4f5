"""Measures several ways in turn, each in a process of its own, so that a busy moment hits all.

A child calls `serve` with an iterator that yields how many images each step has passed; the
parent calls `compare`. The children wait while it is not their turn.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Lap:
    """One turn of one child."""

    images: int
    cpu_seconds: float  # of the whole process, over all its threads
    seconds: float  # by the clock

    @property
    def per_cpu_second(self) -> float:
        """Images per CPU second."""
        return self.images / self.cpu_seconds


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the ways: `python -m MODULE ARGUMENTS` with these environment variables."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


def serve(steps: Iterator[int]) -> None:
    """Take turns: read for how many seconds to go on, answer with a Lap; end with the input."""
    for line in sys.stdin:
        limit, images = float(line), 0
        cpu, wall = time.process_time(), time.perf_counter()
        while time.process_time() - cpu < limit:
            images += next(steps)
        lap = {
            "images": images,
            "cpu_seconds": time.process_time() - cpu,
            "seconds": time.perf_counter() - wall,
        }
        print(json.dumps(lap), flush=True)


def compare(
    sides: Mapping[str, Side], *, rounds: int = 5, cpu_seconds: float = 4.0
) -> dict[str, list[Lap]]:
    """Give every side one turn to warm up and then `rounds` turns; return these laps."""
    children = {name: start(side) for name, side in sides.items()}
    laps: dict[str, list[Lap]] = {name: [] for name in sides}
    try:
        for number in range(rounds + 1):
            for name, child in children.items():
                lap = turn(child, cpu_seconds if number else cpu_seconds / 2)
                if number:
                    laps[name].append(lap)
    finally:
        for child in children.values():
            child.kill()
            child.wait()
    return laps


def start(side: Side) -> "subprocess.Popen[str]":
    """Start the process of a side."""
    return subprocess.Popen(
        [sys.executable, "-m", side.module, *side.arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(side.environment),
        cwd=ROOT,
    )


def turn(child: "subprocess.Popen[str]", cpu_seconds: float) -> Lap:
    """Let a child go on for so many CPU seconds."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{cpu_seconds}\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise SystemExit(f"A measured process ended with status {child.wait()}; see above.")
    return Lap(**json.loads(line))


def median_rate(laps: Sequence[Lap]) -> float:
    """Return the median of images per CPU second."""
    return statistics.median(lap.per_cpu_second for lap in laps)


def median_ratio(fast: Sequence[Lap], slow: Sequence[Lap]) -> float:
    """Return the median over the rounds of how many times as many images per CPU second."""
    pairs = zip(fast, slow, strict=True)
    return statistics.median(a.per_cpu_second / b.per_cpu_second for a, b in pairs)
