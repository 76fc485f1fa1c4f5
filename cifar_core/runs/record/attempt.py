"""One attempt, put together from the files of the executor, the trainer and the shim."""

from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.runs.record import metrics
from cifar_core.runs.record.records import AttemptEnd, AttemptPlan, AttemptStart, ShimRecord


class Attempt(Struct, frozen=True, kw_only=True):
    """The part of a run that one process did."""

    number: int
    device: str  # several with commas; of a cluster its title
    started_at: float  # unix seconds
    ended_at: float | None  # None while it is live, or if its end could not be recorded
    begun: bool  # whether start.json says where it started; False before that, or if it is lost
    from_checkpoint: str  # empty if it started from the beginning
    from_step: int
    note: str  # such as that a damaged checkpoint was skipped
    ended: str  # how it ended, in one sentence; empty while it is live


def attempt_of(folder: Path, number: int) -> Attempt:
    """Return an attempt from the files that the executor, the trainer and the shim wrote."""
    path = metrics.attempt_folder(folder, number)
    plan = files.read(path / "attempt.json", AttemptPlan)
    begun = files.read_if_there(path / "start.json", AttemptStart)
    start = begun or AttemptStart()
    shim = files.read(path / "shim.json", ShimRecord)
    end = files.read(path / "end.json", AttemptEnd)
    return Attempt(
        number=number,
        device=", ".join(plan.slots or plan.devices) or plan.device or plan.place.title(),
        started_at=plan.at,
        ended_at=end.at or (shim.ended and shim.ended.at) or None,
        begun=begun is not None,
        from_checkpoint=start.checkpoint,
        from_step=start.step,
        note=start.note,
        ended=end.message,
    )
