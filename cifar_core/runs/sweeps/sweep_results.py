"""Results of a parameter grid: each setting over its seeds, and the differences between them.

Validation accuracy decides; test accuracy is included to be shown, never to choose by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.disk import tables
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.statistics.over_seeds import Paired, Spread, holm, paired, spread, verdict

RESULTS = (
    *("seed", "state", "best_val_accuracy", "best_epoch", "test_accuracy", "epochs_done"),
    *("seconds", "best_val_balanced_accuracy", "best_val_macro_f1"),
    *("test_balanced_accuracy", "test_macro_f1"),
)  # columns of a sweep's CSV after the settings that vary


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One cell of a sweep and its runs."""

    place: int  # in the sweep's list of cells
    title: str
    changes: dict[str, Any]
    rows: list[RunRow]
    removed: bool = False  # no longer part of the sweep

    @property
    def finished(self) -> list[RunRow]:
        """Its finished runs."""
        return [row for row in self.rows if row.state == "finished" and row.best_val_accuracy]

    @property
    def by_seed(self) -> dict[int, float]:
        """The best validation accuracy, 0 to 1, of each seed that has finished."""
        return {row.seed: row.best_val_accuracy or 0.0 for row in self.finished}

    @property
    def val(self) -> Spread | None:
        """Mean and spread of the validation accuracy; None before the first finished run."""
        values = list(self.by_seed.values())
        return spread(values) if values else None

    @property
    def balanced(self) -> Spread | None:
        """Mean and spread of the balanced accuracy in validation; None if it was not measured."""
        values = [
            row.best_balanced_accuracy
            for row in self.finished
            if row.best_balanced_accuracy is not None
        ]
        return spread(values) if values else None

    @property
    def test(self) -> Spread | None:
        """Mean and spread of the test accuracy; not to choose by."""
        values = [row.test_accuracy for row in self.finished if row.test_accuracy is not None]
        return spread(values) if values else None

    @property
    def seconds(self) -> float | None:
        """Mean time of a run, without computing features, which are kept for later runs."""
        spent = [row.seconds - row.features_seconds for row in self.finished]
        return spread(spent).mean if spent else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A setting compared with the baseline."""

    place: int  # as above; these names are also those of the terminal's JSON
    found: Paired | None
    corrected: float  # p-value, corrected after Holm for all comparisons of the sweep
    verdict: str


def results(sweep: Sweep, rows: Sequence[RunRow], *, removed: bool = False) -> list[CellResult]:
    """Return the cells in their planned order, each with its runs; with `removed`, those too.

    Runs of seeds that were left out before they began are not among them.
    """
    by_cell: dict[int, list[RunRow]] = {}
    for row in rows:
        if row.seed in sweep.seeds or row.attempt:
            by_cell.setdefault(row.cell, []).append(row)
    return [
        CellResult(
            place=place,
            title=cell.title,
            changes=cell.changes,
            rows=sorted(by_cell.get(place, []), key=lambda row: row.seed),
            removed=cell.removed,
        )
        for place, cell in enumerate(sweep.cells)
        if removed or not cell.removed
    ]


def best_of(cells: Sequence[CellResult]) -> CellResult | None:
    """Return the setting with the highest mean validation accuracy, if any run has finished.

    Only settings with the most finished seeds count, so that one lucky run does not win.
    """
    done = [cell for cell in cells if cell.val]
    most = max((len(cell.by_seed) for cell in done), default=0)
    full = [cell for cell in done if len(cell.by_seed) == most]
    return max(full, key=lambda cell: cell.val.mean if cell.val else 0.0, default=None)


def compared(cells: Sequence[CellResult], baseline: CellResult) -> list[Comparison]:
    """Compare every other setting that has a result with the baseline, paired by seed."""
    others = [cell for cell in cells if cell.place != baseline.place and cell.val]
    pairs = [paired(cell.by_seed, baseline.by_seed) for cell in others]
    corrected = iter(holm([pair.p_value for pair in pairs if pair and pair.interval]))
    comparisons = []
    for cell, pair in zip(others, pairs, strict=True):
        p = next(corrected) if pair and pair.interval else 1.0
        words = verdict(cell.title, baseline.title, pair, corrected=p)
        comparisons.append(Comparison(place=cell.place, found=pair, corrected=p, verdict=words))
    return comparisons


def conclusion(cells: Sequence[CellResult]) -> str:
    """Summarize in a sentence or two what the sweep shows so far."""
    best = best_of(cells)
    if best is None or best.val is None:
        return "No run has finished yet."
    spread_words = "" if best.val.deviation is None else f" ± {100 * best.val.deviation:.2f}"
    words = (
        f"{best.title} has the highest mean validation accuracy, {100 * best.val.mean:.2f}"
        f"{spread_words} % over {counted(best.val.count)}."
    )
    comparisons = compared(cells, best)
    if not comparisons:
        return words
    unclear = [c for c in comparisons if c.found is None or c.corrected >= 0.05]
    if not unclear:
        return f"{words} It is better than every other setting by more than chance would explain."
    titles = {cell.place: cell.title for cell in cells}
    named = [titles[c.place] for c in unclear]
    listed = (
        " or ".join(named) if len(named) <= 3 else f"{len(named)} of the {len(comparisons)} others"
    )
    return f"{words} These seeds do not distinguish it from {listed}."


def counted(seeds: int) -> str:
    """Write a number of seeds."""
    return f"{seeds} seed" + ("" if seeds == 1 else "s")


def seconds_to(row: RunRow, accuracy: float) -> float | None:
    """Return when a run first reached a validation accuracy, to the epoch; None if it never did."""
    for epoch, value in enumerate(row.history, 1):
        if value >= accuracy:
            return epoch * epoch_seconds(row)
    return None


def accuracy_at(row: RunRow, seconds: float) -> float | None:
    """Return a run's best validation accuracy after a time; None before the first epoch."""
    epoch = epoch_seconds(row)
    epochs = len(row.history) if epoch == 0 else int(seconds / epoch + 1e-6)
    return max(row.history[:epochs], default=None)


