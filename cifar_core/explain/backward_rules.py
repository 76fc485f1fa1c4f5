"""Saliency by another rule than the gradient on the way back through the activations.

These methods run on the prepared copy of the network; see prepare.py.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from cifar_core.explain.baselines import BASELINES, Baseline, blurred
from cifar_core.explain.cam import grad_cam
from cifar_core.explain.prepare import ELEMENTWISE, CappedReLU, GlobalMax, nonlinearities
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.settings import Settings, choice

LARGEST_ERROR = 1e-3  # of DeepLift's total, relative, above which the map is not worth its name
UNTRACEABLE = (
    "Its path through the network depends on the image, so its parts cannot be taken apart."
)
FAILS = "Fails the sanity check: much of it stays when the weights are made random."


@dataclass(frozen=True, kw_only=True)
class DeepLiftSettings(Settings):
    """What the image is compared with."""

    baseline: str = choice(
        "blur_and_grey", BASELINES, help="The picture without the object that it is compared with."
    )


def deep_lift(
    subject: Subject, images: Tensor, targets: Tensor, settings: DeepLiftSettings
) -> Tensor:
    """Share the rise of the class score from baseline to image by the rescale rule; [N, H, W].

    Shrikumar et al. 2017, section 3.5.1. The map sums to the rise, up to rounding.
    """
    return one_by_one(
        lambda image, target: baseline_of(settings).mean(
            lambda start: lift(network_of(subject), image, start, target), image.detach()
        ),
        images,
        targets,
    ).sum(dim=1)


def lift(network: fx.GraphModule, image: Tensor, start: Tensor, target: Tensor) -> Tensor:
    """Return DeepLift's contributions [1, 3, H, W] of the pixels of one image."""
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift as captum_rules

    rules = captum_rules.SUPPORTED_NON_LINEAR
    for kind in (*ELEMENTWISE, CappedReLU):  # the rescale rule is the same for all of them
        rules.setdefault(kind, captum_rules.nonlinear)
    rules.setdefault(GlobalMax, captum_rules.maxpool2d)
    with unwarned():
        contributions: Tensor = DeepLift(network, eps=1e-6).attribute(
            image, baselines=start, target=target
        )
    return contributions


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep back Captum's warning that it sets hooks, which nobody here needs to know."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks")
        yield


def baseline_of(settings: DeepLiftSettings) -> Baseline:
    """Return what the image is compared with."""
    return BASELINES[settings.baseline]


def network_of(subject: Subject) -> fx.GraphModule:
    """Return the prepared copy, which `refuse` has made sure of."""
    assert subject.prepared is not None
    return subject.prepared


def guided_backprop(
    subject: Subject, images: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    """Let only positive gradients pass each ReLU; a pixel's largest absolute one; [N, H, W]."""
    from captum.attr import GuidedBackprop

    with unwarned():
        found: Tensor = GuidedBackprop(network_of(subject)).attribute(images, target=targets)
    return found.abs().amax(dim=1)


def guided_grad_cam(
    subject: Subject, images: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    """Multiply guided backpropagation with Grad-CAM: fine lines inside the regions; [N, H, W]."""
    fine = guided_backprop(subject, images, targets, settings)
    return fine * grad_cam(subject, images, targets, settings)


def not_all_relu(subject: Subject) -> str:
    """Say why guided backpropagation would be the plain gradient or wrong, or nothing."""
    if subject.prepared is None:
        return UNTRACEABLE
    others = [kind.__name__ for kind in nonlinearities(subject.prepared) if not relu_like(kind)]
    if others:
        return f"Its rule is for ReLU, but this network computes with {' and '.join(others)}."
    return ""


def relu_like(kind: type[nn.Module]) -> bool:
    """Tell whether an activation is a ReLU, capped or not."""
    return issubclass(kind, nn.ReLU)


def incomplete(subject: Subject) -> str:
    """Say by how much DeepLift's total misses the rise of the score here, if it does."""
    if subject.prepared is None:
        return UNTRACEABLE
    error = completeness_error(subject)
    if error <= LARGEST_ERROR:
        return ""
    return (
        f"Its total misses the rise of the score by {error:.1%} here: features are multiplied "
        "with each other (attention, gates, norms of the moment), for which it has no rule."
    )


def completeness_error(subject: Subject) -> float:
    """Return how much DeepLift's total misses the score's rise, relative, on random images."""
    device = next(subject.model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 32, 32, generator=generator).to(device)
    starts, targets = blurred(images), torch.zeros(2, dtype=torch.int64, device=device)
    network = network_of(subject)
    found = [
        lift(network, image.clone().requires_grad_(), start, target).sum()
        for image, start, target in zip(
            images.split(1), starts.split(1), targets.split(1), strict=True
        )
    ]
    with torch.no_grad():
        logits = network(images)
        rise = (logits - network(starts))[:, 0]
    least = logits.abs().max() / 100  # below this, a rise is little more than rounding
    missed = (torch.stack(found).detach() - rise).abs()
    return float((missed / rise.abs().maximum(least)).max())


SPECS = [
    SaliencySpec(
        key="deep_lift",
        title="DeepLift",
        summary="Which pixels raised or lowered the score, activation by activation?",
        method=deep_lift,
        settings=DeepLiftSettings,
        signed=True,
        passes=lambda settings: 2 * len(baseline_of(settings).pictures),
        refuse=incomplete,
        baseline=baseline_of,
        automatic=True,
        paper="https://arxiv.org/abs/1704.02685",
    ),
    SaliencySpec(
        key="guided_backprop",
        title="Guided backpropagation",
        summary="Which lines and spots do the neurons of this class respond to?",
        method=guided_backprop,
        signed=False,
        refuse=not_all_relu,
        warning=FAILS,
        paper="https://arxiv.org/abs/1412.6806",
    ),
    SaliencySpec(
        key="guided_grad_cam",
        title="Guided Grad-CAM",
        summary="Which lines and spots inside the regions that Grad-CAM shows?",
        method=guided_grad_cam,
        signed=False,
        passes=lambda settings: 2,
        refuse=not_all_relu,
        needs_layer=True,
        warning=FAILS,
        paper="https://arxiv.org/abs/1610.02391",
    ),
]
