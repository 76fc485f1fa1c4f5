"""Starting from the weights of an own run, also for other classes, another size or network.

What fits by name and shape is taken; the last layer only if the classes are the same. The rest
stays as initialized and is listed. The checkpoint is kept in the new run's folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core.errors import RunError
from cifar_core.numbers import counted
from cifar_core.runs.family.kept import keep, kept
from cifar_core.runs.family.teachers import keep_teachers
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.checkpoints import MODEL, CheckpointInfo
from cifar_core.runs.record.family.ancestors import WEIGHTS, Start
from cifar_core.runs.record.records import UsedWeights
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING
from cifar_core.runs.store.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.config import TrainConfig

Shape = tuple[int, ...]
OTHER_CLASSES, ABSENT = "the classes are others", "not in the checkpoint"
OF_THE_SIZE = "follows from the size of the images"


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Which tensors of a network come from a checkpoint, and why the others do not."""

    title: str  # of the network
    origin: str  # the network and the run that the checkpoint is of, in words
    names: tuple[str, ...]  # of the tensors that are taken
    left: tuple[tuple[str, str], ...]  # of those that stay as initialized, each with the reason
    unused: tuple[str, ...]  # of the checkpoint's tensors for which the network has no place
    new_head: bool  # whether the last layer stays as initialized
    refused: str  # why the network cannot start from this checkpoint; else empty

    @property
    def taken(self) -> int:
        """How many tensors of the network are taken."""
        return len(self.names)

    @property
    def of(self) -> int:
        """How many tensors the network has."""
        return len(self.names) + len(self.left)

    @property
    def sentence(self) -> str:
        """The taken tensors and those that are left, in words."""
        if self.refused:
            return self.refused
        if not self.left:
            return f"All {counted(self.of, 'tensor')} are taken from {self.origin}."
        head = " The last layer is new." if self.new_head else ""
        return f"{self.taken} of {counted(self.of, 'tensor')} are taken from {self.origin}.{head}"


def fit(
    run: Run, checkpoint: str | CheckpointInfo, config: "TrainConfig", classes: Sequence[str]
) -> Fit:
    """Say what a run with these settings and classes would take from a checkpoint of another run.

    Reads no weights: only their names and shapes. RunError if there is no such checkpoint.
    """
    info = run.checkpoint(checkpoint) if isinstance(checkpoint, str) else checkpoint
    return compared(run, info, config, classes, shapes_in(info.path / MODEL))


def compared(
    run: Run,
    info: CheckpointInfo,
    config: "TrainConfig",
    classes: Sequence[str],
    there: Mapping[str, Shape],
) -> Fit:
    """Compare the tensors of a checkpoint with those of a network."""
    from cifar_core.models import MODELS

    spec, own = MODELS[config.model], shapes_of(config, len(classes))
    head = head_of(config, len(classes))
    same_classes = list(classes) == list(run.environment.data.classes)
    foreign = frozenset() if same_classes else head
    reasons = {name: why_not(name, own[name], there.get(name), foreign) for name in own}
    names = tuple(name for name, why in reasons.items() if not why)
    left = tuple((name, why) for name, why in reasons.items() if why)
    of = run.settings.get("model", "")
    origin = MODELS[of].title if of in MODELS else of
    body = [name for name in names if name not in head and len(own[name]) > 1]
    refused = (
        f"The weights of run {run.id} are those of {origin}, and none of them fits {spec.title}. "
        f"Choose {origin} as the network, or a run that trained {spec.title}."
    )
    return Fit(
        title=spec.title,
        origin=f"{origin} of run {run.id} (epoch {info.epoch:g})",
        names=names,
        left=left,
        unused=tuple(name for name in there if name not in own),
        new_head=any(name in head for name, _ in left),
        refused="" if body else refused,
    )


def why_not(name: str, own: Shape, there: Shape | None, foreign: frozenset[str]) -> str:
    """Return why a tensor of the network cannot be taken; empty if it can.

    `foreign` are those that depend on the classes, if these are others.
    """
    if there is None:
        return ABSENT
    if name in foreign:
        return OTHER_CLASSES
    if own == there:
        return ""
    if name.endswith("relative_pos"):
        return OF_THE_SIZE
    if resized_shape(name, there, own) == own:
        return ""
    return f"it has the shape {words(there)} there and {words(own)} here"


def words(shape: Shape) -> str:
    """Return a shape in words, such as 64 x 3 x 3 x 3."""
    return " x ".join(map(str, shape)) or "of a number"


