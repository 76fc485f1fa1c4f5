"""Saliency averaged over random disturbances of the image."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from cifar_core.batching import BACKWARD, images_at_once
from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.registry import Option, Registry
from cifar_core.settings import Settings, choice, number

GENERATORS = Lock()  # captum draws from the global generators, which all threads share

AVERAGES = Registry(
    "average",
    [
        Option(key="smoothgrad", title="Mean", summary="SmoothGrad: the mean of the gradients."),
        Option(
            key="smoothgrad_sq",
            title="Mean of squares",
            summary="Squared: strong gradients count regardless of their sign.",
        ),
        Option(
            key="vargrad",
            title="Variance",
            summary="VarGrad: where the gradient depends most on the noise.",
        ),
    ],
)


@contextmanager
def own_noise(device: torch.device, seed: int) -> Iterator[None]:
    """Draw the same random numbers every time, and leave the generators of others as they were."""
    devices = [] if device.type == "cpu" else [device]
    with GENERATORS, torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        before = np.random.get_state()
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)


@dataclass(frozen=True, kw_only=True)
class SmoothGradSettings(Settings):
    """How SmoothGrad disturbs the image, and how it combines the gradients."""

    samples: int = number(32, low=2, high=256, help="Noisy copies of the image to average over.")
    noise: float = number(
        0.1,
        low=0.01,
        high=0.5,
        help="Spread of the noise, as a share of the range from black to white.",
    )
    average: str = choice("smoothgrad", AVERAGES, help="How the copies' gradients are combined.")


def smoothgrad(
    subject: Subject, images: Tensor, targets: Tensor, settings: SmoothGradSettings
) -> Tensor:
    """Average the gradients of noisy copies, so that random specks fade; [N, H, W], >= 0.

    Smilkov et al. 2017. An image always gets the same noise, regardless of the rest of the batch.
    Squares and variance (VarGrad, Adebayo et al. 2018, arXiv 1810.03292) are of signed gradients.
    """
    from captum.attr import NoiseTunnel, Saliency

    tunnel = NoiseTunnel(Saliency(subject.model))

    def average(image: Tensor, target: Tensor) -> Tensor:
        with own_noise(image.device, subject.draw):
            mean: Tensor = tunnel.attribute(
                image,
                nt_type=settings.average,
                nt_samples=settings.samples,
                nt_samples_batch_size=images_at_once(image.shape[2], BACKWARD),
                stdevs=settings.noise,
                target=target,
                abs=False,
            )
        return mean

    return one_by_one(average, images, targets).abs().amax(dim=1)


@dataclass(frozen=True, kw_only=True)
class GradientShapSettings(Settings):
    """The baseline of the image, and the number of mixtures."""

    baseline: str = choice(
        "blur_and_grey", BASELINES, help="The pictures that the image is mixed with."
    )
    samples: int = number(16, low=2, high=256, help="Random mixtures to average over.")
    noise: float = number(
        0.05, low=0.0, high=0.5, help="Spread of the noise, as a share of black to white."
    )


def gradient_shap(
    subject: Subject, images: Tensor, targets: Tensor, settings: GradientShapSettings
) -> Tensor:
    """Average gradient times difference over random mixtures with the baselines; [N, H, W], signed.

    Lundberg and Lee 2017. The expectation adds up to the rise of the logit, a sample only roughly.
    """
    from captum.attr import GradientShap

    method, baseline = GradientShap(subject.model), BASELINES[settings.baseline]

    def expectation(image: Tensor, target: Tensor) -> Tensor:
        baselines = torch.cat(baseline.of(image.detach()))
        most = images_at_once(image.shape[2], BACKWARD)
        counts = [min(most, settings.samples - i) for i in range(0, settings.samples, most)]
        with own_noise(image.device, subject.draw):
            means = [
                method.attribute(
                    image,
                    baselines=baselines,
                    n_samples=count,
                    stdevs=settings.noise,
                    target=target,
                )
                * (count / settings.samples)
                for count in counts
            ]
        return torch.stack(means).sum(dim=0)

    return one_by_one(expectation, images, targets).sum(dim=1)


def samples(settings: SmoothGradSettings | GradientShapSettings) -> int:
    """Return how many copies of an image go through the network."""
    return settings.samples


PASSES: Callable[..., int] = samples
SPECS = [
    SaliencySpec(
        key="smoothgrad",
        title="SmoothGrad",
        summary="Which pixels still change the score when random specks are averaged away?",
        method=smoothgrad,
        settings=SmoothGradSettings,
        signed=False,
        passes=PASSES,
        random=True,
        paper="https://arxiv.org/abs/1706.03825",
    ),
    SaliencySpec(
        key="gradient_shap",
        title="Gradient SHAP",
        summary="Which pixels raise or lower the score, averaged over mixtures with the baseline?",
        method=gradient_shap,
        settings=GradientShapSettings,
        signed=True,
        passes=PASSES,
        random=True,
        paper="https://arxiv.org/abs/1705.07874",
    ),
]
