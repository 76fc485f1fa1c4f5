"""How many images an attempt computes at once; half as many after memory was too small.

The batch stays what it was: it is cut into more pieces, whose gradients are added up
(`training/pieces.py`). What was decided stands in the end.json of the attempt that failed.
"""

from typing import Any

from cifar_core.disk import files
from cifar_core.runs.record import metrics
from cifar_core.runs.record.failures import FEWEST_AT_ONCE
from cifar_core.runs.record.records import AttemptEnd
from cifar_core.runs.record.run import Run

MOST_HALVINGS = 3


def chosen(run: Run) -> int:
    """Return how many images at once the run's next attempt computes; 0 if its settings say."""
    return next(iter(decisions(run)), 0)


def next_try(run: Run, attempt: int) -> int:
    """Return how many images at once to try after an attempt that lacked memory; 0 for none.

    Only in the first epoch: what has worked for an epoch and then lacks memory has another cause,
    such as a program that takes it away.
    """
    if run.summary.epochs_done or len(decisions(run)) >= MOST_HALVINGS:
        return 0
    half = at_once(applied(run, attempt)) // 2
    return half if half >= FEWEST_AT_ONCE else 0


def applied(run: Run, attempt: int) -> dict[str, Any]:
    """Return the settings that an attempt trains with: the run's, in pieces that fit."""
    chosen_then = metrics.attempt_plan(run.path, attempt).micro_batch
    return {**run.settings, **({"micro_batch": chosen_then} if chosen_then else {})}


def at_once(settings: dict[str, Any]) -> int:
    """Return how many images are computed at once with these settings."""
    batch: int = settings.get("batch_size", 0)
    return min(settings.get("micro_batch") or batch, batch)


def decisions(run: Run) -> list[int]:
    """Return the sizes that were decided on, the last one first."""
    folders = [metrics.attempt_folder(run.path, n) for n in metrics.attempt_numbers(run.path)]
    ends = [files.read(folder / "end.json", AttemptEnd) for folder in reversed(folders)]
    return [end.micro_batch for end in ends if end.micro_batch]
