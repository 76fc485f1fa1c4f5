"""Reads the published Vision GNN weights: translates their tensor names into ours."""

import re
from collections.abc import Mapping

from torch import Tensor

from cifar_core.errors import CheckpointError

WRAPPERS = ("model", "state_dict")  # keys under which some files store the tensors
RULES = [  # published name -> ours; the ending (.weight, .bias, ...) stays
    (r"stem\.convs\.(\d+)", r"stem.\1"),
    (r"pos_embed", r"pos_embed"),
    (r"backbone\.(\d+)\.0\.(fc1|fc2)\.([01])", r"blocks.\1.grapher.\2.\3"),
    (r"backbone\.(\d+)\.0\.graph_conv\.gconv\.nn\.([01])", r"blocks.\1.grapher.conv.update.\2"),
    (r"backbone\.(\d+)\.0\.relative_pos", r"blocks.\1.grapher.relative_pos"),
    (r"backbone\.(\d+)\.1\.(fc1|fc2)\.([01])", r"blocks.\1.ffn.\2.\3"),
    (r"backbone\.(\d+)\.conv\.([01])", r"blocks.\1.\2"),
    (r"prediction\.([014])", r"head.\1"),
]
ENDING = r"(\.(?:weight|bias|running_mean|running_var|num_batches_tracked))?"
PATTERNS = [(re.compile(old + ENDING), rf"body.{new}\{old.count('(') + 1}") for old, new in RULES]


def from_published(saved: Mapping[str, object]) -> dict[str, Tensor]:
    """Return the tensors of a published file under the names of our models' state_dict.

    Raises CheckpointError for a file that holds anything else.
    """
    for wrapper in WRAPPERS:
        inner = saved.get(wrapper)
        if isinstance(inner, Mapping):
            saved = inner
    tensors = {name: value for name, value in saved.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(
            "The file holds no tensors. Choose a file of the published ViG weights, "
            "for example vig_ti_74.5.pth."
        )
    return {ours(name): tensor for name, tensor in tensors.items()}


def ours(name: str) -> str:
    """Return our name for one tensor of a published file."""
    plain = name.removeprefix("module.")  # left by training on several GPUs
    for pattern, new in PATTERNS:
        if match := pattern.fullmatch(plain):
            return match.expand(new)
    raise CheckpointError(
        f"The file holds a tensor called '{name}', which the published ViG weights do not. "
        "Choose a file of the published ViG weights, for example vig_ti_74.5.pth."
    )


def without_last_layer(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the last layer, which is for the 1000 classes of ImageNet."""
    return {name: t for name, t in tensors.items() if not name.startswith("body.head.4.")}
