"""Whether a file's tensors are those of a network, judged by their names and shapes alone."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.errors import CifarError, WeightsError

Shapes = Mapping[str, tuple[int, ...]]
COUNTER = ".num_batches_tracked"  # of batch norm; older files lack it
MAX_HEADER = 5_000_000  # bytes; that of a thousand tensors has 100,000
SHOWN, LONGEST = 3, 80  # names in a message, and characters of a name


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a file must hold to be the weights of one network."""

    key: str  # of the weights
    title: str
    shapes: Shapes  # of the network's tensors by our names, last layer included
    head: str  # our name of the last layer, which every run creates again
    rename: Callable[[str], str]  # a published name -> ours; CifarError for an unknown one

    @property
    def wanted(self) -> dict[str, tuple[int, ...]]:
        """The tensors that are used: all but the last layer's."""
        prefix = self.head + "."
        return {name: shape for name, shape in self.shapes.items() if not name.startswith(prefix)}


@dataclass(frozen=True, kw_only=True)
class LayoutMatch:
    """How well the tensors of a file match those of a network."""

    layout: Layout
    names: dict[str, str]  # in the file -> ours, for the tensors that are used
    problems: list[str]  # empty if they fit

    @property
    def likeness(self) -> float:
        """The share of the network's tensors that the file has in the right shape, 0 to 1."""
        return len(self.names) / max(1, len(self.layout.wanted))


def fit(shapes: Shapes, layout: Layout) -> LayoutMatch:
    """Compare a file's tensors with a network's; the last layer may be missing or of any size."""
    wanted, names, strange, reshaped = layout.wanted, {}, [], []
    for name, shape in shapes.items():
        ours = our_name(name, layout)
        if ours.startswith(layout.head + "."):
            continue
        if ours not in wanted:
            strange.append(name)
        elif wanted[ours] != tuple(shape):
            reshaped.append(f"{name} is {list(shape)} instead of {list(wanted[ours])}")
        else:
            names[name] = ours
    have = {our_name(name, layout) for name in shapes}
    missing = [name for name in wanted if name not in have and not name.endswith(COUNTER)]
    problems = [
        *([f"it lacks {listed(missing)}"] if missing else []),
        *([f"it also has {listed(strange)}"] if strange else []),
        *([listed(reshaped)] if reshaped else []),
    ]
    return LayoutMatch(layout=layout, names=names, problems=problems)


def our_name(name: str, layout: Layout) -> str:
    """Return our name of a tensor; files that we wrote already use it."""
    if name in layout.shapes:
        return name
    try:
        return layout.rename(name)
    except CifarError:
        return name


def listed(words: list[str]) -> str:
    """Join the first few and count the rest."""
    rest = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(word[:LONGEST] for word in words[:SHOWN]) + rest


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes in a safetensors file, from its header alone; needs no torch."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= MAX_HEADER else None
    except (OSError, ValueError, RecursionError):
        header = None
    tensors = header.items() if isinstance(header, dict) else [("", None)]
    shapes = {name: shape_in(about) for name, about in tensors if name != "__metadata__"}
    if None in shapes.values():
        raise WeightsError(
            f"{path} cannot be read as a safetensors file: its header is not a list of tensors and "
            "their shapes. Choose another file."
        )
    return {name: shape for name, shape in shapes.items() if shape is not None}


def shape_in(about: Any) -> tuple[int, ...] | None:
    """Return the shape from a header's entry for a tensor; None if there is none."""
    shape = about.get("shape") if isinstance(about, dict) else None
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        return None
    return tuple(shape)
