"""summary.json: the values of a run that tables show, updated row by row."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.evaluation.measures import ACCURACY, MEASURES, Measure, measure_of
from cifar_core.numbers import counted, percent
from cifar_core.reading.ends import why
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.metrics import Row

SPARKS = 40  # points of the small curve in the table


def fold(rows: Iterable[Row], total_steps: int) -> Summary:
    """Return the summary of a history."""
    summary = Summary(total_steps=total_steps)
    for row in rows:
        summary = add(summary, row)
    return summary


def add(summary: Summary, row: Row) -> Summary:
    """Return the summary after one more row."""
    changes = CHANGES[row["kind"]](summary, row) if row["kind"] in CHANGES else {}
    return replace(summary, step=row["step"], **changes)


def of_step(summary: Summary, row: Row) -> dict[str, object]:
    """Return the values that a row about a few steps changes."""
    return {
        "images_per_second": row.get("images_per_second"),
        "last_train_loss": row.get("loss"),
    }


def of_epoch(summary: Summary, row: Row) -> dict[str, object]:
    """Return the values that an epoch's row changes."""
    names = ("val_accuracy", "val_loss", "train_loss", "train_accuracy")
    history = [*summary.history, row["val_accuracy"]]
    best = {f"best_{m.row_name}": row.get(m.row_name) for m in MEASURES.values()}
    return {
        "epochs_done": row["epoch"],
        **{f"last_{name}": row[name] for name in names},
        "history": history,
        "sparkline": thinned(history),
        **({**best, "best_epoch": row["epoch"]} if row["best"] else {}),
    }


def of_test(summary: Summary, row: Row) -> dict[str, object]:
    """Return the values that the test's row changes."""
    return {
        "test_accuracy": row["test_accuracy"],
        "test_loss": row["test_loss"],
        "test_balanced_accuracy": row.get("test_balanced_accuracy"),
        "test_macro_f1": row.get("test_macro_f1"),
        "test_images": row["images"],
        "test_views": row.get("views", "plain"),
        "test_plain_accuracy": row.get("plain_accuracy", row["test_accuracy"]),
        "end": row.get("end", ""),
    }


CHANGES = {"step": of_step, "epoch": of_epoch, "test": of_test}  # by type of row


def in_words(summary: Summary, settings: Mapping[str, Any], *, uneven: bool = False) -> str:
    """Return why a finished run with these plain settings ended, and its results, in a sentence.

    With `uneven` classes the balanced accuracy on the test images stands beside the accuracy.
    """
    done, planned = summary.epochs_done, settings.get("epochs", 0)
    epochs = counted(done, "epoch")
    if because := why(summary.end, settings):
        of = f"{done} of {counted(planned, 'epoch')}" if done < planned else epochs
        epochs = f"{of} because {because}"
    measure = measure_of(settings)
    test = [f"test accuracy {percent(summary.test_accuracy or 0.0)}{views_note(summary)}"]
    if uneven and measure.key == ACCURACY and summary.test_balanced_accuracy is not None:
        test.append(f"balanced {percent(summary.test_balanced_accuracy)}")
    if measure.key != ACCURACY:  # in its own terms too
        tested = getattr(summary, f"test_{measure.key}")
        test.insert(0, f"test {measure.words} {measure.written(tested)}")
    return (
        f"Finished after {epochs}: best validation {measure.words} "
        f"{measure.written(best_value(summary, measure))} at epoch {summary.best_epoch}, "
        f"{', '.join(test)}."
    )


def best_value(summary: Summary, measure: Measure) -> float | None:
    """Return a figure of the best epoch's validation; None if it was not measured."""
    value: float | None = getattr(summary, f"best_{measure.row_name}")
    return value


def views_note(summary: Summary) -> str:
    """Return which test views were used, with the accuracy without them; usually nothing."""
    words = TEST_VIEWS[summary.test_views].words
    return f" {words}, {percent(summary.test_plain_accuracy or 0.0)} without" if words else ""


def thinned(values: list[float]) -> list[float]:
    """Return at most SPARKS values, evenly spaced, with the first and the last."""
    if len(values) <= SPARKS:
        return values
    return [values[round(i * (len(values) - 1) / (SPARKS - 1))] for i in range(SPARKS)]


class Pace:
    """The speed of an attempt, from its own steps only."""

    def __init__(self, step: int, seconds_before: float) -> None:
        self.first_step, self.seconds_before = step, seconds_before
        self.start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent training, with earlier attempts."""
        return self.seconds_before + time.monotonic() - self.start

    def eta_seconds(self, step: int, total_steps: int) -> float | None:
        """Return how many seconds the rest will take at this speed; None before the first step."""
        done = step - self.first_step
        if done <= 0:
            return None
        return (total_steps - step) * (time.monotonic() - self.start) / done
