"""A trained network ready to answer: which class is on this picture, and how sure is it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.errors import CheckpointError

BATCH = 256  # images at once: quick, and small enough for any machine
SHOWN = 4  # names listed in a message before it says how many more there are


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A network in evaluation mode with the names of its classes.

    `layer` is where class-activation maps are taken; None, with a sentence why in `layer_note`,
    if the network has no such layer. Whoever runs the model holds `lock`:
    saliency methods hook into the layers, and another thread's pass would trip over the hooks.
    """

    model: nn.Module  # images [N, 3, 32, 32] in [0, 1] -> logits [N, K]
    classes: tuple[str, ...]
    layer: nn.Module | None
    layer_note: str = ""
    title: str = ""
    lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)  # by explain


def make_classifier(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    classes: Sequence[str],
    layer: str | None,
    layer_note: str = "",
    title: str = "",
) -> Classifier:
    """Load saved weights into a freshly built network, which the classifier then owns.

    `layer` is the dotted name of the layer for class-activation maps, if there is one. Raises
    CheckpointError if a single weight is missing, left over or of another shape, or if the
    classes do not fit.
    """
    if misfits := weights_that_do_not_fit(model, weights):
        raise CheckpointError(
            "The saved weights belong to another network: " + "; ".join(misfits) + ". "
            "Choose the model and the settings that they were trained with."
        )
    model.load_state_dict(weights)
    model.float().eval().requires_grad_(False)
    classifier = Classifier(
        model=model,
        classes=tuple(classes),
        layer=model.get_submodule(layer) if layer else None,
        layer_note=layer_note,
        title=title,
    )
    answers = predict(classifier, torch.zeros(1, 3, 32, 32)).shape[1]
    if answers != len(classes):
        raise CheckpointError(
            f"The network tells {answers} classes apart, but {len(classes)} names were given. "
            "Use the class names of the data that it was trained on."
        )
    return classifier


def weights_that_do_not_fit(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Say what is missing, left over or of another shape; empty if the weights fit exactly."""
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    reshaped = [
        f"{name} is {list(found[name])}, but it must be {list(shape)}"
        for name, shape in wanted.items()
        if name in found and found[name] != shape
    ]
    missing = [name for name in wanted if name not in found]
    left_over = [name for name in found if name not in wanted]
    return (
        ([f"missing {listed(missing)}"] if missing else [])
        + ([f"unknown {listed(left_over)}"] if left_over else [])
        + ([listed(reshaped)] if reshaped else [])
    )


def listed(names: list[str]) -> str:
    """Join the first few and count the rest."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def device_of(model: nn.Module) -> torch.device:
    """Return where the network's weights are."""
    return next(model.parameters()).device


def predict(classifier: Classifier, images: Tensor) -> Tensor:
    """Return probabilities [N, K] on the CPU for images [N, 3, 32, 32] in [0, 1]."""
    device = device_of(classifier.model)
    with classifier.lock, torch.inference_mode():
        logits = [classifier.model(batch.to(device)) for batch in images.split(BATCH)]
        return torch.cat(logits).softmax(dim=1).cpu()


def top(classifier: Classifier, probabilities: Tensor, count: int = 5) -> list[tuple[str, float]]:
    """Name the likeliest classes of one image [K], best first, each with its probability."""
    values, places = probabilities.topk(min(count, len(classifier.classes)))
    return [
        (classifier.classes[place], value)
        for place, value in zip(places.tolist(), values.tolist(), strict=True)
    ]
