"""The reading of a run's curves, from its folder."""

from typing import TYPE_CHECKING

from cifar_core.reading import Reading, Situation, read
from cifar_core.reading.curves import Curves, curves
from cifar_core.reading.machine.samples import placed
from cifar_core.runs.record.divergences.decisions import divergences
from cifar_core.runs.record.imported.refusals import refuse_curves
from cifar_core.runs.record.machine.history import MachineHistory
from cifar_core.runs.record.status import RunStatus
from cifar_core.weights.catalogue import WEIGHTS

if TYPE_CHECKING:
    from cifar_core.runs.record.run import Run


def reading_of(
    run: "Run", measured: Curves | None = None, *, with_machine: bool = False
) -> Reading:
    """Return the findings from a run's curves, read from its folder unless they are passed."""
    refuse_curves(run.id, run.kind, "what they show is not judged: its settings are not known")
    measured = measured if measured is not None else curves(run.metrics())
    history = MachineHistory(run.path)
    machine = placed(history.poll(), measured, history.starts) if with_machine else None
    return read(measured, situation_of(run), machine)


def situation_of(run: "Run", status: RunStatus | None = None) -> Situation:
    """Gather what a reading needs to know about a run besides its curves."""
    status, data, settings = status or run.status, run.environment.data, run.settings
    return Situation(
        settings=settings,
        classes=len(data.classes) or 10,
        val_images=data.val_images,
        state=status.state,
        reason=status.reason,
        train_counts=tuple(data.train_counts),
        val_counts=tuple(data.val_counts),
        dropout=run.environment.dropout,
        device=run.environment.device,
        threads=run.environment.threads or 0,
        pretrained=WEIGHTS.claims(settings.get("model")),  # known without torch
        end=run.summary.end,
        divergences=tuple(
            one.step for one in (divergences(run.path) if settings.get("retries_diverged") else ())
        ),
    )
