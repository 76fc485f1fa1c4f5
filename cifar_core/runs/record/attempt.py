"""One process's share of a run, from what the executor, the trainer and the shim wrote."""

from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.runs.record import metrics
from cifar_core.runs.record.records import AttemptEnd, AttemptPlan, AttemptStart, ShimRecord


class Attempt(Struct, frozen=True, kw_only=True):
    """One process's share of a run."""

    number: int
    device: str
    started_at: float  # unix seconds
    ended_at: float | None  # None while it lives, or if nobody could write it down
    from_checkpoint: str  # empty: from the beginning
    from_step: int
    note: str  # such as that a damaged checkpoint was passed over
    ended: str  # how it ended, one sentence; empty while it lives


def attempt_of(folder: Path, number: int) -> Attempt:
    """Put together what the executor, the trainer and the shim wrote about an attempt."""
    path = metrics.attempt_folder(folder, number)
    plan = files.read(path / "attempt.json", AttemptPlan)
    start = files.read(path / "start.json", AttemptStart)
    shim = files.read(path / "shim.json", ShimRecord)
    end = files.read(path / "end.json", AttemptEnd)
    return Attempt(
        number=number,
        device=plan.device,
        started_at=plan.at,
        ended_at=end.at or (shim.ended and shim.ended.at) or None,
        from_checkpoint=start.checkpoint,
        from_step=start.step,
        note=start.note,
        ended=end.message,
    )
