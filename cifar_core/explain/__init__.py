"""The saliency methods. To add one: write a function, put its spec in SPECS, list it here."""

from threading import Lock
from typing import Protocol

from torch import Tensor, nn

from cifar_core.explain import cam, gradients
from cifar_core.explain.spec import SaliencySpec, Subject
from cifar_core.registry import Registry
from cifar_core.settings import Settings

SALIENCY = Registry("saliency method", [*gradients.SPECS, *cam.SPECS])


class Explainable(Protocol):
    """A network with its layer to look at, and the lock that lets one thread run it at a time."""

    @property
    def model(self) -> nn.Module: ...
    @property
    def layer(self) -> nn.Module | None: ...
    @property
    def lock(self) -> Lock: ...


def suitable(classifier: Explainable) -> list[SaliencySpec]:
    """Return the methods that can be right for the network, in the order of the registry."""
    return [s for s in SALIENCY.values() if classifier.layer is not None or not s.needs_layer]


def explain(
    classifier: Explainable,
    images: Tensor,
    targets: Tensor,
    method: str,
    settings: Settings | None = None,
) -> Tensor:
    """Return saliency [N, H, W] on the CPU; `method` is a key, its default settings if None.

    Images are [N, 3, H, W] in [0, 1]; `targets` [N] are the classes to explain.
    """
    spec = SALIENCY[method]
    device = next(classifier.model.parameters()).device
    with classifier.lock:
        subject = Subject(classifier.model, classifier.layer)
        return spec.attribute(subject, images.to(device), targets.to(device), settings).cpu()


__all__ = ["SALIENCY", "SaliencySpec", "Subject", "explain", "suitable"]
