"""Reads the tensors of a file of weights under the names that this lab's network uses."""

from typing import TYPE_CHECKING

from cifar_core.errors import WeightsError
from cifar_core.weights.layout import COUNTER, Layout, fit
from cifar_core.weights.locations import WeightsFile
from cifar_core.weights.unpickle import flat

if TYPE_CHECKING:
    from torch import Tensor


def load(file: WeightsFile, layout: Layout) -> "dict[str, Tensor]":
    """Return every tensor but the last layer's by our names, in float32; raises WeightsError."""
    import torch

    tensors = read(file)
    match = fit({name: tuple(tensor.shape) for name, tensor in tensors.items()}, layout)
    if match.problems:
        raise WeightsError(
            f"{file.path} does not hold the weights of {layout.title}: "
            f"{'; '.join(match.problems)}. Remove it and get it again."
        )
    ours = {new: tensors[name] for name, new in match.names.items()}
    counters = [name for name in layout.wanted if name.endswith(COUNTER) and name not in ours]
    return {
        **{name: t.float() if t.is_floating_point() else t for name, t in ours.items()},
        **{name: torch.zeros((), dtype=torch.int64) for name in counters},
    }


def read(file: WeightsFile) -> "dict[str, Tensor]":
    """Return the tensors of a verified file by their names in the file; runs no code."""
    if file.path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file.path)
    import torch

    try:
        return flat(torch.load(file.path, map_location="cpu", weights_only=True))
    except TypeError as error:
        raise WeightsError(
            f"{file.path} cannot be used as weights: {error}. Remove it and get it again."
        ) from error
