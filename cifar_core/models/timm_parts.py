"""The parts of a network of timm: its last layer, its stages and the layer for activation maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from cifar_core.models.spec import Stage

GRID = 7  # positions a side that maps must have at least
GROUPS = 3  # stages of a network whose blocks are all alike


@dataclass(frozen=True, kw_only=True)
class Level:
    """The output of a stretch of the network, as timm's `feature_info` describes it."""

    module: str  # dotted name
    channels: int
    reduction: int  # pixels of the image, a side, that make one position


def levels(body: nn.Module) -> list[Level]:
    """Return the levels of a network from input to output; none if timm describes none.

    Names that only another form of the network has, such as the one for detection, are left out.
    """
    names = dict(body.named_modules())
    return [
        Level(module=one["module"], channels=one["num_chs"], reduction=one["reduction"])
        for one in getattr(body, "feature_info", None) or ()
        if one["module"] in names
    ]


def head_of(body: nn.Module) -> str:
    """Return the dotted name of the last layer; ValueError unless it is one linear layer."""
    last = body.get_classifier()  # type: ignore[operator]
    if not isinstance(last, nn.Linear):
        raise ValueError("it does not end in one linear layer")  # noqa: TRY004 - of the network
    return next(name for name, module in body.named_modules() if module is last)


def stages_of(body: nn.Module, head: str) -> tuple[Stage, ...]:
    """Return all layers but the last one, in stages that end at the levels.

    The first stage has what comes before its level, such as a stem; the last one what follows, such
    as a norm. Where every block has as many positions, as in a ViT, the blocks are three stages.
    """
    found = [level.module for level in levels(body)]
    units = [name for name in cut(body, {*found, head}) if name != head]
    if len({level.reduction for level in levels(body)}) == 1 and len(found) >= GROUPS:
        return alike(units, found)
    parts: list[list[str]] = [[]]
    for unit in units:
        parts[-1].append(unit)
        if unit in found[:-1]:
            parts.append([])
    return tuple(stage(f"Stage {number}", part) for number, part in enumerate(parts, start=1))


def alike(units: list[str], blocks: list[str]) -> tuple[Stage, ...]:
    """Return the stages of a network of equal blocks: what is before them, then three groups."""
    first, third = units.index(blocks[0]), len(blocks) // GROUPS
    bounds = [0, third, 2 * third, len(blocks)]
    made = [stage("Patches", units[:first])]
    for low, high in pairwise(bounds):
        end = units.index(blocks[high]) if high < len(blocks) else len(units)
        part = units[units.index(blocks[low]) : end]
        made.append(stage(f"Layers {low + 1} to {high}", part))
    return tuple(made)


def stage(title: str, units: list[str]) -> Stage:
    """Return a stage of modules and parameters, named as in timm's network."""
    return Stage(title=title, prefixes=tuple(f"body.{unit}" for unit in units))


def cut(module: nn.Module, names: set[str], prefix: str = "") -> Iterator[str]:
    """Yield the modules and parameters, in order, no larger than needed for `names` to be apart."""
    yield from (prefix + name for name, _ in module.named_parameters(recurse=False))
    for child, inner in module.named_children():
        name = prefix + child
        if any(one.startswith(f"{name}.") for one in names):
            yield from cut(inner, names, f"{name}.")
        else:
            yield name


def cam_layer(body: nn.Module, side: int) -> str | None:
    """Return the deepest level with maps [N, C, H, W] of at least 7 x 7; None if there is none.

    `side` is that of the images in pixels. Needs no arithmetic for a network on the "meta" device.
    """
    shapes: dict[str, torch.Size] = {}

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[name] = output.shape

    found = levels(body)
    hooks = [
        body.get_submodule(level.module).register_forward_hook(
            lambda module, given, output, name=level.module: keep(name, output)
        )
        for level in found
    ]
    device = next(body.parameters()).device
    try:
        body.eval()(torch.zeros(1, 3, side, side, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    deep = [
        level.module for level in found
        if len(shape := shapes.get(level.module, torch.Size())) == 4
        and shape[1] == level.channels and min(shape[2:]) >= GRID
    ]  # fmt: skip
    return deep[-1] if deep else None
