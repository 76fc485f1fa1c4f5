"""Places in a queue: which order a person may bring about, and the fewest runs to move for it.

A run's place follows from a number, its position: the lowest starts first. An order is changed by
giving new numbers to some runs, between those of the others, so that every run is moved on its own
and the queue is in some order at any moment.
"""

import itertools
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Mapping, Sequence


def permitted(now: Sequence[str], wanted: Sequence[str], own: Collection[str]) -> list[str]:
    """Return the order nearest to the wanted one in which no run of others gets a later place.

    Both orders have the same runs, and those that are not `own` in the same order.
    """
    latest = {run: place for place, run in enumerate(now)}
    others = deque(run for run in wanted if run not in own)
    rest = deque(wanted)
    order: list[str] = []
    placed: set[str] = set()
    for place in range(len(now)):
        while rest and rest[0] in placed:
            rest.popleft()
        run = others[0] if others and latest[others[0]] == place else rest[0]
        if others and run == others[0]:
            others.popleft()
        placed.add(run)
        order.append(run)
    return order


def moves(
    order: Sequence[str], positions: Mapping[str, float], *, moved: str = "", at: float
) -> dict[str, float]:
    """Return new positions for the fewest runs, so that all are in this order; first to last.

    `positions` are those of now, whose runs are in their present order. If moving the run `moved`
    is enough, only that is moved. `at`, unix seconds, is the position of a run that is queued now:
    where there is room, runs are put before it.
    """
    now = list(positions)
    if list(order) == now:
        return {}
    others = [run for run in order if run != moved]
    alone = moved and others == [run for run in now if run != moved]
    kept = set(others if alone else longest_rising(order, now))
    return between_kept(order, positions, kept, at)


def longest_rising(order: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the longest part of an order whose runs are already in this order."""
    place = {run: index for index, run in enumerate(now)}
    ends: list[int] = []  # by length, the earliest end of a part that long
    last: list[str] = []
    before: dict[str, str] = {}
    for run in order:
        length = bisect_left(ends, place[run])
        before[run] = last[length - 1] if length else ""
        ends[length : length + 1] = [place[run]]
        last[length : length + 1] = [run]
    part = [last[-1]] if last else []
    while part and before[part[-1]]:
        part.append(before[part[-1]])
    return part[::-1]


def between_kept(
    order: Sequence[str], positions: Mapping[str, float], kept: Collection[str], at: float
) -> dict[str, float]:
    """Return positions for the runs that are not kept, between those that are.

    Where no numbers are left between two kept runs, the earlier one moves too: there is always
    room in front.
    """
    new: dict[str, float] = {}
    to_place: list[str] = []  # last first
    high = math.inf
    for run in [*reversed(order), ""]:
        low = positions[run] if run else -math.inf
        room = numbers_between(low, high, len(to_place), at) if run in kept or not run else None
        if room is None:
            to_place.append(run)
            continue
        new.update(zip(reversed(to_place), room, strict=True))
        to_place, high = [], low
    return {run: new[run] for run in order if run in new}


def numbers_between(low: float, high: float, count: int, at: float) -> list[float] | None:
    """Return rising numbers between two others; None if the gap is too small for as many."""
    if not count:
        return []
    top = min(high, at) if low < at else high
    if math.isinf(low):
        return [top - count + index for index in range(count)]
    if math.isinf(top):
        return [low + 1 + index for index in range(count)]
    found = [low + (top - low) * (index + 1) / (count + 1) for index in range(count)]
    ends = [low, *found, high]
    return found if all(a < b for a, b in itertools.pairwise(ends)) else None
