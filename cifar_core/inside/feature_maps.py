"""The filters of a layer, and its feature maps for one image."""

from math import isqrt

import torch
from torch import Tensor, nn

from cifar_core.explain import Explainable
from cifar_core.inside.layers import watched


def feature_maps(classifier: Explainable, image: Tensor, layer: str) -> Tensor:
    """Return a layer's maps [C, h, w] of an image [1, 3, H, W] in [0, 1], on the CPU.

    A transformer's patches are arranged as in the image, without the class token;
    features without a position become maps of one pixel.
    """
    kept: list[Tensor] = []

    def keep(name: str, module: nn.Module, output: Tensor) -> None:
        if name == layer:
            kept.append(output.clone())

    device = next(classifier.model.parameters()).device
    with classifier.lock, torch.no_grad(), watched(classifier.model, keep):
        classifier.model(image.to(device))
    return laid_out(kept[0])[0].cpu()


def laid_out(output: Tensor) -> Tensor:
    """Turn maps [N, C, H, W], tokens [N, T, C] or features [N, C] into maps [N, C, h, w]."""
    if output.ndim == 4:
        return output
    if output.ndim == 2:
        return output[:, :, None, None]
    tokens = output.shape[1]
    side = isqrt(tokens)
    if side**2 == tokens:
        return output.transpose(1, 2).unflatten(2, (side, side))
    side = isqrt(tokens - 1)
    if side**2 == tokens - 1:  # the class token comes first
        return output[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    return output.transpose(1, 2)[:, :, None]


def filters(classifier: Explainable, layer: str) -> Tensor | None:
    """Return a convolution's filters as pictures in [0, 1]; None if the layer is not one.

    Filters over colors are [C, 3, h, w], each stretched around gray, which is a weight of 0.
    Those over other channels are [C, 1, h, w]: the norm over the channels at each position,
    white being the largest of the layer. Also None for 1 x 1 filters, which have no shape.
    """
    module = classifier.model.get_submodule(layer.split(" #")[0])
    if not isinstance(module, nn.Conv2d) or module.weight[0, 0].numel() == 1:
        return None
    weight = module.weight.detach().float().cpu()
    if weight.shape[1] != 3:
        norms = weight.square().sum(dim=1, keepdim=True).sqrt()
        return norms / norms.max().clamp_min(1e-12)
    largest = weight.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    return 0.5 + 0.5 * weight / largest
