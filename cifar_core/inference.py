"""Predicts the class of an image with a trained network, and the confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.batching import images_at_once
from cifar_core.errors import CheckpointError

BATCH = 256  # images at once, at most: quick, and small enough for any machine
TIMED = 3  # passes, to measure one
LONG = 0.3  # CPU seconds of a pass that are enough to time it
SHOWN = 4  # names listed in a message; the rest are counted


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A network in evaluation mode with the names of its classes.

    `layer` is the layer for class-activation maps; None, with the reason in `layer_note`, if the
    network has no such layer. Hold `lock` while running the model: saliency methods hook into the
    layers, and another thread's pass would call the hooks.
    """

    model: nn.Module  # images [N, 3, side, side] in [0, 1] -> logits [N, K]
    classes: tuple[str, ...]
    layer: nn.Module | None
    layer_note: str = ""
    title: str = ""
    side: int = 32  # pixels a side of the images that it was trained on
    lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)  # by explain

    @cached_property
    def last_layer(self) -> nn.Linear | nn.Conv2d:
        """The layer that turns features into a value for each class."""
        with self.lock:
            return last_layer(self.model, len(self.classes), self.side)

    @property
    def at_once(self) -> int:
        """How many images a batch has room for."""
        return min(BATCH, images_at_once(self.side))

    def blank(self, count: int) -> Tensor:
        """Return black images [count, 3, side, side]."""
        return torch.zeros(count, 3, self.side, self.side)


def make_classifier(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    classes: Sequence[str],
    layer: str | None,
    layer_note: str = "",
    title: str = "",
    side: int = 32,
) -> Classifier:
    """Load saved weights into a freshly built network, which the classifier then owns.

    `layer` is the dotted name of the layer for class-activation maps, if there is one; `side` is
    how many pixels a side the images have that the network was trained on. Raises
    CheckpointError if a single weight is missing, left over or of another shape, or if the number
    of classes differs.
    """
    if problems := mismatches(model, weights):
        raise CheckpointError(
            "The saved weights belong to another network: " + "; ".join(problems) + ". "
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
        side=side,
    )
    count = predict(classifier, classifier.blank(1)).shape[1]
    if count != len(classes):
        raise CheckpointError(
            f"The network distinguishes {count} classes, but {len(classes)} names were given. "
            "Use the class names of the data that it was trained on."
        )
    return classifier


def mismatches(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Return which weights are missing, left over or of another shape; empty if they match."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    saved = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    reshaped = [
        f"{name} is {list(saved[name])}, but it must be {list(shape)}"
        for name, shape in expected.items()
        if name in saved and saved[name] != shape
    ]
    missing = [name for name in expected if name not in saved]
    left_over = [name for name in saved if name not in expected]
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
    """Return the device of the network's weights."""
    return next(model.parameters()).device


def predict(classifier: Classifier, images: Tensor) -> Tensor:
    """Return probabilities [N, K] on the CPU for images [N, 3, side, side] in [0, 1]."""
    device = device_of(classifier.model)
    with classifier.lock, torch.inference_mode():
        logits = [classifier.model(batch.to(device)) for batch in images.split(classifier.at_once)]
        return torch.cat(logits).softmax(dim=1).cpu()


def last_layer(model: nn.Module, num_classes: int, side: int = 32) -> nn.Linear | nn.Conv2d:
    """Return the last layer that has one output for each class in a pass of a side x side image."""
    called: list[nn.Linear | nn.Conv2d] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, _: called.append(module))
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and len(module.weight) == num_classes
    ]
    try:
        with torch.inference_mode():
            model(torch.zeros(1, 3, side, side, device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    assert called, f"no linear layer or convolution has {num_classes} outputs"
    return called[-1]


def outputs(classifier: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits [N, K] of images [N, 3, side, side] in [0, 1], and their features.

    The features [N, D] are the input of the last layer, averaged over positions if it is a
    convolution.
    """
    caught: list[Tensor] = []
    layer, device = classifier.last_layer, device_of(classifier.model)
    with classifier.lock, torch.inference_mode():
        hook = layer.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            logits = [
                classifier.model(batch.to(device)) for batch in images.split(classifier.at_once)
            ]
        finally:
            hook.remove()
        features = [x.mean(dim=(2, 3)) if x.ndim == 4 else x for x in caught]
        return torch.cat(logits).cpu(), torch.cat(features).cpu()


def top(classifier: Classifier, probabilities: Tensor, count: int = 5) -> list[tuple[str, float]]:
    """Return the most likely classes of one image [K], best first, each with its probability."""
    values, indices = probabilities.topk(min(count, len(classifier.classes)))
    return [
        (classifier.classes[index], value)
        for index, value in zip(indices.tolist(), values.tolist(), strict=True)
    ]


def predictions(
    classifier: Classifier, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the predicted class [N] of images [N, side, side, 3], and the confidence [N].

    The images are in 0..255.
    """
    results, most = [], classifier.at_once
    for start in range(0, len(pixels), most):  # in between, another thread can use the network
        part = torch.from_numpy(np.array(pixels[start : start + most]))
        results.append(predict(classifier, part.permute(0, 3, 1, 2).float() / 255).max(dim=1))
    classes = torch.cat([best.indices for best in results])
    return classes.numpy(), torch.cat([best.values for best in results]).numpy()


def seconds_per_image(classifier: Classifier, images: int = 8) -> float:
    """Measure the wall time of the forward pass of a small batch, in seconds per image.

    The quickest of a few passes counts, so that what else the machine does matters less.
    """
    batch = classifier.blank(min(images, classifier.at_once))
    predict(classifier, batch)  # the first pass also reserves memory
    times = []
    for _ in range(TIMED):
        start = perf_counter()
        predict(classifier, batch)
        times.append(perf_counter() - start)
    return min(times) / len(batch)


def job_seconds_per_image(classifier: Classifier, at_once: int) -> float:
    """Measure how many seconds an image takes a background job, which has one thread.

    The CPU time of all threads is that of one thread, whatever else the machine does meanwhile.
    Batches grow up to the `at_once` images of the job, or until a pass takes LONG: a small one
    costs several times as much for each image.
    """
    size = min(8, at_once)
    predict(classifier, classifier.blank(size))  # the first pass also reserves memory
    while True:
        batch = classifier.blank(size)
        start = process_time()
        predict(classifier, batch)
        spent = process_time() - start
        if size >= at_once or spent > LONG:
            return spent / size
        size = min(4 * size, at_once)
