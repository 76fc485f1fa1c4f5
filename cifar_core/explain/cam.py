"""Saliency from a layer's feature maps: which regions carried the features of the class?"""

import torch.nn.functional as F
from torch import Tensor

from cifar_core.explain.spec import SaliencySpec, Subject
from cifar_core.settings import Settings


def grad_cam(subject: Subject, images: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Weight each feature map by its mean gradient and keep the positive part; [N, H, W], >= 0.

    Selvaraju et al. 2017, equations 1 and 2. The map is zero where a region opposes the
    class.
    """
    from captum.attr import LayerGradCam  # seconds to import, so only when asked for

    cam = LayerGradCam(subject.model, subject.layer).attribute(
        images, target=targets, relu_attributions=True
    )  # [N, 1, h, w]
    return enlarged(cam, images)


def hires_cam(subject: Subject, images: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Multiply features and gradients elementwise and add up the channels; [N, H, W], signed.

    Draelos and Carin 2020. Before average pooling and a linear layer, the map adds up to the class
    logit minus its bias.
    """
    from captum.attr import LayerGradientXActivation

    products = LayerGradientXActivation(subject.model, subject.layer).attribute(
        images, target=targets
    )  # [N, C, h, w]
    return enlarged(products.sum(dim=1, keepdim=True), images)


def layer_cam(subject: Subject, images: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Weight each position of a feature map by its own positive gradient; [N, H, W], >= 0.

    Jiang et al. 2021, equation 6: finer than Grad-CAM, also in earlier layers.
    """
    from captum.attr import LayerGradientXActivation

    products = LayerGradientXActivation(
        subject.model, subject.layer, multiply_by_inputs=False
    ).attribute(images, target=targets)
    features = activation(subject, images)
    return enlarged((products.relu() * features).sum(dim=1, keepdim=True).relu(), images)


def activation(subject: Subject, images: Tensor) -> Tensor:
    """Return the layer's feature maps [N, C, h, w]."""
    from captum.attr import LayerActivation

    maps: Tensor = LayerActivation(subject.model, subject.layer).attribute(images)
    return maps


def enlarged(cam: Tensor, images: Tensor) -> Tensor:
    """Enlarge maps [N, 1, h, w] to the size of the images; [N, H, W]."""
    return F.interpolate(cam, images.shape[2:], mode="bilinear")[:, 0]


SPECS = [
    SaliencySpec(
        key="hires_cam",
        title="HiResCAM",
        summary="Which regions supported this class, and which opposed it?",
        method=hires_cam,
        signed=True,
        needs_layer=True,
        paper="https://arxiv.org/abs/2011.08891",
    ),
    SaliencySpec(
        key="grad_cam",
        title="Grad-CAM",
        summary="Which regions show the features that matter, on average, for this class?",
        method=grad_cam,
        signed=False,
        needs_layer=True,
        paper="https://arxiv.org/abs/1610.02391",
    ),
    SaliencySpec(
        key="layer_cam",
        title="LayerCAM",
        summary="Which positions have features that support this class?",
        method=layer_cam,
        signed=False,
        passes=lambda settings: 2,
        needs_layer=True,
        paper="https://ieeexplore.ieee.org/document/9462463",
    ),
]
