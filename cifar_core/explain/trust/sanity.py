"""Does a method's map depend on what the network has learned?

Cascading randomization after Adebayo et al. 2018, "Sanity checks for saliency maps"
(arXiv 1810.03292, section 3.1): the layers are made random from the head down, and the maps are
compared with those of the trained network.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.explain.spec import Explainable, SaliencySpec, Subject
from cifar_core.explain.trust.ranks import spearman
from cifar_core.settings import Settings

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the layers that are random; the first is the head alone
DEPENDS, PICTURE = 0.25, 0.5  # similarity below, and above, which the result is clear


@dataclass(frozen=True, kw_only=True)
class RandomizedStage:
    """How similar the maps still are when `layers` of the layers are random."""

    layers: int  # random ones, counted from the head
    of: int
    similarity: float  # rank correlation with the trained network's maps, mean over the images


def stay_of(stages: list[RandomizedStage]) -> float:
    """Return how much stays when half of the layers or more are random: the largest |similarity|.

    The last stage alone would pass a method whose maps change only with the first layer.
    """
    return max(abs(stage.similarity) for stage in stages if 2 * stage.layers >= stage.of)


def sanity_sentence(stays: float) -> str:
    """Return the meaning of a similarity with a random network, in a sentence."""
    if stays < DEPENDS:
        return f"Falls to {stays:.1f} when the weights are random: depends on what was learned."
    if stays <= PICTURE:
        return f"Falls to {stays:.1f} when the weights are random: depends partly on the picture."
    return f"Stays at {stays:.1f}: shows the picture rather than the network."


def cascade(
    classifier: Explainable,
    images: Tensor,
    targets: Tensor,
    spec: SaliencySpec,
    settings: Settings | None = None,
) -> Iterator[tuple[RandomizedStage, Tensor]]:
    """Yield each stage and its maps [N, H, W], the trained network's first (no layer random).

    The targets [N] stay the same. Works on a copy, so that the classifier is free meanwhile.
    """
    subject = copied(classifier)
    spec.refusal(subject)
    device = next(subject.model.parameters()).device
    images, targets = images.to(device), targets.to(device)
    layers = [module for module in subject.model.modules() if has_own_parameters(module)][::-1]
    trained, done = spec.attribute(subject, images, targets, settings).cpu(), 0
    yield RandomizedStage(layers=0, of=len(layers), similarity=1.0), trained
    for count in sorted({max(1, ceil(share * len(layers))) for share in SHARES}):
        for index, layer in enumerate(layers[done:count], done):
            randomize(layer, seed=index)
        done = count
        # the refusals of the trained network still hold; the prepared copy is made again
        random = Subject(subject.model, subject.layer, dict(subject.refusals), side=subject.side)
        maps = spec.attribute(random, images, targets, settings).cpu()
        yield (
            RandomizedStage(
                layers=count, of=len(layers), similarity=similarity(trained, maps, spec)
            ),
            maps,
        )


def similarity(these: Tensor, those: Tensor, spec: SaliencySpec) -> float:
    """Return the mean rank correlation of maps [N, H, W]; of signed values where there are signs.

    The magnitudes of signed maps would agree because both contain the picture's own contrast.
    """
    rows = [maps.flatten(1) if spec.signed else maps.flatten(1).abs() for maps in (these, those)]
    return float(spearman(*rows).mean())


def copied(classifier: Explainable) -> Subject:
    """Return a copy of the network and of its layer."""
    with classifier.lock:
        model = copy.deepcopy(classifier.model)
    names = [name for name, part in classifier.model.named_modules() if part is classifier.layer]
    layer = model.get_submodule(names[0]) if names else None
    return Subject(model, layer, side=classifier.side)


def has_own_parameters(module: nn.Module) -> bool:
    """Return True if a module has parameters besides those of its submodules."""
    return next(module.parameters(recurse=False), None) is not None


def randomize(layer: Any, seed: int) -> None:
    """Reset a layer to random weights, without changing the state of the global generators.

    A module of our own without `reset_parameters` gets normal numbers of the same spread.
    """
    devices = [value.device for value in layer.parameters() if value.device.type == "cuda"][:1]
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
            return
        for values in layer.parameters(recurse=False):
            spread = float(values.std()) if values.numel() > 1 else 0.0
            values.normal_(float(values.mean()), spread)
