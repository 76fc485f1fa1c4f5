"""Reads the published Vision GNN weights: translates their tensor names into ours."""

import re

from cifar_core.errors import CheckpointError

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
