"""What the runs of a store say about each network: how long it took, and how good it became."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cifar_core.proposals.cost import Cost, Measured
from cifar_core.runs.listing.clusters import on_one_device_here
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store.run_row import RunRow, own

NEWEST = 3  # runs of each network that are measured by
ALIKE = 0.1  # relative difference in images up to which a measured time counts for them


@dataclass(frozen=True, kw_only=True)
class History:
    """The runs of a store, as far as they help to choose a network."""

    best: dict[str, float] = field(default_factory=dict)  # network -> accuracy on these images
    costs: dict[str, Cost] = field(default_factory=dict)  # network -> measured on these images
    measured: list[Measured] = field(default_factory=list)  # on any images
    lately: list[str] = field(default_factory=list)  # networks, the newest first


def trainings(rows: Iterable[RunRow]) -> list[RunRow]:
    """Return the runs that a history is made of."""
    return [row for row in own(rows) if row.kind == TRAINING]


def history_of(rows: Sequence[RunRow], source: str, images: int, *, gpu: bool) -> History:
    """Return what trainings, newest first, say about networks for a source with `images` images."""
    same = [row for row in rows if row.settings.get("data") == source]
    best: dict[str, float] = {}
    for row in same:
        if row.best_val_accuracy is not None:
            best[row.model] = max(row.best_val_accuracy, best.get(row.model, 0.0))
    costs: dict[str, Cost] = {}
    measured = []
    for row in newest(rows):
        if not was_trained_here(row, gpu=gpu) or not on_one_device_here(row):
            continue
        if row.teachers:
            continue  # its time is also that of its teachers
        trained, cost = row.train_images, cost_of(row)
        if not cost.once and trained:
            measured.append(Measured(
                network=row.model, images=trained, seconds=cost.seconds, side=row.side,
                resolution=row.settings.get("resolution", 0),
            ))  # fmt: skip
        if row.settings.get("data") == source and abs(trained - images) <= ALIKE * images:
            costs.setdefault(row.model, cost)
    lately = list(dict.fromkeys(row.model for row in rows))
    return History(best=best, costs=costs, measured=measured, lately=lately)


def was_trained_here(row: RunRow, *, gpu: bool) -> bool:
    """Whether a run was trained on this machine's GPU, or else on its CPU."""
    return bool(row.trained_on) and not row.imported and row.trained_on.startswith("cpu") != gpu


def newest(rows: Iterable[RunRow]) -> list[RunRow]:
    """Return the newest runs of each network that have trained at least an epoch."""
    seen: dict[str, int] = {}
    chosen = []
    for row in rows:  # newest first
        if row.epochs_done and row.seconds:
            seen[row.model] = seen.get(row.model, 0) + 1
            if seen[row.model] <= NEWEST:
                chosen.append(row)
    return chosen


def cost_of(row: RunRow) -> Cost:
    """Return what an epoch took, or the features of a frozen network for one view of each image."""
    if row.features_seconds:
        views = max(1, int(row.settings.get("cached_views", 1)))
        return Cost(seconds=row.features_seconds / views, measured=True, once=True)
    return Cost(seconds=row.seconds / row.epochs_done, measured=True)
