"""The weights that a run has before its first step: published ones, those of another run, or none.

A run that continues another one begins from a checkpoint instead, as after an interruption.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.runs.family import start_from
from cifar_core.runs.family.inheritance import begun
from cifar_core.runs.family.kept import kept
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.family.ancestors import CONTINUES, WEIGHTS
from cifar_core.runs.record.records import UsedWeights
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.config import TrainConfig
    from cifar_core.training.snapshot import Snapshot

MOST_NAMED = 12  # tensors in a line of the log


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where a run starts: at most one of the two kinds of weights, and a record of them."""

    pretrained: "Mapping[str, Tensor] | None" = None  # published; all but the last layer's
    begun: "Mapping[str, Tensor] | None" = None  # of another run; those that fit
    record: UsedWeights | None = None
    log: tuple[str, ...] = ()  # sentences


def beginning_of(run: Run, config: "TrainConfig", classes: Sequence[str]) -> Beginning:
    """Load what a run starts from; its settings have the decided image size.

    WeightsError, CheckpointError or RunError if that is missing, damaged or of another network.
    """
    start = run.about.start
    if start and start.how == WEIGHTS:
        tensors, record, fit = start_from.load(run, config, classes)
        lines = [f"{fit.sentence} The sha256 of the file begins with {record.sha256[:16]}."]
        if fit.left:
            lines.append(f"As initialized: {listed([f'{name} ({why})' for name, why in fit.left])}")
        if fit.unused:
            lines.append(f"Not used of the checkpoint: {listed(fit.unused)}")
        return Beginning(begun=tensors, record=record, log=tuple(lines))
    published, used = pretrained.load(run.config, run.store_root)
    if used is None:
        return Beginning()
    line = f"Starting from {used.path} (sha256 {used.sha256[:16]}...)."
    return Beginning(pretrained=published, record=used, log=(line,))


def first_step(run: Run) -> int:
    """Return the step from which a run trains: 0, unless it trains another one on."""
    start = run.about.start
    if start is None or start.how != CONTINUES:
        return 0
    return kept(run, start)[1].step


def snapshot_of(run: Run) -> "Snapshot | None":
    """Return the state from which a run trains another one on; None for all other runs."""
    from cifar_core.training.snapshot import Snapshot

    start = run.about.start
    if start is None or start.how != CONTINUES:
        return None
    _, info = kept(run, start)
    manifest = begun(checkpoints.verify(info.path))
    model, state = checkpoints.load(info.path)
    return Snapshot(model=model, state=state, meta=manifest["meta"])


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words, the rest counted."""
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {more:,} more." if more > 0 else f"{shown}."
