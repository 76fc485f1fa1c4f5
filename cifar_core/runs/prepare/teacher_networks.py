"""Opens the networks of runs as the teachers of another one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.errors import CheckpointError, CifarError, WeightsError
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.run import Run

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cifar_core.config import TrainConfig
    from cifar_core.training.task.teachers import Teacher

Taught = tuple[Run, str]  # a run that teaches, and the name of its checkpoint
SHOWN = 4  # classes that a message names


def as_words(teachers: Sequence[Taught]) -> list[list[str]]:
    """Return teachers for a request to another process."""
    return [[str(run.path), name] for run, name in teachers]


def from_words(words: Sequence[Sequence[str]]) -> list[Taught]:
    """Return the teachers of a request."""
    return [(Run(Path(path)), name) for path, name in words]


def opened(teachers: Sequence[Taught], classes: Sequence[str]) -> "list[Teacher]":
    """Return the teachers of a run with these classes, on the CPU.

    Raises WeightsError if the weights of one are missing or damaged, or if it has other classes.
    """
    return [opened_one(run, name, classes) for run, name in teachers]


def opened_one(run: Run, name: str, classes: Sequence[str]) -> "Teacher":
    """Return the network of a run's checkpoint as a teacher."""
    import torch

    from cifar_core.training.task.teachers import Teacher

    own = run.environment.data.classes
    if problem := other_classes(run, own, classes):
        raise WeightsError(problem)
    try:
        config, info = run.config, run.checkpoint(name)
        network = loaded(config, checkpoints.load_model(info.path), len(own))
    except CifarError as error:
        raise WeightsError(
            f"Teacher #{run.number} cannot be asked: {error} Restore the file from a backup, or "
            "start a new run with another teacher."
        ) from error
    order = [own.index(one) for one in classes]
    return Teacher(
        network=network,
        side=config.side,
        order=None if order == sorted(order) else torch.tensor(order),
        sha256=str(info.manifest["files"][checkpoints.MODEL]["sha256"]),
        built={"model": config.model, **config.build_options},
        multiply_adds=config.card(len(own)).multiply_adds,
    )


def loaded(config: "TrainConfig", weights: "dict[str, Tensor]", classes: int) -> "nn.Module":
    """Return a network with saved weights, in evaluation mode; CheckpointError if they differ."""
    import torch

    from cifar_core.inference import mismatches

    with torch.random.fork_rng([]):  # its first weights are drawn, and replaced
        network = config.build_model(classes)
    if problems := mismatches(network, weights):
        raise CheckpointError(f"Its weights belong to another network: {problems[0]}.")
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def other_classes(run: Run, own: Sequence[str], classes: Sequence[str]) -> str:
    """Say which classes a teacher and the run that asks do not share; empty if they share all."""
    if not own:
        return (
            f"The classes of run #{run.number} are unknown, because its environment.json is "
            "missing or damaged, so it cannot teach. Choose another teacher."
        )
    lacking = [one for one in classes if one not in own]
    more = [one for one in own if one not in classes]
    if not lacking and not more:
        return ""
    parts = [
        *([f"it does not know {listed(lacking)}"] if lacking else []),
        *([f"it also knows {listed(more)}"] if more else []),
    ]
    return (
        f"Run #{run.number} cannot teach these classes: {', and '.join(parts)}. Choose a teacher "
        "that was trained on the same classes."
    )


def listed(names: Sequence[str]) -> str:
    """Name the first few classes and count the rest."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
