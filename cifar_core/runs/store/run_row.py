"""One row of the list of runs, gathered from a run's small files."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from cifar_core.data.listing import title_of
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.family.ancestors import Origin, origins_of
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.records import About, Environment
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import CURVES, TRAINING
from cifar_core.runs.record.status import RunStatus
from cifar_core.runs.store import damage
from cifar_core.runs.store.small_files import SmallFiles
from cifar_core.statistics.class_shares import are_uneven
from cifar_core.titles import title


class RunRow(Struct, frozen=True, kw_only=True, gc=False):  # it can be in no cycle
    """A run as a table shows it. Accuracies are 0 to 1; times are unix seconds."""

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
    best_val_accuracy: float | None  # of the best epoch, by the run's measure
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
    sparkline: list[float] = []  # validation accuracy by epoch
    device: str = ""  # as the status says it
    unanswered: float = 0.0  # unix seconds since when its backend does not answer; 0: it does
    attempt: int = 0
    eta_seconds: float | None = None
    images_per_second: float | None = None
    position: float = 0.0  # in the queue, lowest first
    seed: int = 0
    sweep: str = ""  # id of the sweep that it belongs to, or empty
    cell: int = 0  # index of its settings in that sweep
    history: list[float] = []  # validation accuracy of each epoch
    features_seconds: float = 0.0  # part of its time, before the first epoch
    kind: str = TRAINING
    suggested_rate: float | None = None  # the result of a rate search
    owner: str = ""  # the person who made it; empty if unknown
    parameters: int | None = None  # of its network; known once it has started
    tags: list[str] = []  # given by people, sorted
    note: str = ""  # Markdown
    starred: bool = False
    pinned: bool = False  # nothing of it is deleted automatically
    settings: dict[str, Any] = {}  # all of them, as plain values
    damaged: bool = False  # whether a file that the row is gathered from is damaged
    example: bool = False  # shipped with the program, not trained here
    uneven: bool = False  # whether one class has many more training images than another
    # None if not measured; of the best epoch and of the test, each class with equal weight
    best_balanced_accuracy: float | None = None
    best_macro_f1: float | None = None
    test_balanced_accuracy: float | None = None
    test_macro_f1: float | None = None
    origins: list[Origin] = []  # the runs from which it took weights or answers
    imported: bool = False  # trained or measured elsewhere
    trained_on: str = ""  # the device of its latest attempt, such as "cuda:0"; empty before that
    train_images: int = 0
    side: int = 0  # pixels of its images; 0 if that is not known yet
    teachers: list[str] = []  # the networks that it learned from

    @property
    def devices(self) -> list[str]:
        """The ids of the devices of this machine that it trains on now."""
        return [name for name in self.device.split(", ") if name]

    @property
    def model_title(self) -> str:
        """The title of its network."""
        return title(self.model)

    @property
    def optimizer_title(self) -> str:
        """The title of its optimizer."""
        return title(self.optimizer)


def read_row(run: Run) -> RunRow:
    """Gather a run's row from its folder."""
    small = SmallFiles(run.path)
    about, settings = small.read("about.json", About), small.plain("config.json")
    settings.pop("schema", None)
    state = status.known(small.read("status.json", RunStatus))
    summary = small.read("summary.json", Summary)
    environment = small.read("environment.json", Environment)
    data = environment.data
    return RunRow(
        number=run.number,
        id=run.id,
        name=about.name or run.id,
        state=state.state,
        reason=state.reason,
        message=state.message,
        action=state.action,
        parent=about.parent,
        model=settings.get("model", ""),
        optimizer=settings.get("optimizer", ""),
        learning_rate=settings.get("learning_rate", 0.0),
        batch_size=settings.get("batch_size", 0),
        epochs=settings.get("epochs", 0),
        epochs_done=summary.epochs_done,
        step=summary.step,
        total_steps=summary.total_steps,
        best_val_accuracy=summary.best_val_accuracy,
        best_epoch=summary.best_epoch,
        last_val_accuracy=summary.last_val_accuracy,
        last_train_loss=summary.last_train_loss,
        test_accuracy=summary.test_accuracy,
        val_images=data.val_images,
        test_images=data.test_images,
        data_title=data.title or title_of(str(settings.get("data", "")), run.store_root),
        data_kind=data.kind,
        seconds=summary.seconds or 0.0,
        created_at=about.created_at,
        started_at=metrics.attempt_plan(run.path, 1).at or None,
        ended_at=state.since if state.state in ("finished", "stopped", "failed") else None,
        sparkline=summary.sparkline,
        device=state.device,
        unanswered=state.unanswered,
        attempt=state.attempt,
        eta_seconds=summary.eta_seconds if state.state == "running" else None,
        images_per_second=summary.images_per_second,
        position=state.position,
        seed=settings.get("seed", 0),
        sweep=about.sweep,
        cell=about.cell,
        history=summary.history,
        features_seconds=summary.features.seconds if summary.features else 0.0,
        kind=about.kind or TRAINING,
        suggested_rate=summary.suggestion.rate if summary.suggestion else None,
        owner=about.owner,
        parameters=environment.parameters,
        tags=about.tags,
        note=about.note,
        starred=about.starred,
        pinned=about.pinned,
        settings=settings,
        example=bool(about.example),
        uneven=are_uneven(data.train_counts),
        best_balanced_accuracy=summary.best_val_balanced_accuracy,
        best_macro_f1=summary.best_val_macro_f1,
        test_balanced_accuracy=summary.test_balanced_accuracy,
        test_macro_f1=summary.test_macro_f1,
        origins=origins_of(about.start, about.teachers),
        imported=about.imported is not None,
        trained_on=environment.device,
        train_images=data.train_images,
        side=data.side,
        teachers=[teacher.model for teacher in environment.teachers],
        damaged=is_damaged(small, about.kind, state.state),
    )


def is_damaged(small: SmallFiles, kind: str, state: str) -> bool:
    """Return True if a file that the row is gathered from is damaged or missing."""
    always = damage.always(kind)
    every = (*always, *damage.ONCE_STARTED)
    if kind == CURVES:
        small.plain("curves.json")
    return small.are_damaged(every, every if state == "finished" else always)


def own(rows: Iterable[RunRow]) -> list[RunRow]:
    """Return the runs that were trained or imported by people, without the shipped examples."""
    return [row for row in rows if not row.example]


def as_text(row: RunRow) -> bytes:
    """Return a row as the text that the index keeps."""
    return msgspec.json.encode(row)


def from_text(text: bytes) -> RunRow:
    """Return the row that `as_text` wrote."""
    return READ(text)


READ = msgspec.json.Decoder(RunRow).decode
