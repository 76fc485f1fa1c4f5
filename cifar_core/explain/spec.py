"""The interface of saliency methods to the rest of the package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, Protocol

import torch
from torch import Tensor, fx, nn

from cifar_core.batching import BACKWARD, images_at_once
from cifar_core.errors import ExplanationError
from cifar_core.explain.baselines import Baseline
from cifar_core.explain.prepare import prepare
from cifar_core.settings import Settings


class Explainable(Protocol):
    """A network with its layer to explain, and the lock that lets one thread run it at a time."""

    @property
    def model(self) -> nn.Module:
        """Maps images [N, 3, H, W] in [0, 1] to logits [N, K]."""
        ...

    @property
    def layer(self) -> nn.Module | None:
        """The layer whose feature maps are used."""
        ...

    @property
    def side(self) -> int:
        """How many pixels a side its images have."""
        ...

    @property
    def lock(self) -> Lock:
        """Must be held while the model runs."""
        ...

    @property
    def kept(self) -> dict[str, Any]:
        """Values that live as long as the network."""
        ...


@dataclass(frozen=True)
class Subject:
    """The model to explain, and the layer of it whose feature maps are used.

    The model maps images [N, 3, H, W] in [0, 1] to logits [N, K]; its weights must not change
    during the subject's life. The methods put hooks into it, so no other thread may run it
    meanwhile.
    """

    model: nn.Module
    layer: nn.Module | None  # None if no layer of the model has maps
    refusals: dict[str, str] = field(
        default_factory=dict, compare=False
    )  # by method, filled on demand
    draw: int = 0  # seed of the methods that draw at random
    side: int = 32  # pixels a side of the images that it was trained on

    @cached_property
    def prepared(self) -> nn.Module | None:
        """A copy for methods that change the backward pass; None if none can be made."""
        try:
            return prepare(self.model)
        except fx.proxy.TraceError:
            return None


@dataclass(frozen=True, kw_only=True)
class SaliencySpec:
    """One way to ask a model which pixels mattered."""

    key: str  # saved in files; never renamed
    title: str
    summary: str  # the question that the method answers, in plain words
    # subject, images [N, 3, H, W] in [0, 1], targets [N], settings -> saliency [N, H, W]
    method: Callable[..., Tensor]
    settings: type[Settings] = Settings  # only for this method
    signed: bool  # negative values oppose the class; otherwise the map is >= 0
    # settings -> how often one image goes forward through the model, whatever its size
    passes: Callable[..., int] = lambda settings: 1
    forward_only: bool = False  # else as often back again, which costs twice as much
    random: bool = False  # draws at random: another `Subject.draw` gives another map
    needs_layer: bool = False  # reads the feature maps of the subject's layer
    # subject -> why the method does not suit it; empty if it does
    refuse: Callable[[Subject], str] = lambda subject: ""
    # settings -> the baseline from which the score rises by the map's total; None if it does not
    baseline: Callable[..., Baseline] | None = None
    warning: str = ""  # a known weakness, shown as a badge
    paper: str = ""

    def cost(self, settings: Settings) -> int:
        """Return the cost of a map in forward passes; a backward pass counts as two."""
        return self.passes(settings) * (1 if self.forward_only else 3)

    def attribute(
        self, subject: Subject, images: Tensor, targets: Tensor, settings: Settings | None = None
    ) -> Tensor:
        """Return saliency [N, H, W] of images [N, 3, H, W] in [0, 1] for the classes [N].

        The model is explained in evaluation mode and is left as it was. Raises ExplanationError
        if the method does not suit it.
        """
        if why := self.refusal(subject):
            raise ExplanationError(
                f"{self.title} cannot explain this network. {why} Choose another method, such as "
                "'gradient' or 'integrated_gradients'."
            )
        with torch.inference_mode(False), torch.enable_grad(), at_rest(subject.model):
            most = images_at_once(images.shape[2], BACKWARD)
            # fresh leaves: frozen models get a gradient too, and the caller's tensor keeps its own
            leaves = (some.detach().clone().requires_grad_() for some in images.split(most))
            maps = [
                self.method(subject, leaf, classes, settings or self.settings()).detach()
                for leaf, classes in zip(leaves, targets.clone().split(most), strict=True)
            ]
        return torch.cat(maps)

    def refusal(self, subject: Subject) -> str:
        """Return why the method does not suit the subject, empty if it does; computed once."""
        if self.needs_layer and subject.layer is None:
            return "It weights the maps of a layer, and no layer of this network has maps."
        if self.key not in subject.refusals:
            with torch.inference_mode(False), torch.enable_grad(), at_rest(subject.model):
                subject.refusals[self.key] = self.refuse(subject)
        return subject.refusals[self.key]


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode while the block runs, then each part back as it was."""
    were_training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was_training in were_training.items():
            module.training = was_training


def one_by_one(
    method: Callable[[Tensor, Tensor], Tensor], images: Tensor, targets: Tensor
) -> Tensor:
    """Apply a method to each image alone, so that memory does not grow with their number."""
    pairs = zip(images.split(1), targets.split(1), strict=True)
    return torch.cat([method(image, target) for image, target in pairs])
