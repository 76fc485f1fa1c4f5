"""The teachers of a run that a command makes: --teacher RUN[:CHECKPOINT], as often as needed."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cifar_core.runs.family import teachers as family
from cifar_core.runs.store.store import Store

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

SHARE = "distill_share"


def add_teachers(parser: ArgumentParser) -> None:
    """Give a command the switch that names a teacher."""
    parser.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="RUN[:CHECKPOINT]",
        help="learn from the answers of a run too, those of its best epoch unless a checkpoint is "
        "named (can be repeated; distill_share is then 0.9 unless it is set)",
    )


def with_usual_share(words: dict[str, str], arguments: Namespace) -> dict[str, str]:
    """Return typed settings with the usual share of the loss where teachers are named alone."""
    from cifar_core.config.distill_settings import USUAL_SHARE

    has_teachers = "teacher" in arguments and arguments.teacher
    return {SHARE: f"{USUAL_SHARE:g}", **words} if has_teachers else words


def teachers_of(arguments: Namespace, config: "TrainConfig", store: Store) -> family.Teachers:
    """Return the teachers that a command names; an error says which one cannot teach, and why."""
    teachers = [family.named(store, word) for word in arguments.teacher]
    family.check(config, teachers, family.classes_of(config, store))
    return teachers
