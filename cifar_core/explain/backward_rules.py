"""Saliency from backward passes that replace the gradient of the activations by another rule.

These methods run on the prepared copy of the network; see prepare.py.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifar_core.explain.baselines import BASELINES, Baseline, blurred
from cifar_core.explain.cam import grad_cam
from cifar_core.explain.prepare import ELEMENTWISE, CappedReLU, GlobalMax, nonlinearities
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.numbers import percent
from cifar_core.settings import Settings, choice

LARGEST_ERROR = 1e-3  # of DeepLift's total, relative, above which the method refuses
UNTRACEABLE = "The path through this network depends on the image, so it cannot be traced."
FAILS = "Fails the sanity check: much of the map stays when the weights are random."


@dataclass(frozen=True, kw_only=True)
class DeepLiftSettings(Settings):
    """The baseline of the image."""

    baseline: str = choice(
        "blur_and_grey", BASELINES, help="The picture without the object, to compare with."
    )


def deep_lift(
    subject: Subject, images: Tensor, targets: Tensor, settings: DeepLiftSettings
) -> Tensor:
    """Distribute the rise of the class logit from baseline to image over the pixels; [N, H, W].

    The rescale rule (Shrikumar et al. 2017, section 3.5.1). The map sums to the rise of the logit.
    """
    return one_by_one(
        lambda image, target: baseline_of(settings).mean(
            lambda start: lift(network_of(subject), image, start, target), image.detach()
        ),
        images,
        targets,
    ).sum(dim=1)


def lift(network: nn.Module, image: Tensor, start: Tensor, target: Tensor) -> Tensor:
    """Return DeepLift's contributions [1, 3, H, W] of the pixels of one image [1, 3, H, W]."""
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
    """Suppress Captum's warning that it sets hooks, which is of no use here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks")
        yield


def baseline_of(settings: DeepLiftSettings) -> Baseline:
    """Return the baseline of the image."""
    return BASELINES[settings.baseline]


def network_of(subject: Subject) -> nn.Module:
    """Return the prepared copy; `refuse` has checked that there is one."""
    assert subject.prepared is not None
    return subject.prepared


def guided_backprop(
    subject: Subject, images: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    """Let only positive gradients pass each ReLU; the largest absolute one of a pixel [N, H, W]."""
    from captum.attr import GuidedBackprop

    with unwarned():
        gradients: Tensor = GuidedBackprop(network_of(subject)).attribute(images, target=targets)
    return gradients.abs().amax(dim=1)


def guided_grad_cam(
    subject: Subject, images: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    """Multiply guided backpropagation by Grad-CAM: fine lines inside the regions; [N, H, W]."""
    fine = guided_backprop(subject, images, targets, settings)
    return fine * grad_cam(subject, images, targets, settings)


def not_all_relu(subject: Subject) -> str:
    """Return why guided backpropagation does not suit the network; empty if it does."""
    if subject.prepared is None:
        return UNTRACEABLE
    others = [kind.__name__ for kind in nonlinearities(subject.prepared) if not relu_like(kind)]
    if others:
        return f"Its rule is for ReLU, but this network computes with {' and '.join(others)}."
    return ""


def relu_like(kind: type[nn.Module]) -> bool:
    """Return True if an activation is a ReLU, capped or not."""
    return issubclass(kind, nn.ReLU)


def incomplete(subject: Subject) -> str:
    """Return why DeepLift does not suit the network; empty if its total is right."""
    if subject.prepared is None:
        return UNTRACEABLE
    error = completeness_error(subject)
    if error <= LARGEST_ERROR:
        return ""
    return (
        f"Its total misses the rise of the score by {percent(error)} here: this network multiplies "
        "features by each other (attention, gates, layer norms), and DeepLift has no rule for that."
    )


def completeness_error(subject: Subject) -> float:
    """Return the relative error of DeepLift's total on random images; 0 if it adds up."""
    device = next(subject.model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, subject.side, subject.side, generator=generator).to(device)
    starts, targets = blurred(images), torch.zeros(2, dtype=torch.int64, device=device)
    network = network_of(subject)
    totals = [
        lift(network, image.clone().requires_grad_(), start, target).sum()
        for image, start, target in zip(
            images.split(1), starts.split(1), targets.split(1), strict=True
        )
    ]
    with torch.no_grad():
        logits = network(images)
        rise = (logits - network(starts))[:, 0]
    least = logits.abs().max() / 100  # below this, a rise is mostly rounding error
    missed = (torch.stack(totals).detach() - rise).abs()
    shares = missed / rise.abs().maximum(least)
    return float(torch.where(missed == 0, 0, shares).max())  # an untrained ViT's logits are all 0


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
        paper="https://arxiv.org/abs/1704.02685",
    ),
    SaliencySpec(
        key="guided_backprop",
        title="Guided backpropagation",
        summary="Which lines and spots activate the neurons of this class?",
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
