"""Saliency from the gradient of a class score with respect to the pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.explain.spec import SaliencySpec, Subject
from cifar_core.registry import Registry
from cifar_core.settings import Settings, choice, number

ONE_NOISE = Lock()  # captum draws from torch's global generator, which all threads share


def gradient(subject: Subject, images: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Take the largest absolute gradient over the colour channels; [N, H, W]."""
    from captum.attr import Saliency  # seconds to import, so only when asked for

    return Saliency(subject.model).attribute(images, target=targets, abs=True).amax(dim=1)


@dataclass(frozen=True, kw_only=True)
class SmoothGradSettings(Settings):
    """How SmoothGrad disturbs the image."""

    samples: int = number(32, low=2, high=256, help="Noisy copies of the image to average over.")
    noise: float = number(
        0.1,
        low=0.01,
        high=0.5,
        help="Spread of the noise, as a share of the range from black to white.",
    )


def smoothgrad(
    subject: Subject, images: Tensor, targets: Tensor, settings: SmoothGradSettings
) -> Tensor:
    """Average the gradients of noisy copies, so that chance specks fade; [N, H, W].

    Every image meets the same noise every time, whatever else is in the batch.
    """
    from captum.attr import NoiseTunnel, Saliency

    tunnel = NoiseTunnel(Saliency(subject.model))

    def average(image: Tensor, target: Tensor) -> Tensor:
        devices = [] if image.device.type == "cpu" else [image.device]
        with ONE_NOISE, torch.random.fork_rng(devices):
            torch.manual_seed(0)
            mean: Tensor = tunnel.attribute(
                image, nt_samples=settings.samples, stdevs=settings.noise, target=target, abs=False
            )
        return mean

    return one_by_one(average, images, targets).abs().amax(dim=1)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What an image is compared with: a picture in which there is nothing to recognise."""

    key: str
    title: str
    summary: str
    of: Callable[[Tensor], Tensor]  # images [N, 3, H, W] -> as many baselines


def blurred(images: Tensor, sigma: float = 4.0) -> Tensor:
    """Blur images [N, 3, H, W] so much that only patches of colour remain."""
    reach = int(2 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (weights / weights.sum()).expand(3, 1, 1, -1)  # one row per channel
    padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.mT, groups=3)


BASELINES = Registry(
    "baseline",
    [
        Baseline(
            key="blur",
            title="Blurred",
            summary="The image without its details: shows what the details add.",
            of=blurred,
        ),
        Baseline(
            key="grey",
            title="Grey",
            summary="Medium grey: shows what all light and dark parts add.",
            of=lambda images: torch.full_like(images, 0.5),
        ),
        Baseline(
            key="black",
            title="Black",
            summary="Black: the usual choice, but blind to dark objects.",
            of=torch.zeros_like,
        ),
    ],
)


@dataclass(frozen=True, kw_only=True)
class IntegratedGradientsSettings(Settings):
    """What the image is compared with, and how finely."""

    baseline: str = choice(
        "blur", BASELINES, help="The picture without the object that the image is compared with."
    )
    steps: int = number(
        32, low=4, high=256, help="Points between the two pictures; more is more exact."
    )


def integrated_gradients(
    subject: Subject, images: Tensor, targets: Tensor, settings: IntegratedGradientsSettings
) -> Tensor:
    """Share the rise of the class score from baseline to image among the pixels; [N, H, W].

    The map sums to that rise, up to the error of the numerical integral.
    """
    from captum.attr import IntegratedGradients

    method, baseline = IntegratedGradients(subject.model), BASELINES[settings.baseline]

    def integral(image: Tensor, target: Tensor) -> Tensor:
        total: Tensor = method.attribute(
            image,
            baselines=baseline.of(image),
            target=target,
            n_steps=settings.steps,
            method="gausslegendre",
        )
        return total

    return one_by_one(integral, images.detach(), targets).sum(dim=1)


def one_by_one(
    method: Callable[[Tensor, Tensor], Tensor], images: Tensor, targets: Tensor
) -> Tensor:
    """Apply a method to each image alone, so that memory does not grow with their number."""
    pairs = zip(images.split(1), targets.split(1), strict=True)
    return torch.cat([method(image, target) for image, target in pairs])


SPECS = [
    SaliencySpec(
        key="gradient",
        title="Gradient",
        summary="Which pixels, changed a little, would change the class score the most?",
        method=gradient,
        signed=False,
        automatic=True,
        paper="https://arxiv.org/abs/1312.6034",
    ),
    SaliencySpec(
        key="smoothgrad",
        title="SmoothGrad",
        summary="Which pixels still change the score when chance specks are averaged away?",
        method=smoothgrad,
        settings=SmoothGradSettings,
        signed=False,
        passes=lambda settings: settings.samples,
        paper="https://arxiv.org/abs/1706.03825",
    ),
    SaliencySpec(
        key="integrated_gradients",
        title="Integrated gradients",
        summary="Which pixels raised or lowered the score, compared with a picture of nothing?",
        method=integrated_gradients,
        settings=IntegratedGradientsSettings,
        signed=True,
        passes=lambda settings: settings.steps,
        paper="https://arxiv.org/abs/1703.01365",
    ),
]
