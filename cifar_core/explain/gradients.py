"""Saliency from the gradient of a class score with respect to the pixels."""

from torch import Tensor

from cifar_core.explain.spec import SaliencySpec, Subject
from cifar_core.settings import Settings


def gradient(subject: Subject, images: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Return a pixel's largest absolute gradient [N, H, W]; Simonyan et al. 2014, section 3."""
    from captum.attr import Saliency  # seconds to import, so only when asked for

    return Saliency(subject.model).attribute(images, target=targets, abs=True).amax(dim=1)


def input_x_gradient(
    subject: Subject, images: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    """Multiply each value by its gradient and add up the colors; [N, H, W], signed.

    For a linear network, this is how much the logit would fall if the pixel were black.
    """
    from captum.attr import InputXGradient

    return InputXGradient(subject.model).attribute(images, target=targets).sum(dim=1)


SPECS = [
    SaliencySpec(
        key="gradient",
        title="Gradient",
        summary="Which pixels, changed a little, would change the class score the most?",
        method=gradient,
        signed=False,
        paper="https://arxiv.org/abs/1312.6034",
    ),
    SaliencySpec(
        key="input_x_gradient",
        title="Input x gradient",
        summary="Which pixels raise or lower the score by being as bright as they are?",
        method=input_x_gradient,
        signed=True,
        paper="https://arxiv.org/abs/1605.01713",
    ),
]
