"""What came out of a sweep: each setting's results over its seeds, and what they differ by.

Validation accuracy decides; test accuracy is carried along to be shown, never to choose by.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.statistics.over_seeds import Paired, Spread, holm, paired, spread, verdict


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One setting of a sweep and the runs that were made with it."""

    place: int  # in the sweep's list of cells
    title: str
    changes: dict[str, Any]
    rows: list[RunRow]

    @property
    def finished(self) -> list[RunRow]:
        """Its runs that trained to their end."""
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
    def test(self) -> Spread | None:
        """Mean and spread of the test accuracy; not to choose by."""
        values = [row.test_accuracy for row in self.finished if row.test_accuracy is not None]
        return spread(values) if values else None

    @property
    def seconds(self) -> float | None:
        """Mean time of a run, features left out as they are kept for later runs."""
        spent = [row.seconds - row.features_seconds for row in self.finished]
        return spread(spent).mean if spent else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A setting against the baseline."""

    place: int
    found: Paired | None
    corrected: float  # p-value after Holm's correction for all comparisons of the sweep
    verdict: str


def results(sweep: Sweep, rows: Sequence[RunRow]) -> list[CellResult]:
    """Gather the runs of each cell, in the order in which the sweep was planned."""
    by_cell: dict[int, list[RunRow]] = {}
    for row in rows:
        by_cell.setdefault(row.cell, []).append(row)
    return [
        CellResult(
            place=place,
            title=cell.title,
            changes=cell.changes,
            rows=sorted(by_cell.get(place, []), key=lambda row: row.seed),
        )
        for place, cell in enumerate(sweep.cells)
    ]


def best_of(found: Sequence[CellResult]) -> CellResult | None:
    """Return the setting with the highest mean validation accuracy, if any run has finished.

    Settings with the most finished seeds go before others: one lucky run does not win.
    """
    done = [cell for cell in found if cell.val]
    most = max((len(cell.by_seed) for cell in done), default=0)
    full = [cell for cell in done if len(cell.by_seed) == most]
    return max(full, key=lambda cell: cell.val.mean if cell.val else 0.0, default=None)


def compared(found: Sequence[CellResult], baseline: CellResult) -> list[Comparison]:
    """Compare every other setting that has a result with the baseline, paired by seed."""
    others = [cell for cell in found if cell.place != baseline.place and cell.val]
    pairs = [paired(cell.by_seed, baseline.by_seed) for cell in others]
    corrected = iter(holm([pair.p_value for pair in pairs if pair and pair.interval]))
    told = []
    for cell, pair in zip(others, pairs, strict=True):
        p = next(corrected) if pair and pair.interval else 1.0
        words = verdict(cell.title, baseline.title, pair, corrected=p)
        told.append(Comparison(place=cell.place, found=pair, corrected=p, verdict=words))
    return told


def conclusion(found: Sequence[CellResult]) -> str:
    """Say in a sentence or two what the sweep shows so far."""
    best = best_of(found)
    if best is None or best.val is None:
        return "No run has finished yet."
    spread_words = "" if best.val.deviation is None else f" ± {100 * best.val.deviation:.2f}"
    words = (
        f"{best.title} has the highest mean validation accuracy, {100 * best.val.mean:.2f}"
        f"{spread_words} % over {counted(best.val.count)}."
    )
    comparisons = compared(found, best)
    if not comparisons:
        return words
    open_ = [c for c in comparisons if c.found is None or c.corrected >= 0.05]
    if not open_:
        return f"{words} It is better than every other setting by more than chance explains."
    titles = {cell.place: cell.title for cell in found}
    named = [titles[c.place] for c in open_]
    listed = (
        ", nor from ".join(named)
        if len(named) <= 3
        else f"{len(named)} of the {len(comparisons)} others"
    )
    return f"{words} These seeds cannot tell it from {listed}."


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
    """Return the best validation accuracy that a run had after so long; None before an epoch."""
    each = epoch_seconds(row)
    epochs = len(row.history) if each == 0 else int(seconds / each + 1e-6)
    return max(row.history[:epochs], default=None)


def epoch_seconds(row: RunRow) -> float:
    """Return the mean time of an epoch of a run."""
    return max(0.0, row.seconds - row.features_seconds) / max(1, row.epochs_done)


def equal_time(found: Sequence[CellResult]) -> tuple[float, dict[int, float]] | None:
    """Return the time of the fastest setting's runs, and what each setting had reached by then."""
    times = [cell.seconds for cell in found if cell.seconds]
    if not times:
        return None
    reached: dict[int, float] = {}
    for cell in found:
        values = [accuracy_at(row, min(times)) for row in cell.finished]
        if known := [value for value in values if value is not None]:
            reached[cell.place] = spread(known).mean
    return min(times), reached


def as_csv(sweep: Sweep, found: Sequence[CellResult]) -> str:
    """Write one line for each run: its settings that vary, its seed and its results."""
    out = io.StringIO()
    names = sweep.varied
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["run", *names, "seed", "state", "best_val_accuracy", "best_epoch", "test_accuracy",
         "epochs_done", "seconds"]
    )  # fmt: skip
    for cell in found:
        for row in cell.rows:
            writer.writerow(
                [row.number, *(cell.changes.get(name, "") for name in names), row.seed, row.state,
                 *map(known, (row.best_val_accuracy, row.best_epoch, row.test_accuracy)),
                 row.epochs_done, f"{row.seconds:.1f}"]
            )  # fmt: skip
    return out.getvalue()


def known(value: float | None) -> float | str:
    """Return the value, or nothing where there is none."""
    return "" if value is None else value


def counts(rows: Sequence[RunRow]) -> Mapping[str, int]:
    """Count the runs in each state."""
    states = [row.state for row in rows]
    return {state: states.count(state) for state in dict.fromkeys(states)}