def resized_shape(name: str, there: Shape, own: Shape) -> Shape:
    """Return the shape of a tensor at the resolution of the network; computes nothing."""
    import torch

    from cifar_core.models.pretrained import at_resolution

    old, new = (torch.empty(shape, device="meta") for shape in (there, own))
    return tuple(at_resolution(name, old, new).shape)


def shapes_of(config: "TrainConfig", num_classes: int) -> dict[str, Shape]:
    """Return the shapes of a network's tensors by name; allocates no weights."""
    options = tuple(sorted(config.build_options.items()))
    return dict(built_shapes(config.model, num_classes, options))


def head_of(config: "TrainConfig", num_classes: int) -> frozenset[str]:
    """Return the names of the tensors whose shape depends on the number of classes."""
    own, other = shapes_of(config, num_classes), shapes_of(config, num_classes + 1)
    return frozenset(name for name in own if own[name] != other[name])


@cache
def built_shapes(
    model: str, num_classes: int, options: tuple[tuple[str, Any], ...]
) -> tuple[tuple[str, Shape], ...]:
    """Return the names and shapes of a network's tensors."""
    import torch

    from cifar_core.models import MODELS

    with torch.device("meta"):
        network = MODELS[model].build(num_classes, **dict(options))
    return tuple((name, tuple(tensor.shape)) for name, tensor in network.state_dict().items())


def shapes_in(path: Path) -> dict[str, Shape]:
    """Return the shapes of the tensors in a file of weights, from its header alone."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}


def begin(
    store: Store,
    config: "TrainConfig",
    source: Run,
    checkpoint: str = "best",
    *,
    name: str = "",
    parent: str = "",
    classes: Sequence[str] = (),
    teachers: Sequence[tuple[Run, str]] = (),
) -> Run:
    """Make a run that starts from the weights of another one, as a draft.

    `parent` is the run whose settings were cloned, if any. RunError if none of the weights fits
    but those of the last layer; without `classes` those of the other run are assumed.
    """
    must_have_weights(source)
    known = classes or source.environment.data.classes or ["a class"]
    if why := fit(source, checkpoint, config, known).refused:
        raise RunError(why)
    fill = filler(start=(source, checkpoint), teachers=teachers)
    return store.create(config, name=name, parent=parent, fill=fill)


def must_have_weights(run: Run) -> None:
    """Raise RunError for a run of a kind that keeps no weights."""
    if run.kind != TRAINING:
        raise RunError(
            f"Run {run.id} {KINDS[run.kind].instead}, so it has no weights. Choose a training."
        )


def filler(
    *, start: tuple[Run, str] | None = None, teachers: Sequence[tuple[Run, str]] = ()
) -> Callable[[Path], Mapping[str, Any]]:
    """Return what fills the folder of a run, for `Store.create`.

    `start` is the run, and its checkpoint, whose weights it starts from; `teachers` are those that
    it learns from. Their weights are kept in the folder.
    """
    return partial(fill, start, list(teachers))


def fill(
    start: tuple[Run, str] | None, teachers: list[tuple[Run, str]], draft: Path
) -> Mapping[str, Any]:
    """Keep the weights that a run needs in its folder; return the marks that go with them."""
    marks: dict[str, Any] = {}
    if start:
        ancestor = keep(start[0], start[0].checkpoint(start[1]), draft, state=False)
        marks["start"] = Start(**structs.asdict(ancestor), how=WEIGHTS)
    if teachers:
        marks["teachers"] = keep_teachers(teachers, draft)
    return marks


def load(
    run: Run, config: "TrainConfig", classes: Sequence[str]
) -> "tuple[dict[str, Tensor], UsedWeights, Fit]":
    """Return the tensors that a run starts from, by the names and in the shapes of its network.

    Also a record for its environment, and what fits. CheckpointError if the copy in its folder is
    damaged; RunError if nothing fits.
    """
    import torch

    from cifar_core.models.pretrained import at_resolution

    start = run.about.start
    assert start is not None
    source, info = kept(run, start)
    tensors = checkpoints.load_model(info.path)
    found = compared(
        source, info, config, classes, {name: tuple(t.shape) for name, t in tensors.items()}
    )
    if found.refused:
        raise RunError(found.refused)
    own = shapes_of(config, len(classes))
    taken = {
        name: at_resolution(name, tensors[name], torch.empty(own[name], device="meta"))
        for name in found.names
    }
    record = UsedWeights(
        path=str((info.path / MODEL).relative_to(run.path)),
        file=MODEL,
        sha256=info.manifest["files"][MODEL]["sha256"],
        source=found.origin,
        run=start.run,
        checkpoint=start.checkpoint,
        taken=found.taken,
        of=found.of,
        left=[name for name, _ in found.left],
    )
    return taken, record, found
