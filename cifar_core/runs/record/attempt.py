"""One process's share of a run, from what the executor, the trainer and the shim wrote."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk import files
from cifar_core.runs.record import metrics


@dataclass(frozen=True, kw_only=True)
class Attempt:
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
    made, start = files.read_json(path / "attempt.json"), files.read_json(path / "start.json")
    shim = files.read_json(path / "shim.json").get("ended") or {}
    end = files.read_json(path / "end.json")
    return Attempt(
        number=number,
        device=made.get("device", ""),
        started_at=made.get("at", 0.0),
        ended_at=end.get("at") or shim.get("at"),
        from_checkpoint=start.get("checkpoint", ""),
        from_step=start.get("step", 0),
        note=start.get("note", ""),
        ended=end.get("message", ""),
    )
