"""The saliency methods, and how maps are drawn. To add one: its function, SPECS, this list."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from cifar_core.explain import backward_rules, cam, erasing, gradients, integrated, noise
from cifar_core.explain.contrast import contrast
from cifar_core.explain.spec import Explainable, SaliencySpec, Subject
from cifar_core.registry import Registry
from cifar_core.settings import Settings

SALIENCY = Registry(
    "saliency method",
    [
        *gradients.SPECS,
        *noise.SPECS,
        *integrated.SPECS,
        *cam.SPECS,
        *erasing.SPECS,
        *backward_rules.SPECS,
    ],
)


def subject_of(classifier: Explainable) -> Subject:
    """Return the subject of the methods, made once; the caller must hold the classifier's lock."""
    subject: Subject = classifier.kept.setdefault(
        "subject", Subject(classifier.model, classifier.layer, side=classifier.side)
    )
    return subject


def suitable(classifier: Explainable) -> list[SaliencySpec]:
    """Return the methods that suit the network, in the order of the registry."""
    refused = refusals(classifier)
    return [spec for key, spec in SALIENCY.items() if key not in refused]


def refusals(classifier: Explainable) -> dict[str, str]:
    """Return the methods that cannot explain the network correctly, each with the reason."""
    with classifier.lock:
        subject = subject_of(classifier)
        reasons = {key: spec.refusal(subject) for key, spec in SALIENCY.items()}
    return {key: why for key, why in reasons.items() if why}


def explain(
    classifier: Explainable,
    images: Tensor,
    targets: Tensor,
    method: str,
    settings: Settings | None = None,
    *,
    rival: int | None = None,
    draw: int = 0,
    methods: Mapping[str, SaliencySpec] = SALIENCY,
) -> Tensor:
    """Return saliency [N, H, W] on the CPU; `method` is a key, its default settings if None.

    Images are [N, 3, H, W] in [0, 1]; `targets` [N] are the classes to explain. With a `rival`
    class, the maps explain why the target was preferred to the rival. A method that draws at random
    draws other numbers for another `draw`. `methods` can be those of an earlier version.
    """
    spec = methods[method]
    device = next(classifier.model.parameters()).device
    with classifier.lock:
        subject = subject_of(classifier)
        if draw:
            subject = replace(subject, draw=draw)
        if rival is not None:
            subject = contrast(subject, rival)
        return spec.attribute(subject, images.to(device), targets.to(device), settings).cpu()


__all__ = [
    "SALIENCY",
    "Explainable",
    "SaliencySpec",
    "Subject",
    "explain",
    "refusals",
    "subject_of",
    "suitable",
]