def epoch_seconds(row: RunRow) -> float:
    """Return the mean time of an epoch of a run."""
    return max(0.0, row.seconds - row.features_seconds) / max(1, row.epochs_done)


def equal_time(cells: Sequence[CellResult]) -> tuple[float, dict[int, float]] | None:
    """Return the time of the fastest setting, and each setting's accuracy after that time."""
    times = [cell.seconds for cell in cells if cell.seconds]
    if not times:
        return None
    reached: dict[int, float] = {}
    for cell in cells:
        values = [accuracy_at(row, min(times)) for row in cell.finished]
        if accuracies := [value for value in values if value is not None]:
            reached[cell.place] = spread(accuracies).mean
    return min(times), reached


def as_csv(sweep: Sweep, cells: Sequence[CellResult]) -> str:
    """Write one row for each run: its settings that vary, its seed and its results."""
    lines = [
        {
            "run": row.number,
            **{name: cell.changes.get(name) for name in sweep.varied},
            "seed": row.seed,
            "state": row.state,
            "best_val_accuracy": row.best_val_accuracy,
            "best_epoch": row.best_epoch,
            "test_accuracy": row.test_accuracy,
            "epochs_done": row.epochs_done,
            "seconds": f"{row.seconds:.1f}",
            "best_val_balanced_accuracy": row.best_balanced_accuracy,
            "best_val_macro_f1": row.best_macro_f1,
            "test_balanced_accuracy": row.test_balanced_accuracy,
            "test_macro_f1": row.test_macro_f1,
        }
        for cell in cells
        for row in cell.rows
    ]
    return tables.as_csv(lines, ["run", *sweep.varied, *RESULTS])


def counts(rows: Sequence[RunRow]) -> Mapping[str, int]:
    """Count the runs in each state."""
    states = [row.state for row in rows]
    return {state: states.count(state) for state in dict.fromkeys(states)}
