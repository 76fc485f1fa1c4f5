"""Makes runs with curves only of what was found in the files of another tool."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from cifar_core.disk import files
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.convert import Converted, converted
from cifar_core.runs.exchange.curves.formats import FORMATS
from cifar_core.runs.exchange.curves.found import Found
from cifar_core.runs.exchange.curves.limits import LARGEST_STEP
from cifar_core.runs.exchange.curves.mapping import Choices
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.imported.curves_record import NAME
from cifar_core.runs.record.records import (
    About,
    AttemptEnd,
    AttemptPlan,
    AttemptResult,
    AttemptStart,
    Environment,
    Origin,
)
from cifar_core.runs.record.run import LONGEST_NAME, Run
from cifar_core.runs.record.run_kinds import CURVES
from cifar_core.runs.store.store import Store

MOST_PER_EPOCH = 10**9


def bring_in(
    store: Store,
    found: Found,
    choices: Choices,
    *,
    chosen: Iterable[int] | None = None,
    steps_per_epoch: float = 0.0,
) -> list[Run]:
    """Make a run of each of the found ones, or of those with the `chosen` indexes; return them.

    Raises ArchiveError if nothing is left of one of them.
    """
    if not 0 <= steps_per_epoch <= MOST_PER_EPOCH:
        raise ArchiveError(
            f"Steps per epoch are {steps_per_epoch:g}, but must lie between 1 and "
            f"{MOST_PER_EPOCH:,}, or be 0 if they are not known."
        )
    indexes = range(len(found.runs)) if chosen is None else chosen
    ready = [converted(found, found.runs[index], choices, steps_per_epoch) for index in indexes]
    for one in ready:
        if not one.rows:
            raise ArchiveError(
                f"All curves of {one.run.name} are left out. Choose one to import, or leave out "
                "the run."
            )
        if one.rows[-1]["step"] > LARGEST_STEP:
            raise ArchiveError(
                f"{one.run.name} would end at step {one.rows[-1]['step']:.3g}, later than any "
                "training. Give fewer steps per epoch."
            )
    return [made(store, found, one) for one in ready]


def made(store: Store, found: Found, one: Converted) -> Run:
    """Make the folder of one run."""
    name = one.run.name[:LONGEST_NAME].strip()
    with store.action("import runs", "imported") as line:
        (store.root / "runs").mkdir(parents=True, exist_ok=True)
        path = store.root / "runs" / f".draft-import-{time.time_ns()}"
        path.mkdir()
        try:
            fill(path, store, found, one, name)
            run = store.adopt(path, name)
        finally:
            shutil.rmtree(path, ignore_errors=True)
        line.run = run.id
    return run


def fill(path: Path, store: Store, found: Found, one: Converted, name: str) -> None:
    """Write the files of a run."""
    tool, now = FORMATS[found.list.format], time.time()
    origin = Origin(run=one.run.id, name=one.run.name, tool=tool.key, file=found.file,
                    sha256=found.sha256, at=now)  # fmt: skip
    about = About(name=name, kind=CURVES, owner=store.by.name, created_at=now, imported=origin)
    attempt = metrics.attempt_folder(path, 1)
    attempt.mkdir(parents=True)
    rows = metrics.metrics_path(path, 1)
    rows.write_bytes(b"".join(map(files.line_of, one.rows)))
    words = status.described(
        "finished", message=f"Imported from {tool.title}, not trained here.", action="",
        since=one.ended or now,
    )  # fmt: skip
    small: dict[Path, msgspec.Struct] = {
        path / "about.json": about,
        path / NAME: one.record,
        path / "summary.json": one.summary,
        path / "environment.json": Environment(),
        attempt / "attempt.json": AttemptPlan(at=one.began),
        attempt / "start.json": AttemptStart(at=one.began),
        attempt / "result.json": AttemptResult(
            outcome="finished", rows_bytes=rows.stat().st_size, at=one.ended
        ),
        attempt / "end.json": AttemptEnd(state="finished", at=one.ended),
    }
    for place, values in small.items():
        files.write_json(place, values)
    files.sync_file(rows)
    status.write(path, status.RunStatus(**words, attempt=1))
