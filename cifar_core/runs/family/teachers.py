"""The teachers of a run: checkpoints of other runs, kept in its own folder.

about.json names them; the setting `distill_share` says how much is learned from them. A run that
has one without the other is refused when it is made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core import data
from cifar_core.data import find
from cifar_core.disk import files
from cifar_core.errors import DataError, RunError, WeightsError
from cifar_core.runs.family.kept import ancestor_of, keep
from cifar_core.runs.prepare import teacher_networks
from cifar_core.runs.prepare.teacher_networks import Taught
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.family.ancestors import Ancestor, folder_of
from cifar_core.runs.record.records import UsedTeacher
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING
from cifar_core.runs.store.store import Store

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig
    from cifar_core.training.task.teachers import Teacher

Teachers = Sequence[Taught]


def keep_teachers(teachers: Teachers, draft: Path) -> list[Ancestor]:
    """Keep the weights of checkpoints in the folder of a new run; return what about.json says.

    A run whose `distill_share` is 0 gets none, so that a sweep can compare it with others. A
    checkpoint that is kept already, because the run also starts from it, stays as it is.
    CheckpointError if one is damaged.
    """
    if not files.read_json(draft / "config.json").get("distill_share"):
        return []
    return [kept(run, run.checkpoint(name), draft) for run, name in teachers]


def kept(run: Run, info: CheckpointInfo, draft: Path) -> Ancestor:
    """Keep the weights of a checkpoint, unless they are there."""
    ancestor = Ancestor(run=run.id, name=run.name, checkpoint=info.name, epoch=info.epoch)
    if files.is_there(folder_of(draft, ancestor) / "checkpoints" / info.name):
        return ancestor
    return keep(run, info, draft, state=False)


def check(config: "TrainConfig", teachers: Teachers, classes: Sequence[str] = ()) -> None:
    """Raise ConfigError or RunError if a run cannot learn from these teachers.

    `classes` are those of its images; without them, they are compared when the run begins.
    """
    config.check_teachers(len(teachers))
    seen = set()
    for run, name in teachers:
        if run.kind != TRAINING:
            raise RunError(
                f"Run #{run.number} {KINDS[run.kind].instead}, so it has no network that could "
                "teach. Choose a training."
            )
        info = run.checkpoint(name)
        if (run.id, info.name) in seen:
            raise RunError(
                f"Checkpoint {info.name} of run #{run.number} is chosen as a teacher twice. Choose "
                "each one once."
            )
        seen.add((run.id, info.name))
        own = run.environment.data.classes
        if classes and (problem := teacher_networks.other_classes(run, own, classes)):
            raise RunError(problem)


def check_plan(
    base: "TrainConfig",
    changes: Iterable[Mapping[str, Any]],
    space: Mapping[str, Mapping[str, Any]],
    teachers: Teachers = (),
) -> None:
    """Raise ConfigError if runs of a sweep or a search would lack teachers, or use none of them.

    `changes` are those of a sweep's cells; `space` has the ranges and choices of a search.
    """
    name = "distill_share"
    searched = space.get(name, {})
    shares = [change.get(name, base.distill_share) for change in changes] or [
        *searched.get("choices", [searched.get("high", base.distill_share)])
    ]
    replace(base, distill_share=max(shares)).check_teachers(len(teachers))


def classes_of(config: "TrainConfig", store: Store) -> tuple[str, ...]:
    """Return the classes of a run's images; none while the images are not decoded."""
    try:
        images = find.kept(data.resolve(config.data, store.root, store.by), store.root)
    except DataError:  # it is said when the run is made
        return ()
    return images.classes if images else ()


def of_run(run: Run) -> list[Taught]:
    """Return the teachers of a run as its own folder has them, such as for another run like it."""
    return [(ancestor_of(run, one), one.checkpoint) for one in run.about.teachers]


def open_teachers(run: Run, classes: Sequence[str]) -> "list[Teacher]":
    """Return the teachers of a run whose images have these classes, on the CPU.

    Raises WeightsError if a copy of their weights is missing or damaged, or if the classes differ.
    """
    for one in run.about.teachers:
        if Path(one.run).name != one.run:  # of a run that comes from elsewhere
            raise WeightsError(
                f"about.json of run #{run.number} names {one.run!r} as a teacher, which is not "
                "the name of a run. Choose the teachers again, in a new run."
            )
    return teacher_networks.opened(of_run(run), classes)


def records(run: Run, teachers: "Sequence[Teacher]") -> list[UsedTeacher]:
    """Return what environment.json says of the teachers of a run."""
    if not teachers:
        return []
    return [
        UsedTeacher(
            run=one.run, name=one.name, checkpoint=one.checkpoint, epoch=one.epoch,
            sha256=teacher.sha256, model=str(teacher.built["model"]), side=teacher.side,
        )
        for one, teacher in zip(run.about.teachers, teachers, strict=True)
    ]  # fmt: skip


def sentence(teachers: Sequence[UsedTeacher], side: int) -> str:
    """Say from which runs a run learns, whose images have `side` pixels a side."""
    words = [
        f"{one.title} (epoch {one.epoch:.3g}, sha256 {one.sha256[:16]}...)" for one in teachers
    ]
    seen = sorted({one.side for one in teachers if one.side != side})
    scaled = ""
    if seen:
        sides = " and ".join(map(str, seen))
        scaled = (
            f" Images are scaled from {side} to {sides} pixels for a teacher that was trained at "
            "that size; it sees only what they hold."
        )
    return f"Learning from {' and '.join(words)}.{scaled}"


def named(store: Store, word: str) -> Taught:
    """Return the run and the checkpoint that RUN or RUN:CHECKPOINT names; "best" by default."""
    ref, _, checkpoint = word.partition(":")
    run = store.run(ref)
    return run, run.checkpoint(checkpoint or "best").name
