"""The columns of the list of runs, in one table for the filter, the page and the export."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.registry import Registry
from cifar_core.runs.store.run_row import RunRow

Kind = Literal["text", "number", "share", "seconds", "day", "switch", "tags", "curve"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One fact about each run."""

    key: str  # in saved listings and addresses; never renamed
    title: str
    summary: str
    of: Callable[[RunRow], Any]  # None where it is unknown
    kind: Kind = "text"  # a share lies in [0, 1] and is shown as a percentage
    words: tuple[str, ...] = ()  # its names in a filter, the shortest first

    @property
    def word(self) -> str:
        """Its shortest name in a filter."""
        return self.words[0] if self.words else self.key


def day(unix: float | None) -> str | None:
    """Write a moment as a day of this machine's calendar, such as 2026-11-27."""
    return time.strftime("%Y-%m-%d", time.localtime(unix)) if unix else None


COLUMNS = Registry(
    "column",
    [
        Column(key="number", title="#", summary="The run's number.", kind="number",
               words=("run", "id"), of=lambda row: row.number),
        Column(key="name", title="Name", summary="The run's name.", of=lambda row: row.name),
        Column(key="star", title="Star", summary="Whether it has a star.",
               kind="switch", of=lambda row: row.starred),
        Column(key="pin", title="Pin", summary="Whether it is pinned: never deleted automatically.",
               kind="switch", words=("pin", "pinned"), of=lambda row: row.pinned),
        Column(key="best", title="Validation",
               summary="The validation accuracy of its best epoch.", kind="share",
               words=("acc", "val", "accuracy"), of=lambda row: row.best_val_accuracy),
        Column(key="balanced", title="Balanced",
               summary="The balanced accuracy of its best epoch: the mean over the classes.",
               kind="share", words=("bal", "balanced", "balanced_accuracy"),
               of=lambda row: row.best_balanced_accuracy),
        Column(key="f1", title="Macro F1", summary="The macro F1 of its best epoch.", kind="share",
               words=("f1", "macro_f1"), of=lambda row: row.best_macro_f1),
        Column(key="state", title="Status",
               summary="Its state, such as finished, running or failed.",
               words=("state", "status"), of=lambda row: row.state),
        Column(key="reason", title="Reason", summary="Why it failed, such as diverged or oom.",
               of=lambda row: row.reason),
        Column(key="epoch", title="Best at",
               summary="Its best epoch: by validation accuracy, unless it is set otherwise.",
               kind="number",
               words=("at",), of=lambda row: row.best_epoch),
        Column(key="test", title="Test", summary="Accuracy on the test images.", kind="share",
               of=lambda row: row.test_accuracy),
        Column(key="test_balanced", title="Test balanced",
               summary="Balanced accuracy on the test images.", kind="share",
               of=lambda row: row.test_balanced_accuracy),
        Column(key="test_f1", title="Test macro F1", summary="Macro F1 on the test images.",
               kind="share", of=lambda row: row.test_macro_f1),
        Column(key="last", title="Last validation",
               summary="The validation accuracy of its last epoch.", kind="share",
               of=lambda row: row.last_val_accuracy),
        Column(key="loss", title="Train loss", summary="The latest training loss.",
               kind="number", of=lambda row: row.last_train_loss),
        Column(key="curve", title="How it went", summary="Validation accuracy by epoch.",
               kind="curve", of=lambda row: row.sparkline or None),
        Column(key="model", title="Network", summary="The network's architecture.",
               words=("arch", "network"), of=lambda row: row.model),
        Column(key="params", title="Parameters",
               summary="The number of weights in the network; known once the run has started.",
               kind="number", words=("params", "parameters"), of=lambda row: row.parameters),
        Column(key="optimizer", title="Optimizer",
               summary="How gradients become weight updates.", words=("opt",),
               of=lambda row: row.optimizer),
        Column(key="rate", title="Rate", summary="The learning rate in the settings.",
               kind="number", words=("lr", "learning_rate"), of=lambda row: row.learning_rate),
        Column(key="batch", title="Batch", summary="Images per batch.", kind="number",
               words=("batch", "batch_size"), of=lambda row: row.batch_size),
        Column(key="epochs", title="Epochs", summary="The number of epochs in the settings.",
               kind="number", of=lambda row: row.epochs),
        Column(key="done", title="Epochs done", summary="The number of epochs trained so far.",
               kind="number", of=lambda row: row.epochs_done),
        Column(key="seed", title="Seed", summary="Determines the weights, order and augmentation.",
               kind="number", of=lambda row: row.seed),
        Column(key="data", title="Images", summary="The images that it trains on.",
               of=lambda row: row.data_title),
        Column(key="time", title="Time", summary="Time spent training, over all attempts.",
               kind="seconds", of=lambda row: row.seconds or None),
        Column(key="speed", title="Images/s", summary="Images per second, as last measured.",
               kind="number", of=lambda row: row.images_per_second),
        Column(key="device", title="Device",
               summary="The device that it trains on now, or the cluster that has it.",
               of=lambda row: row.device),
        Column(key="tag", title="Tags", summary="The tags that people gave it.", kind="tags",
               words=("tag", "tags"), of=lambda row: row.tags),
        Column(key="note", title="Note", summary="The text that people wrote about it.",
               of=lambda row: row.note),
        Column(key="owner", title="Owner", summary="Who created it.", of=lambda row: row.owner),
        Column(key="sweep", title="Sweep", summary="The sweep that it belongs to.",
               of=lambda row: row.sweep),
        Column(key="parent", title="Cloned from",
               summary="The run that it was copied from.", of=lambda row: row.parent),
        Column(key="kind", title="Kind", summary="Training, rate search or imported curves.",
               of=lambda row: row.kind),
        Column(key="made", title="Created on", summary="The day on which it was created.",
               kind="day", of=lambda row: day(row.created_at)),
        Column(key="ended", title="Ended on",
               summary="The day on which it finished, stopped or failed.", kind="day",
               of=lambda row: day(row.ended_at)),
    ],
)  # fmt: skip
WORDS = {word: column for column in COLUMNS.values() for word in (column.key, *column.words)}
