"""How many images an attempt computes at once; half as many after memory was too small.

The batch stays the same: it is cut into more pieces, whose gradients are added up
(`training/pieces.py`). Each decision is kept in the end.json of the attempt that failed.
"""

from typing import Any

from cifar_core.disk import files
from cifar_core.runs.engine.several import images_of_one
from cifar_core.runs.record import metrics
from cifar_core.runs.record.failures import FEWEST_AT_ONCE
from cifar_core.runs.record.records import AttemptEnd
from cifar_core.runs.record.run import Run

MOST_HALVINGS = 3


def chosen(run: Run) -> int:
    """Return how many images at once the run's next attempt computes; 0 to follow its settings."""
    return next(iter(decisions(run)), 0)


def next_try(run: Run, attempt: int) -> int:
    """Return how many images at once to try after an attempt that lacked memory; 0 for none.

    Only in the first epoch: a run that worked for an epoch and then lacks memory has another cause,
    such as a program that took the memory.
    """
    if run.summary.epochs_done or len(decisions(run)) >= MOST_HALVINGS:
        return 0
    half = at_once(applied(run, attempt)) // 2
    return half if half >= FEWEST_AT_ONCE else 0


def applied(run: Run, attempt: int) -> dict[str, Any]:
    """Return the settings of an attempt: the run's, with the batch in pieces that fit."""
    micro_batch = metrics.attempt_plan(run.path, attempt).micro_batch
    return {**run.settings, **({"micro_batch": micro_batch} if micro_batch else {})}


def at_once(settings: dict[str, Any]) -> int:
    """Return how many images a device computes at once with these settings."""
    part = images_of_one(settings)
    return min(settings.get("micro_batch") or part, part)


def decisions(run: Run) -> list[int]:
    """Return the sizes that were chosen after failures, the latest one first."""
    folders = [metrics.attempt_folder(run.path, n) for n in metrics.attempt_numbers(run.path)]
    ends = [files.read(folder / "end.json", AttemptEnd) for folder in reversed(folders)]
    return [end.micro_batch for end in ends if end.micro_batch]
