"""The methods as they were for records of format 1, so that these can still be reproduced.

Occlusion kept its windows inside the picture, RISE drew every mask by chance, and integrated
gradients took the points of Gauss and Legendre.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from cifar_core.explain import SALIENCY
from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.erasing import (
    AT_ONCE,
    KEPT,
    OcclusionSettings,
    RiseSettings,
    smooth_masks,
)
from cifar_core.explain.integrated import integral_by
from cifar_core.explain.spec import Subject, one_by_one
from cifar_core.registry import Registry


def occlusion(
    subject: Subject, images: Tensor, targets: Tensor, settings: OcclusionSettings
) -> Tensor:
    """Return the mean fall of the class logit over the windows inside the picture; [N, H, W]."""
    from captum.attr import Occlusion

    method, window, channels = Occlusion(subject.model), settings.window, images.shape[1]

    def falls(image: Tensor, target: Tensor) -> Tensor:
        def against(cover: Tensor) -> Tensor:
            change: Tensor = method.attribute(
                image,
                sliding_window_shapes=(channels, window, window),
                strides=(channels, settings.stride, settings.stride),
                baselines=cover,
                target=target,
                perturbations_per_eval=AT_ONCE,
            )
            return change

        return BASELINES[settings.baseline].mean(against, image)

    return one_by_one(falls, images.detach(), targets).mean(dim=1)


def rise(subject: Subject, images: Tensor, targets: Tensor, settings: RiseSettings) -> Tensor:
    """Return the covariance of the class logit with each pixel of independent masks; [N, H, W]."""
    masks = smooth_masks(settings.masks, images.shape[2], images.shape[3]).to(images)
    centered = masks - masks.mean(dim=0)

    def covariance(image: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            scores = torch.cat([subject.model(image * part) for part in masks.split(AT_ONCE)])
        weights = scores[:, target] - scores[:, target].mean()
        return (weights[:, :, None, None] * centered).mean(dim=0) / (KEPT * (1 - KEPT))

    return one_by_one(covariance, images.detach(), targets)


METHODS: dict[str, Callable[..., Tensor]] = {
    "occlusion": occlusion,
    "rise": rise,
    "integrated_gradients": partial(integral_by, "gausslegendre"),
}
EARLIER = Registry(
    "saliency method",
    [replace(spec, method=METHODS.get(key, spec.method)) for key, spec in SALIENCY.items()],
)
