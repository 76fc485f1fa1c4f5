"""Saliency along the way from a picture of nothing to the image."""

from dataclasses import dataclass

from torch import Tensor

from cifar_core.explain.baselines import BASELINES, Baseline
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.settings import Settings, choice, number


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

    method = IntegratedGradients(subject.model)

    def integral(image: Tensor, target: Tensor) -> Tensor:
        def against(start: Tensor) -> Tensor:
            total: Tensor = method.attribute(
                image,
                baselines=start,
                target=target,
                n_steps=settings.steps,
                method="gausslegendre",
            )
            return total

        return baseline_of(settings).mean(against, image)

    return one_by_one(integral, images.detach(), targets).sum(dim=1)


def baseline_of(settings: IntegratedGradientsSettings) -> Baseline:
    """Return what the image is compared with."""
    return BASELINES[settings.baseline]


SPECS = [
    SaliencySpec(
        key="integrated_gradients",
        title="Integrated gradients",
        summary="Which pixels raised or lowered the score, compared with a picture of nothing?",
        method=integrated_gradients,
        settings=IntegratedGradientsSettings,
        signed=True,
        passes=lambda settings: settings.steps * len(baseline_of(settings).pictures),
        baseline=baseline_of,
        paper="https://arxiv.org/abs/1703.01365",
    ),
]
