"""Which checkpoint an attempt continues from: the newest valid one, after a divergence a good one.

Good is a checkpoint from before the divergence whose numbers are all finite. If the run had
continued from it already and diverged again without getting any further, it is the one before.
"""

from typing import TYPE_CHECKING

from cifar_core.disk import files
from cifar_core.runs.record import checkpoint_cleanup, checkpoints, metrics
from cifar_core.runs.record.checkpoints import MANIFEST, CheckpointInfo
from cifar_core.runs.record.divergences.decisions import Divergence, divergences, slower
from cifar_core.runs.record.records import AttemptStart
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.training.trainer import Trainer


def to_continue_from(run: Run) -> tuple[CheckpointInfo | None, list[str]]:
    """Return the checkpoint to continue from, and why newer ones are not used."""
    found = divergences(run.path)
    if not found:
        return checkpoints.newest_valid(run.path)
    last = found[-1].attempt
    saved_since, notes = checkpoints.newest_valid(
        run.path, lambda name: checkpoints.position_of(name)[1] > last
    )
    if saved_since:
        return saved_since, notes
    good, more = last_good(run, found)
    return good, notes + more


def last_good(run: Run, found: list[Divergence]) -> tuple[CheckpointInfo | None, list[str]]:
    """Return the last good checkpoint before the latest divergence, and why later ones are not."""
    latest, notes = found[-1], list[str]()
    start = metrics.attempt_folder(run.path, latest.attempt) / "start.json"
    tried = files.read(start, AttemptStart).checkpoint if len(found) > 1 else ""
    passed: set[str] = set()
    while True:
        there, more = checkpoints.newest_valid(
            run.path,
            lambda name: name not in passed and checkpoints.position_of(name)[0] < latest.step,
        )
        notes += more
        if there is None or (there.name != tried and is_finite(there)):
            return there, notes
        passed.add(there.name)
        again = there.name == tried
        what = "the run diverged from it again" if again else "not all of its numbers are finite"
        notes.append(f"Checkpoint {there.name} is not used: {what}.")


def is_finite(checkpoint: CheckpointInfo) -> bool:
    """Return True if all weights and all that is kept beside them are finite numbers."""

    def finite(tensors: "dict[str, Tensor]") -> bool:
        return all(bool(t.isfinite().all()) for t in tensors.values() if t.is_floating_point())

    return all(map(finite, checkpoints.load(checkpoint.path)))


def go_to(trainer: "Trainer", run: Run, checkpoint: CheckpointInfo | None) -> list[Divergence]:
    """Restore a checkpoint, if there is one; return the run's divergences, which lower its rate."""
    from cifar_core.training.snapshot import Snapshot

    if checkpoint:
        model, state = checkpoints.load(checkpoint.path)
        meta = checkpoint.manifest["meta"]
        trainer.restore(Snapshot(model=model, state=state, meta=meta))
    found = divergences(run.path)
    since = checkpoint.attempt if checkpoint else 0
    progress = trainer.progress
    progress.rate_share = slower(progress.rate_share, found, since=since)
    return found


def drop_superseded(run: Run, chosen: CheckpointInfo | None) -> None:
    """Delete the checkpoints that the chosen one precedes, which a divergence has superseded.

    They would count as newer than those that are still to come. What a person pinned stays, as
    weights without a state.
    """
    found = divergences(run.path)
    if not found or run.is_pinned:
        return
    for path in checkpoints.folders(run.path / "checkpoints"):
        step, attempt = checkpoints.position_of(path.name)
        if attempt > found[-1].attempt or (chosen and step <= chosen.step):
            continue
        if path.name in run.pinned_checkpoints:
            checkpoint_cleanup.keep_weights(path, files.read_json(path / MANIFEST))
        else:
            checkpoints.remove(path)
