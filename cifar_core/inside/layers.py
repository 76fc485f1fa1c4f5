"""The layers of a network in the order in which an image passes them, and their outputs.

Letters: N images, C channels, H W size of a map, T tokens of a transformer, P positions or tokens.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.explain import Explainable
from cifar_core.explain.spec import at_rest

OUTER = 2  # containers no deeper than this, such as body.encoder, do not count as layers
SILENT = (nn.Identity, nn.Dropout, nn.Flatten)  # pass on their input


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One call of a module in a pass."""

    name: str  # dotted; the second call of a module that is used again ends in " #2"
    kind: str  # class of the module
    shape: tuple[int, ...]  # of the output for one image: (C, H, W), (T, C) or (C,)
    main: bool  # a step of the network's outline rather than a part of one

    @property
    def channels(self) -> int:
        """The number of channels."""
        return self.shape[-1] if len(self.shape) == 2 else self.shape[0]


Listener = Callable[[str, nn.Module, Tensor], None]


@contextmanager
def watched(model: nn.Module, receive: Listener) -> Iterator[None]:
    """Call `receive` with the name, the module and the output of every layer while the block runs.

    Copy an output to keep it: in-place activations change it later. The model is in evaluation
    mode, and hooks and modes are restored, even if the block raises.
    """
    calls: Counter[str] = Counter()

    def hook_of(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            if isinstance(tensor, Tensor) and tensor.is_floating_point() and 2 <= tensor.ndim <= 4:
                calls[name] += 1
                receive(name if calls[name] == 1 else f"{name} #{calls[name]}", module, tensor)

        return hook

    handles = []
    try:
        for name, module in model.named_modules():
            if name and not isinstance(module, SILENT):
                handles.append(module.register_forward_hook(hook_of(name)))
        with at_rest(model):
            yield
    finally:
        for handle in handles:
            handle.remove()


def layers_of(classifier: Explainable) -> list[Layer]:
    """Return the layers in the order in which they finish, determined with one gray image."""
    model = classifier.model
    main, layers = outline(model), []

    def receive(name: str, module: nn.Module, output: Tensor) -> None:
        shape = tuple(output.shape[1:])
        kind = type(module).__name__
        layers.append(Layer(name=name, kind=kind, shape=shape, main=name in main))

    device = next(model.parameters()).device
    gray = torch.full((1, 3, classifier.side, classifier.side), 0.5, device=device)
    with classifier.lock, torch.no_grad(), watched(model, receive):
        model(gray)
    return layers


def outline(model: nn.Module) -> set[str]:
    """Return the names of a network's main steps, in its sequences and outer containers."""
    steps = set()

    def descend(prefix: str, module: nn.Module, depth: int) -> None:
        for name, child in module.named_children():
            opens = isinstance(child, nn.Sequential) or depth < OUTER
            if opens and any(child.children()):
                descend(f"{prefix}{name}.", child, depth + 1)
            else:
                steps.add(prefix + name)

    descend("", model, 0)
    return steps


def by_channel(output: Tensor) -> Tensor:
    """Reshape maps [N, C, H, W], tokens [N, T, C] or features [N, C] to [N, C, P]."""
    if output.ndim == 4:
        return output.flatten(2)
    return output.transpose(1, 2) if output.ndim == 3 else output[:, :, None]
