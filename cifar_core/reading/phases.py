"""The phases of a run: fast descent, slow descent, plateau and the rest, tiling it without gaps."""

from cifar_core.reading.facts import CurveFacts
from cifar_core.reading.generalization import onset
from cifar_core.reading.guessing import dead_start
from cifar_core.reading.pace import BENT
from cifar_core.reading.spec import LOSS, EpochSpan, Phase
from cifar_core.reading.trouble import divergence

STATES = {  # trend of training, trend of validation -> phase
    (-1, -1): "descent",
    (-1, 0): "stall",
    (-1, 1): "overfitting",
    (0, -1): "descent",
    (0, 0): "plateau",
    (0, 1): "stall",
    (1, -1): "descent",
    (1, 0): "setback",
    (1, 1): "setback",
}
BRIEF = 3  # epochs under which a phase is part of the one before


def phases(facts: CurveFacts) -> tuple[Phase, ...]:
    """Cut a run into its phases; the first begins at 0, the last ends at the last report."""
    if not len(facts.curves.step):
        return ()
    if dead_start(facts):
        return tiles([(0.0, "chance")], facts.done)
    marks = [(0.0, "descent")]
    at, bend = facts.knee
    if bend >= BENT:
        marks = [(0.0, "fast_descent"), (at, "descent")]
    runaway = divergence(facts)
    for start, end, key in [] if runaway else by_trend(facts):
        start = max(start, marks[-1][0])
        if end - start >= 1 and key != marks[-1][1]:
            marks = [mark for mark in marks if mark[0] < start or mark[1] == "fast_descent"]
            marks.append((start, key))
    if runaway:
        marks = [mark for mark in marks if mark[0] < runaway.span.start]
        marks.append((runaway.span.start, "divergence"))
    return tiles(marks or [(0.0, "descent")], facts.done)


def by_trend(facts: CurveFacts) -> list[tuple[float, float, str]]:
    """Name the stretches of equal trends, with the epochs at which they begin and end."""
    if facts.count < 5:
        return []
    keys = [
        STATES[int(train), int(val)]
        for train, val in zip(facts.train_trend, facts.val_trend, strict=True)
    ]
    low = onset(facts)
    for i in range(len(keys)):
        if low is not None and i > low:
            keys[i] = "overfitting"
        elif keys[i] == "overfitting":
            keys[i] = "stall"  # said only with its own evidence
    starts = [0.0, *facts.curves.epoch[:-1]]
    runs: list[tuple[float, str, int]] = []
    for start, key in zip(starts, keys, strict=True):
        if runs and runs[-1][1] == key:
            runs[-1] = (runs[-1][0], key, runs[-1][2] + 1)
        else:
            runs.append((float(start), key, 1))
    return [(start, start + length, key) for start, key, length in runs if length >= BRIEF]


def tiles(marks: list[tuple[float, str]], end: float) -> tuple[Phase, ...]:
    """Let each phase end where the next begins, and leave out those that are empty."""
    ends = [start for start, _ in marks[1:]] + [end]
    return tuple(
        Phase(key=key, span=EpochSpan(start=start, end=stop, panel=LOSS))
        for (start, key), stop in zip(marks, ends, strict=True)
        if stop > start
    )
