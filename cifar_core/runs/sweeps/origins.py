"""The weights and the teachers that all runs of a sweep or a search have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.family import start_from
from cifar_core.runs.family.kept import ancestor_of
from cifar_core.runs.family.teachers import check_plan
from cifar_core.runs.record.family.ancestors import Ancestor
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.index import run_folders
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Cell, Sweep

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

Source = tuple[Run, str]  # a run and the name of its checkpoint


def described(source: Source) -> dict[str, Any]:
    """Return a run and its checkpoint as a sweep's file has them."""
    run, name = source
    info = run.checkpoint(name)
    return files.plain_of(
        Ancestor(run=run.id, name=run.name, checkpoint=info.name, epoch=info.epoch)
    )


def check(base: "TrainConfig", cells: Sequence[Cell], start: Source) -> None:
    """Raise RunError if a cell's network can take nothing of the run that all start from."""
    from cifar_core.config import TrainConfig

    run, name = start
    start_from.must_have_weights(run)
    info, classes = run.checkpoint(name), run.environment.data.classes or ["a class"]
    for changes in [cell.changes for cell in cells] or [{}]:
        config = TrainConfig.from_dict({**base.to_dict(), **changes})
        if why := start_from.fit(run, info, config, classes).refused:
            raise RunError(why)


def check_sweep(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Raise ConfigError or RunError if a sweep's plan has runs that could not be made.

    They would learn from teachers that it does not have, or could take nothing of its start.
    """
    from cifar_core.config import TrainConfig

    base = TrainConfig.from_dict(sweep.base)
    cells = [] if sweep.search else [sweep.cells[place] for place in sweep.places]
    if not sweep.teachers:
        space = sweep.search.get("space", {})
        check_plan(base, [cell.changes for cell in cells], space)
    if sweep.start:
        there = [Run(store.root / "runs" / row.id) for row in rows]
        check(base, cells, found(store, sweep.start, there))


def filler(store: Store, sweep: Sweep, runs: Iterable[Run]) -> Callable[[Path], Mapping[str, Any]]:
    """Return what fills the folder of a new run of a sweep, some of whose `runs` exist already.

    A run that the sweep starts from, or learns from, may be gone; then the copy in one of its
    runs is taken. RunError if there is none.
    """
    others = list(runs)
    start = found(store, sweep.start, others) if sweep.start else None
    teachers = [found(store, teacher, others) for teacher in sweep.teachers]
    return start_from.filler(start=start, teachers=teachers)


def found(store: Store, wanted: Mapping[str, Any], runs: Sequence[Run]) -> Source:
    """Return the run that a sweep's file names, or a copy of what is needed of it."""
    ancestor = Ancestor(**wanted)
    there = (run_folders(store.root / name).get(ancestor.run) for name in ("runs", "trash"))
    for source in [*filter(None, there), *(ancestor_of(run, ancestor) for run in runs)]:
        if any(info.name == ancestor.checkpoint for info in source.checkpoints()):
            return source, ancestor.checkpoint
    raise RunError(
        f"Checkpoint {ancestor.checkpoint} of run {ancestor.run}, from which the runs of this "
        "sweep start or learn, is gone. Restore that run from the trash or from a backup."
    )
