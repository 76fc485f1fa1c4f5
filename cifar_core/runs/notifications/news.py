"""The kinds of news about runs and sweeps, and how each is found in what is on disk.

News are a pure function of rows, curves and sweeps. Each has an id that never changes, so that any
number of processes, kills and restarts find the same news and not one more.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from cifar_core.disk.checks import Moment, Text
from cifar_core.numbers import counted, percent
from cifar_core.reading.curves import Curves
from cifar_core.reading.spec import Reading
from cifar_core.registry import Registry
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.sweep_files import Sweep

STALE, STALE_SHARE = 10, 0.2  # epochs without a better one: 10, or this share of those planned


class News(Struct, frozen=True, kw_only=True):
    """Something that happened to a run or to a sweep, in plain text."""

    id: Text = ""  # of the run or sweep, the attempt or epoch, and the kind; never changes
    kind: Text = ""  # a key of NEWS
    at: Moment = 0.0  # unix seconds
    name: Text = ""  # of the run or sweep, with its number, such as "#12 Lab CNN"
    text: Text = ""  # one or two sentences
    run: Text = ""  # id of the run; empty for news of a sweep
    sweep: Text = ""  # id of the sweep that it is about, or that the run belongs to
    owner: Text = ""  # of the run or sweep; empty if unknown

    @property
    def title(self) -> str:
        """What happened and to what, such as "Finished: #12 Lab CNN"."""
        return f"{NEWS[self.kind].title}: {self.name}"

    @property
    def is_of_one_of_many(self) -> bool:
        """Whether it is about one of the runs of a sweep, which has news of its own."""
        return bool(self.run and self.sweep)


class NewsKind(Struct, frozen=True, kw_only=True):
    """A kind of news; `of_row` finds it in a row of the list of runs, `of_curves` in the curves.

    Each returns (what no other news of its kind and run have, a text), or None.
    """

    key: str  # saved in files; never renamed
    title: str
    summary: str
    usual: bool = True  # whether people get it who have not chosen the kinds
    of_row: Callable[[RunRow], tuple[str, str] | None] = lambda _: None
    of_curves: Callable[[RunRow, Curves, Reading], tuple[str, str] | None] = lambda *_: None


def ended(state: str, *, diverged: bool = False) -> Callable[[RunRow], tuple[str, str] | None]:
    """Return the finder of runs in a final state; `diverged` ones are a kind of their own."""

    def find(row: RunRow) -> tuple[str, str] | None:
        if row.state != state or (row.reason == "diverged") != diverged:
            return None
        return str(row.attempt), results(row) if state == "finished" else explained(row)

    return find


def results(row: RunRow) -> str:
    """Return what a finished run achieved."""
    if row.kind != TRAINING:
        return row.message
    if row.best_val_accuracy is None:
        return "It has no validation result."
    best = f"Best validation accuracy {percent(row.best_val_accuracy)}"
    at = f", at epoch {row.best_epoch} of {row.epochs}" if row.best_epoch else ""
    test = "" if row.test_accuracy is None else f" Test accuracy {percent(row.test_accuracy)}."
    return f"{best}{at}.{test}"


def explained(row: RunRow) -> str:
    """Return why a run ended or waits, and what to do."""
    return f"{row.message} {row.action}".strip()


def waiting_for_disk(row: RunRow) -> tuple[str, str] | None:
    """Find a run that waits until the disk has room."""
    waits = row.state in ("queued", "paused") and row.reason == "disk"
    return (str(row.attempt), explained(row)) if waits else None


def overfitting(row: RunRow, curves: Curves, reading: Reading) -> tuple[str, str] | None:
    """Find what the reading on the run's page says about overfitting, once for each run."""
    found = next((one for one in reading.findings if one.kind == "overfitting"), None)
    return ("", found.sentence) if found else None


