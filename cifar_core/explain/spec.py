"""What the rest of the package needs to know about a saliency method."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifar_core.errors import ExplanationError
from cifar_core.settings import Settings


@dataclass(frozen=True)
class Subject:
    """The model to explain and the layer of it that holds the features to look at.

    The model maps images [N, 3, H, W] in [0, 1] to logits [N, K]. The methods put hooks into it,
    so no other thread may run it meanwhile.
    """

    model: nn.Module
    layer: nn.Module | None  # None if no layer of the model has maps to weigh


@dataclass(frozen=True, kw_only=True)
class SaliencySpec:
    """One way to ask a model which pixels mattered."""

    key: str  # saved in files; never renamed
    title: str
    summary: str  # the question that the method answers, in plain words
    # subject, images [N, 3, H, W] in [0, 1], targets [N], settings -> saliency [N, H, W]
    method: Callable[..., Tensor]
    settings: type[Settings] = Settings  # what only this method reads
    signed: bool  # negative values speak against the class; otherwise the map is >= 0
    # settings -> how often one image goes forward and back through the model
    passes: Callable[..., int] = lambda settings: 1
    needs_layer: bool = False  # reads the feature maps of the subject's layer
    automatic: bool = False  # quick and faithful enough to be shown without being asked for
    paper: str = ""

    def attribute(
        self, subject: Subject, images: Tensor, targets: Tensor, settings: Settings | None = None
    ) -> Tensor:
        """Return saliency [N, H, W] of images [N, 3, H, W] in [0, 1] for the classes [N].

        The model is explained as it predicts, in evaluation mode, and is left as it was. Raises
        ExplanationError if the method needs a layer and the subject has none.
        """
        if self.needs_layer and subject.layer is None:
            raise ExplanationError(
                f"{self.title} weighs the maps of a layer, and this network has no layer with "
                "maps. Choose a method that follows the gradient to the pixels."
            )
        with torch.inference_mode(False), torch.enable_grad(), at_rest(subject.model):
            # a fresh leaf: frozen models get a gradient too, and the caller's tensor keeps its own
            leaf = images.detach().clone().requires_grad_()
            found = self.method(subject, leaf, targets.clone(), settings or self.settings())
        return found.detach()


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
