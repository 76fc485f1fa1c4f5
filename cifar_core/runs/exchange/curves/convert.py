"""Turns a run of another tool into rows as our own runs have them, and into their summary."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.runs.exchange.curves.found import Found, FoundRun
from cifar_core.runs.exchange.curves.gather import Points
from cifar_core.runs.exchange.curves.mapping import Choices
from cifar_core.runs.exchange.curves.targets import EPOCH, LEFT_OUT, OTHER, STEP, TARGETS
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.imported.curves_record import CurveRecord, CurvesRecord
from cifar_core.runs.record.metrics import Row
from cifar_core.runs.record.summary import thinned

Values = NDArray[np.float64]
AXES = (EPOCH, STEP, LEFT_OUT)
COUNTED = "The file has no column for the step or the epoch: its rows are counted."
FROM_ZERO = "The file counts epochs from 0; here the first complete one is 1."
ONLY_EPOCHS = "The file gives epochs, not steps; with the steps of an epoch it would have both."


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A run of another tool in our form."""

    run: FoundRun
    rows: list[Row]
    summary: Summary
    record: CurvesRecord
    began: float  # unix seconds; 0 if unknown
    ended: float


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the points of a run are, from the numbers that its file gives them."""

    axis: str  # what these numbers count: step, epoch or row
    steps: Points  # [N, 3] of the curve that says the step; none if there is none
    epochs: Points
    per_epoch: float  # steps; 0 if unknown
    from_zero: bool = False  # whether the first complete epoch is called 0

    @property
    def has_steps(self) -> bool:
        """Whether steps of the optimizer are known."""
        return self.axis == "step" or self.per_epoch > 0 or len(self.steps) > 0

    @property
    def has_epochs(self) -> bool:
        """Whether epochs are known."""
        return self.axis == "epoch" or self.per_epoch > 0 or len(self.epochs) > 0

    def of(self, numbers: Values) -> tuple[Values, Values]:
        """Return the steps and the epochs (NaN if unknown) of some numbers of the file."""
        if self.axis == "epoch":
            epochs = numbers + 1 if self.from_zero else numbers
            return (epochs * self.per_epoch if self.per_epoch else epochs), epochs
        steps = between(numbers, self.steps) if len(self.steps) else numbers
        if len(self.epochs):
            return steps, between(numbers, self.epochs)
        unknown = np.full(len(numbers), np.nan)
        return steps, steps / self.per_epoch if self.per_epoch else unknown


def between(numbers: Values, points: Points) -> Values:
    """Return the values of a curve at some numbers, on a straight line between its points."""
    return np.interp(numbers, points[:, 0], np.maximum.accumulate(points[:, 1]))


def converted(found: Found, run: FoundRun, choices: Choices, per_epoch: float = 0.0) -> Converted:
    """Return a run in our form; `per_epoch` are steps per epoch if a person gave them."""
    by_target = {choices[curve.name].target: found.points(curve) for curve in run.curves}
    nothing = np.zeros((0, 3))
    numbers = np.concatenate([found.points(curve)[:, 0] for curve in run.curves])
    from_zero = run.axis == "epoch" and numbers.min() == 0 and not (numbers % 1).any()
    places = Places(axis=run.axis, steps=by_target.get(STEP, nothing),
                    epochs=by_target.get(EPOCH, nothing), per_epoch=per_epoch,
                    from_zero=bool(from_zero))  # fmt: skip
    by_place: dict[tuple[str, float], Row] = {}
    others: list[Row] = []
    for curve in run.curves:
        choice = choices[curve.name]
        target = TARGETS[choice.target]
        if target.key in AXES:
            continue
        points = found.points(curve)
        steps, epochs = places.of(points[:, 0])
        values = points[:, 1] / (100 if choice.percent else 1)
        if target.is_share:
            values = np.clip(values, 0, 1)
        name = curve.name if target.key == OTHER else target.field
        for step, epoch, value, at in zip(
            steps.tolist(), epochs.tolist(), values.tolist(), points[:, 2].tolist(), strict=True
        ):
            place: Row = {"step": whole(step)}
            if epoch == epoch:
                place["epoch"] = whole(epoch)
            if at:
                place["t"] = at
            if target.row == "curve":
                others.append({"kind": "curve", **place, "name": name, "value": value})
            else:
                row = by_place.setdefault((target.row, step), {"kind": target.row, **place})
                row[name] = value
    rows = sorted([*by_place.values(), *others], key=lambda row: float(row["step"]))
    mark_best(rows)
    times = found_times(found, run)
    return Converted(
        run=run,
        rows=rows,
        summary=summary(rows, times),
        record=record(run, choices, places, found),
        began=times[0],
        ended=times[1],
    )


def whole(number: float) -> float:
    """Return a number, as an integer if it is one."""
    return int(number) if number.is_integer() else number


def mark_best(rows: list[Row]) -> None:
    """Mark the validations with the highest accuracy so far, as a trainer does."""
    highest = -1.0
    for row in rows:
        accuracy = row.get("val_accuracy")
        if row["kind"] == "validation" and accuracy is not None and accuracy > highest:
            highest, row["best"] = accuracy, True


def found_times(found: Found, run: FoundRun) -> tuple[float, float]:
    """Return when the first and the last point were written; 0 if the file does not say it."""
    times = np.concatenate([found.points(curve)[:, 2] for curve in run.curves])
    known = times[times > 0]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def summary(rows: list[Row], times: tuple[float, float]) -> Summary:
    """Return the best and the latest values of some rows."""
    last = {name: value for row in rows if row["kind"] != "curve" for name, value in row.items()}
    tested = {row["name"]: row["value"] for row in rows if row["kind"] == "curve"}
    accuracies = [row["val_accuracy"] for row in rows if row.get("val_accuracy") is not None]
    best: Mapping[str, float] = next((row for row in reversed(rows) if row.get("best")), {})
    last_epoch = max((row["epoch"] for row in rows if "epoch" in row), default=0.0)
    final = round(rows[-1]["step"]) if rows else 0
    return Summary(
        total_steps=final,
        step=final,
        epochs_done=round(last_epoch),
        last_train_loss=last.get("loss"),
        last_train_accuracy=last.get("accuracy"),
        last_val_loss=last.get("val_loss"),
        last_val_accuracy=last.get("val_accuracy"),
        best_val_accuracy=best.get("val_accuracy"),
        best_val_loss=best.get("val_loss"),
        best_val_balanced_accuracy=best.get("val_balanced_accuracy"),
        best_val_macro_f1=best.get("val_macro_f1"),
        best_epoch=round(best["epoch"]) if "epoch" in best else None,
        sparkline=thinned(accuracies),
        test_accuracy=tested.get("test_accuracy"),
        test_loss=tested.get("test_loss"),
        seconds=times[1] - times[0] if times[1] > times[0] else None,
    )


def record(run: FoundRun, choices: Choices, places: Places, found: Found) -> CurvesRecord:
    """Return what is kept of how a run was read."""
    notes = [*found.list.notes, *run.notes]
    if not places.has_steps:
        notes.append(ONLY_EPOCHS if run.axis == "epoch" else COUNTED)
    if places.from_zero:
        notes.append(FROM_ZERO)
    return CurvesRecord(
        settings=run.settings,
        curves=[
            CurveRecord(name=curve.name, target=choices[curve.name].target,
                        percent=choices[curve.name].percent, points=curve.count,
                        kept=curve.end - curve.start)
            for curve in run.curves if choices[curve.name].target != LEFT_OUT
        ],
        left_out=[c.name for c in run.curves if choices[c.name].target == LEFT_OUT],
        has_steps=places.has_steps,
        has_epochs=places.has_epochs,
        steps_per_epoch=places.per_epoch,
        notes=notes,
    )  # fmt: skip
