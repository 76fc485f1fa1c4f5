"""summary.json: the values of a run that a table shows, folded from its rows one by one."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from cifar_core.data.test_views import TEST_VIEWS

SPARKS = 40  # points of the little curve in the table


def fold(rows: Iterable[Mapping[str, Any]], total_steps: int) -> dict[str, Any]:
    """Return the summary of a history."""
    summary: dict[str, Any] = {"total_steps": total_steps, "step": 0, "epochs_done": 0}
    for row in rows:
        add(summary, row)
    return summary


def add(summary: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Take one more row in."""
    summary["step"] = row["step"]
    if row["kind"] == "step":
        summary["images_per_second"] = row.get("images_per_second")
        summary["last_train_loss"] = row.get("loss")
    elif row["kind"] == "epoch":
        summary["epochs_done"] = row["epoch"]
        summary["last_val_accuracy"] = row["val_accuracy"]
        summary["last_val_loss"] = row["val_loss"]
        summary["last_train_loss"] = row["train_loss"]
        summary["last_train_accuracy"] = row["train_accuracy"]
        summary["history"] = [*summary.get("history", []), row["val_accuracy"]]
        summary["sparkline"] = thinned(summary["history"])
        if row["best"]:
            summary["best_val_accuracy"] = row["val_accuracy"]
            summary["best_epoch"] = row["epoch"]
    elif row["kind"] == "test":
        summary["test_accuracy"] = row["test_accuracy"]
        summary["test_loss"] = row["test_loss"]
        summary["test_images"] = row["images"]
        summary["test_views"] = row.get("views", "plain")
        summary["test_plain_accuracy"] = row.get("plain_accuracy", row["test_accuracy"])


def views_note(summary: Mapping[str, Any]) -> str:
    """Say in which views the test images were shown and what they are worth; usually nothing."""
    words = TEST_VIEWS[summary.get("test_views", "plain")].words
    return f" {words}, {summary['test_plain_accuracy']:.2%} without" if words else ""


def thinned(values: list[float]) -> list[float]:
    """Keep at most SPARKS values, evenly spaced, first and last among them."""
    if len(values) <= SPARKS:
        return values
    return [values[round(i * (len(values) - 1) / (SPARKS - 1))] for i in range(SPARKS)]


class Pace:
    """How fast an attempt goes, from its own steps only."""

    def __init__(self, step: int, seconds_before: float) -> None:
        self.first_step, self.seconds_before = step, seconds_before
        self.start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Spent training, earlier attempts included."""
        return self.seconds_before + time.monotonic() - self.start

    def eta_seconds(self, step: int, total_steps: int) -> float | None:
        """Return how long the rest will take at this pace; None before the first step."""
        done = step - self.first_step
        if done <= 0:
            return None
        return (total_steps - step) * (time.monotonic() - self.start) / done
