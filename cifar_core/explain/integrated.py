"""Saliency along the path from a baseline to the image."""

from dataclasses import dataclass

from torch import Tensor

from cifar_core.batching import BACKWARD, images_at_once
from cifar_core.explain.baselines import BASELINES, Baseline
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.settings import Settings, choice, number


@dataclass(frozen=True, kw_only=True)
class IntegratedGradientsSettings(Settings):
    """The baseline of the image, and the number of steps from it."""

    baseline: str = choice(
        "blur", BASELINES, help="The picture without the object, to compare with."
    )
    steps: int = number(
        32, low=4, high=256, help="Points between the two pictures; more is more exact."
    )


def integrated_gradients(
    subject: Subject, images: Tensor, targets: Tensor, settings: IntegratedGradientsSettings
) -> Tensor:
    """Distribute the rise of the class logit from baseline to image over the pixels; [N, H, W].

    Sundararajan et al. 2017, section 3. The map sums to the rise up to the integration error, which
    is large where the score jumps along the path, as in a Vision GNN whose neighbors change.
    """
    return integral_by("riemann_middle", subject, images, targets, settings)


def integral_by(
    rule: str, subject: Subject, images: Tensor, targets: Tensor,
    settings: IntegratedGradientsSettings,
) -> Tensor:  # fmt: skip
    """Integrate by a rule of Captum's.

    Midpoints miss the rise less than Gauss-Legendre's points at the same cost where the score has
    kinks, as with ReLU: at 32 points by 0.1 % (median) and 5 % (worst) against 0.3 and 51 %.
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
                method=rule,
                internal_batch_size=images_at_once(image.shape[2], BACKWARD),
            )
            return total

        return baseline_of(settings).mean(against, image)

    return one_by_one(integral, images.detach(), targets).sum(dim=1)


def baseline_of(settings: IntegratedGradientsSettings) -> Baseline:
    """Return the baseline of the image."""
    return BASELINES[settings.baseline]


SPECS = [
    SaliencySpec(
        key="integrated_gradients",
        title="Integrated gradients",
        summary="Which pixels raised or lowered the score, compared with the baseline?",
        method=integrated_gradients,
        settings=IntegratedGradientsSettings,
        signed=True,
        passes=lambda settings: settings.steps * len(baseline_of(settings).pictures),
        baseline=baseline_of,
        paper="https://arxiv.org/abs/1703.01365",
    ),
]
