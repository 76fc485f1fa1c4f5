"""Gives a copy of a run the start and the teachers of the run: for clones and repetitions.

They come from the copies in the run's own folder, so the runs that they are of may be gone.
"""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.disk import files
from cifar_core.errors import ConfigError
from cifar_core.runs.family import inheritance, start_from, train_on
from cifar_core.runs.family.kept import kept
from cifar_core.runs.family.teachers import of_run
from cifar_core.runs.record import metrics
from cifar_core.runs.record.family.ancestors import CONTINUES, Start
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


def like(run: Run, config: "TrainConfig") -> Callable[[Path], Mapping[str, Any]]:
    """Return what gives a new run with these settings the start and the teachers of a run.

    It is the `fill` of `Store.create`, and does nothing for a run that starts from the beginning.
    ConfigError if the run trains another one on and the settings would make another run of that;
    RunError if a copy is missing.
    """
    about = run.about
    teachers = of_run(run)
    if about.start is None or about.start.how != CONTINUES:
        source = kept(run, about.start) if about.start else None
        start = (source[0], source[1].name) if source else None
        return start_from.filler(start=start, teachers=teachers)
    _, info = kept(run, about.start)
    train_on.check_same(run.config, config)
    began = inheritance.progress_of(info).epoch
    if config.epochs < began:
        why = f"epochs is {config.epochs}, but {began} are done where this goes on. Choose more."
        raise ConfigError({"epochs": why})
    return partial(go_on_alike, run, about.start, teachers, config)


def go_on_alike(
    run: Run,
    start: Start,
    teachers: list[tuple[Run, str]],
    config: "TrainConfig",
    draft: Path,
) -> Mapping[str, Any]:
    """Fill the folder of a run that trains the same run on from the same checkpoint."""
    marks = start_from.fill(None, teachers, draft)
    source, info = kept(run, start)
    inheritance.keep_with_best(source, info, draft)
    rows = metrics.attempt_folder(run.path, inheritance.INHERITED)
    shutil.copytree(rows, metrics.attempt_folder(draft, inheritance.INHERITED))
    if files.is_there(source.path / "environment.json"):
        shutil.copyfile(source.path / "environment.json", draft / "environment.json")
    inheritance.lay(draft, start)
    inheritance.summarize(draft, info, config)
    return {**marks, "start": start}
