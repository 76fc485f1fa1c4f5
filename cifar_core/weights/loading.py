"""Reads the tensors of a file of weights under the names that the lab's network has for them."""

from typing import TYPE_CHECKING

from cifar_core.errors import WeightsError
from cifar_core.weights.layout import COUNTER, Layout, fit
from cifar_core.weights.places import WeightsFile
from cifar_core.weights.unpickle import flat

if TYPE_CHECKING:
    from torch import Tensor


def load(found: WeightsFile, layout: Layout) -> "dict[str, Tensor]":
    """Return every tensor but the last layer's by our names, in float32; raises WeightsError."""
    import torch

    tensors = read(found)
    fitting = fit({name: tuple(tensor.shape) for name, tensor in tensors.items()}, layout)
    if fitting.problems:
        raise WeightsError(
            f"{found.path} does not hold the weights of {layout.title}: "
            f"{'; '.join(fitting.problems)}. Remove it and get it anew."
        )
    ours = {new: tensors[name] for name, new in fitting.names.items()}
    counters = [name for name in layout.wanted if name.endswith(COUNTER) and name not in ours]
    return {
        **{name: t.float() if t.is_floating_point() else t for name, t in ours.items()},
        **{name: torch.zeros((), dtype=torch.int64) for name in counters},
    }


def read(found: WeightsFile) -> "dict[str, Tensor]":
    """Return the tensors of a verified file by the names that they have in it; runs no code."""
    if found.path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(found.path)
    import torch

    try:
        return flat(torch.load(found.path, map_location="cpu", weights_only=True))
    except TypeError as error:
        raise WeightsError(
            f"{found.path} cannot be used as weights: {error}. Remove it and get it anew."
        ) from error
