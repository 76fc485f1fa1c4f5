"""Computes a network's logits for copies of a picture with parts hidden."""

import torch
from torch import Tensor

from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.spec import Explainable

AT_ONCE = 64  # copies in a batch
# The filling of hidden parts. A map scores best with its own baseline there, so both are averaged.
SUBSTRATES = BASELINES["blur_and_grey"]


def logits(classifier: Explainable, images: Tensor) -> Tensor:
    """Return logits [N, K] on the CPU for images [N, 3, H, W] in [0, 1]."""
    device = next(classifier.model.parameters()).device
    with classifier.lock, torch.inference_mode():
        batches = [classifier.model(batch.to(device)).cpu() for batch in images.split(AT_ONCE)]
    return torch.cat(batches).clone()  # a plain tensor, without inference mode's limits


def hidden(image: Tensor, substrate: Tensor, masks: Tensor) -> Tensor:
    """Return copies [N, 3, H, W] of one image, each with the substrate where its mask is true.

    Image and substrate are [1, 3, H, W], the masks bool [N, 1, H, W].
    """
    return torch.where(masks, substrate, image)
