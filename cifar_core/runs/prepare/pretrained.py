"""Matches weights with networks: the tensors a run starts from, and the network a file fits."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core import weights
from cifar_core.errors import WeightsError
from cifar_core.runs.record.records import UsedWeights

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.config import TrainConfig
    from cifar_core.models import ModelSpec

PUBLISHED_RESOLUTION = 224  # pixels a side, at which all of these networks were pretrained


def layout_of(spec: "ModelSpec") -> weights.Layout:
    """Return what a file must hold to be this network's weights; allocates no weights."""
    import torch

    with torch.device("meta"):
        model = spec.build(10, resolution=PUBLISHED_RESOLUTION)
    return weights.Layout(
        key=spec.weights,
        title=spec.title,
        shapes={name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        head=spec.head,
        rename=spec.rename,
    )


def layouts(model: str = "") -> Iterator[weights.Layout]:
    """Yield the layouts of all pretrained networks, or of one."""
    from cifar_core.models import MODELS

    chosen = [MODELS[model]] if model else list(MODELS.values())
    if not any(spec.weights for spec in chosen):
        raise WeightsError(
            f"'{model}' is trained from scratch and takes no weights. "
            f"Choose a pretrained model: {', '.join(weights.WEIGHTS)}."
        )
    return (layout_of(spec) for spec in chosen if spec.weights)


def import_weights(path: Path, store: Path, model: str = "") -> weights.Imported:
    """Import a file into the store as the weights of the network that it fits."""
    from cifar_core.models import MODELS

    if model and (read := MODELS[model].read):
        side = MODELS[model].input_size
        return weights.import_as_it_is(path, store, model, lambda file: read(file, side))
    return weights.import_file(path, store, layouts(model))


def load(
    config: "TrainConfig", store: Path
) -> "tuple[dict[str, Tensor] | None, UsedWeights | None]":
    """Return the tensors that a run starts from, and a record of them for its environment.

    None for a network that is trained from scratch; raises WeightsError if they are missing.
    """
    from cifar_core.models import MODELS

    spec = MODELS[config.model]
    if not spec.weights:
        return None, None
    file = weights.find(spec.weights, store)
    if file is None:
        raise weights.missing(spec.weights, store)
    about = weights.WEIGHTS[spec.weights]
    record = UsedWeights(key=file.key, path=str(file.path), sha256=file.sha256,
                       origin=file.origin, file=file.path.name, source=about.source)  # fmt: skip
    if spec.read:
        return spec.read(file.path, config.computes_on), record
    return weights.load(file, layout_of(spec)), record
