"""What can be asked about a run: one table for the search, the list's columns and its export."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.registry import Registry
from cifar_core.runs.store.run_row import RunRow

Kind = Literal["text", "number", "share", "seconds", "day", "switch", "tags", "curve"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One thing that is known about each run."""

    key: str  # saved in views and addresses; never renamed
    title: str
    summary: str
    of: Callable[[RunRow], Any]  # None where it is not known
    kind: Kind = "text"  # a share lies in 0 to 1 and is shown in per cent
    words: tuple[str, ...] = ()  # other names of it in a search, the shortest first

    @property
    def word(self) -> str:
        """What to call it in a search."""
        return self.words[0] if self.words else self.key


def day(unix: float | None) -> str | None:
    """Write a moment as a day of this machine's calendar, such as 2026-11-27."""
    return time.strftime("%Y-%m-%d", time.localtime(unix)) if unix else None


COLUMNS = Registry(
    "column",
    [
        Column(key="number", title="#", summary="The run's number.", kind="number",
               words=("run", "id"), of=lambda row: row.number),
        Column(key="name", title="Name", summary="What people call it.", of=lambda row: row.name),
        Column(key="star", title="Star", summary="Whether somebody put a star on it.",
               kind="switch", of=lambda row: row.starred),
        Column(key="pin", title="Pin", summary="Whether it is pinned: never deleted by itself.",
               kind="switch", words=("pin", "pinned"), of=lambda row: row.pinned),
        Column(key="best", title="Best val.",
               summary="The highest validation accuracy of all epochs.", kind="share",
               words=("acc", "val", "accuracy"), of=lambda row: row.best_val_accuracy),
        Column(key="state", title="Status",
               summary="Where it stands, such as finished, running or failed.",
               words=("state", "status"), of=lambda row: row.state),
        Column(key="reason", title="Reason", summary="Why it failed, such as diverged or oom.",
               of=lambda row: row.reason),
        Column(key="epoch", title="At epoch",
               summary="The epoch of its best validation accuracy.", kind="number",
               words=("at",), of=lambda row: row.best_epoch),
        Column(key="test", title="Test", summary="Accuracy on the test images.", kind="share",
               of=lambda row: row.test_accuracy),
        Column(key="last", title="Last val.",
               summary="The validation accuracy of its last epoch.", kind="share",
               of=lambda row: row.last_val_accuracy),
        Column(key="loss", title="Train loss", summary="The latest training loss.",
               kind="number", of=lambda row: row.last_train_loss),
        Column(key="curve", title="Course", summary="Validation accuracy by epoch.",
               kind="curve", of=lambda row: row.sparkline or None),
        Column(key="model", title="Model", summary="The network's architecture.",
               words=("arch", "network"), of=lambda row: row.model),
        Column(key="params", title="Parameters",
               summary="How many weights the network has; known once the run has started.",
               kind="number", words=("params", "parameters"), of=lambda row: row.parameters),
        Column(key="optimizer", title="Optimizer",
               summary="How gradients become weight updates.", words=("opt",),
               of=lambda row: row.optimizer),
        Column(key="rate", title="Rate", summary="The learning rate that was set.",
               kind="number", words=("lr", "learning_rate"), of=lambda row: row.learning_rate),
        Column(key="batch", title="Batch", summary="Images in a batch.", kind="number",
               words=("batch", "batch_size"), of=lambda row: row.batch_size),
        Column(key="epochs", title="Epochs", summary="How many epochs it is to train.",
               kind="number", of=lambda row: row.epochs),
        Column(key="done", title="Epochs done", summary="How many epochs it has trained.",
               kind="number", of=lambda row: row.epochs_done),
        Column(key="seed", title="Seed", summary="Decides weights, order and augmentation.",
               kind="number", of=lambda row: row.seed),
        Column(key="data", title="Data", summary="The images that it learns from.",
               of=lambda row: row.data_title),
        Column(key="time", title="Time", summary="Spent training, over all attempts.",
               kind="seconds", of=lambda row: row.seconds or None),
        Column(key="speed", title="Images/s", summary="Images a second, at the last look.",
               kind="number", of=lambda row: row.images_per_second),
        Column(key="device", title="Device", summary="Where it trains now.",
               of=lambda row: row.device),
        Column(key="tag", title="Tags", summary="The tags that people gave it.", kind="tags",
               words=("tag", "tags"), of=lambda row: row.tags),
        Column(key="note", title="Note", summary="What people wrote about it.",
               of=lambda row: row.note),
        Column(key="owner", title="Owner", summary="Whoever made it.", of=lambda row: row.owner),
        Column(key="sweep", title="Sweep", summary="The sweep that it belongs to.",
               of=lambda row: row.sweep),
        Column(key="parent", title="Cloned from",
               summary="The run whose settings it began with.", of=lambda row: row.parent),
        Column(key="kind", title="Kind", summary="Training, or a search for a rate.",
               of=lambda row: row.kind),
        Column(key="made", title="Made on", summary="The day on which it was set up.",
               kind="day", of=lambda row: day(row.created_at)),
        Column(key="ended", title="Ended on",
               summary="The day on which it finished, stopped or failed.", kind="day",
               of=lambda row: day(row.ended_at)),
    ],
)  # fmt: skip
WORDS = {word: column for column in COLUMNS.values() for word in (column.key, *column.words)}
