"""One line of the list of runs: what a person compares, gathered from a run's small files."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

from cifar_core.disk import files
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store import damage

ALWAYS = ("about.json", "status.json", "config.json")
FILES = (*ALWAYS, "summary.json", "environment.json")


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as the table shows it. Accuracies are 0 to 1; times are unix seconds."""

    number: int
    id: str
    name: str
    state: str
    reason: str
    message: str
    action: str
    parent: str  # id of the run that it was cloned from, or empty
    model: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    epochs_done: int
    step: int
    total_steps: int
    best_val_accuracy: float | None
    best_epoch: int | None
    last_val_accuracy: float | None
    last_train_loss: float | None
    test_accuracy: float | None
    val_images: int
    test_images: int
    data_title: str
    data_kind: str
    seconds: float  # spent training, over all attempts
    created_at: float
    started_at: float | None
    ended_at: float | None
    sparkline: list[float] = field(default_factory=list)  # validation accuracy by epoch
    device: str = ""
    attempt: int = 0
    eta_seconds: float | None = None
    images_per_second: float | None = None
    position: float = 0.0  # in the queue, lowest first
    seed: int = 0
    sweep: str = ""  # id of the sweep that it belongs to, or empty
    cell: int = 0  # place of its settings in that sweep
    history: list[float] = field(default_factory=list)  # validation accuracy of each epoch
    features_seconds: float = 0.0  # of its time, before the first epoch
    kind: str = TRAINING
    suggested_rate: float | None = None  # what a rate search came to
    owner: str = ""  # whoever made it; empty if that is not known
    parameters: int | None = None  # of its network; known once it has started
    tags: list[str] = field(default_factory=list)  # given by people, sorted
    note: str = ""  # Markdown
    starred: bool = False
    pinned: bool = False  # never deleted by itself, nor anything of it
    settings: dict[str, Any] = field(default_factory=dict)  # all of them, as plain values
    damaged: bool = False  # whether one of the files that this was gathered from is damaged


def read_row(run: Run) -> RunRow:
    """Gather a run's row from its folder."""
    about, settings, status = run.about, run.settings, run.status
    summary, environment = run.summary, run.environment
    data = environment.get("data", {})
    started = files.read_json(run.path / "attempts" / "1" / "attempt.json").get("at")
    return RunRow(
        number=run.number,
        id=run.id,
        name=about.get("name") or run.id,
        state=status.state,
        reason=status.reason,
        message=status.message,
        action=status.action,
        parent=about.get("parent", ""),
        model=settings.get("model", ""),
        optimizer=settings.get("optimizer", ""),
        learning_rate=settings.get("learning_rate", 0.0),
        batch_size=settings.get("batch_size", 0),
        epochs=settings.get("epochs", 0),
        epochs_done=summary.get("epochs_done", 0),
        step=summary.get("step", 0),
        total_steps=summary.get("total_steps", 0),
        best_val_accuracy=summary.get("best_val_accuracy"),
        best_epoch=summary.get("best_epoch"),
        last_val_accuracy=summary.get("last_val_accuracy"),
        last_train_loss=summary.get("last_train_loss"),
        test_accuracy=summary.get("test_accuracy"),
        val_images=data.get("val_images", 0),
        test_images=data.get("test_images", 0),
        data_title=data.get("title") or str(settings.get("data", "")),
        data_kind=data.get("kind", ""),
        seconds=summary.get("seconds", 0.0),
        created_at=about.get("created_at", 0.0),
        started_at=started,
        ended_at=status.since if status.state in ("finished", "stopped", "failed") else None,
        sparkline=summary.get("sparkline", []),
        device=status.device,
        attempt=status.attempt,
        eta_seconds=summary.get("eta_seconds") if status.state == "running" else None,
        images_per_second=summary.get("images_per_second"),
        position=status.position,
        seed=settings.get("seed", 0),
        sweep=about.get("sweep", ""),
        cell=about.get("cell", 0),
        history=summary.get("history", []),
        features_seconds=summary.get("features", {}).get("seconds", 0.0),
        kind=about.get("kind") or TRAINING,
        suggested_rate=summary.get("suggestion", {}).get("rate"),
        owner=about.get("owner", ""),
        parameters=environment.get("parameters"),
        tags=about.get("tags", []),
        note=about.get("note", ""),
        starred=about.get("starred", False),
        pinned=about.get("pinned", False),
        settings=settings,
        damaged=any(
            damage.of_files(run.path, FILES, FILES if status.state == "finished" else ALWAYS)
        ),
    )


def stamp(run: Run) -> str:
    """Return what changes whenever the row would."""
    folder, marks = str(run.path), []
    for name in FILES:
        try:
            state = os.stat(f"{folder}/{name}")  # noqa: PTH116  a tenth of the page's time
        except OSError:
            marks.append("-")
        else:
            marks.append(f"{state.st_mtime_ns:x}.{state.st_ino:x}.{state.st_size:x}")
    return " ".join(marks)


def as_text(row: RunRow) -> str:
    """Write a row as the index keeps it."""
    return json.dumps(vars(row))


def from_text(text: str) -> RunRow:
    """Return the row that `as_text` wrote."""
    return RunRow(**json.loads(text))