def no_better(row: RunRow, curves: Curves, reading: Reading) -> tuple[str, str] | None:
    """Find a validation that has not become better for STALE epochs or a fifth of those planned."""
    best = curves.best
    if best is None:
        return None
    epoch, waited = int(curves.epoch[best]), len(curves.epoch) - 1 - best
    if waited < max(STALE, STALE_SHARE * row.epochs):
        return None
    share = percent(float(curves.val_accuracy[best]))
    return str(epoch), (
        f"No better for {counted(waited, 'epoch')}: the best epoch is still {epoch}, with a "
        f"validation accuracy of {share}."
    )


NEWS = Registry(
    "kind of news",
    [
        NewsKind(
            key="finished",
            title="Finished",
            summary="A run has trained all its epochs, or as many as its own rules allow.",
            of_row=ended("finished"),
        ),
        NewsKind(
            key="stopped",
            title="Stopped",
            summary="A run was stopped before its end, by a person or a program.",
            of_row=ended("stopped"),
        ),
        NewsKind(
            key="failed",
            title="Failed",
            summary="A run could not continue; with the reason and what to do.",
            of_row=ended("failed"),
        ),
        NewsKind(
            key="diverged",
            title="Diverged",
            summary="The loss of a run stopped being a number.",
            of_row=ended("failed", diverged=True),
        ),
        NewsKind(
            key="disk",
            title="Waits for disk space",
            summary="A run waits, or cannot start, because the disk is full.",
            of_row=waiting_for_disk,
        ),
        NewsKind(
            key="decided",
            title="Decided",
            summary="All runs of a sweep or a search are over; with its conclusion.",
        ),
        NewsKind(
            key="overfits",
            title="Overfits",
            summary="While a run trains, its validation loss rises and its training loss falls.",
            usual=False,
            of_curves=overfitting,
        ),
        NewsKind(
            key="no_better",
            title="No better",
            summary=f"While a run trains, {STALE} epochs, or a fifth of those planned if that is "
            "more, have brought no better result on the validation images.",
            usual=False,
            of_curves=no_better,
        ),
    ],
)
USUAL = tuple(key for key, kind in NEWS.items() if kind.usual)
ENDS = ("finished", "stopped", "failed", "diverged")  # what "when it ends" means
FROM_CURVES = tuple(key for key, kind in NEWS.items() if not kind.usual)


def of_row(row: RunRow) -> News | None:
    """Return the news that a row of the list of runs shows; None for none and for examples."""
    if row.example:
        return None
    for kind in NEWS.values():
        if found := kind.of_row(row):
            return made(row, kind.key, *found, at=row.ended_at or 0.0)
    return None


def of_curves(row: RunRow, curves: Curves, reading: Reading, now: float) -> list[News]:
    """Return the news that the curves of a run under way show at this moment."""
    found = [(kind.key, kind.of_curves(row, curves, reading)) for kind in NEWS.values()]
    return [made(row, key, *words, at=now) for key, words in found if words]


def made(row: RunRow, kind: str, which: str, text: str, *, at: float) -> News:
    """Return the news of a kind about a run; `which` is what no other of its kind has."""
    return News(
        id=".".join(filter(None, (row.id, which, kind))),
        kind=kind,
        at=at,
        name=f"#{row.number} {row.name}",
        text=text,
        run=row.id,
        sweep=row.sweep,
        owner=row.owner,
    )


def of_sweep(
    sweep: Sweep, rows: Sequence[RunRow], deleted: Sequence[RunRow], conclusion: str, owner: str
) -> News:
    """Return the news that a sweep is decided: again after each further attempt of any run.

    Runs in the trash (`deleted`) count for the id, so it stays when the last run is deleted.
    """
    kind = "search" if sweep.search else "sweep"
    last = max([*rows, *deleted], key=lambda row: (row.ended_at or 0.0, row.number))
    return News(
        id=f"{sweep.id}.{last.number}.{last.attempt}.decided",
        kind="decided",
        at=max(row.ended_at or 0.0 for row in rows),
        name=f"{kind} {sweep.number} {sweep.name}",
        text=conclusion,
        sweep=sweep.id,
        owner=owner,
    )
