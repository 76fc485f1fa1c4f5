"""Computes a network's logits for copies of a picture with parts hidden."""

from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from torch import Tensor

from cifar_core.batching import images_at_once
from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.spec import Explainable

AT_ONCE = 64  # copies in a batch, at most
# The filling of hidden parts. A map scores best with its own baseline there, so both are averaged.
SUBSTRATES = BASELINES["blur_and_grey"]


def logits(classifier: Explainable, copies: Iterable[Tensor]) -> Tensor:
    """Return logits [N, K] on the CPU for copies [1, 3, H, W] of a picture, in [0, 1].

    Only a batch of them is in memory.
    """
    device, rest, found = next(classifier.model.parameters()).device, iter(copies), []
    while batch := list(islice(rest, min(AT_ONCE, images_at_once(classifier.side)))):
        with classifier.lock, torch.inference_mode():
            found.append(classifier.model(torch.cat(batch).to(device)).cpu())
    return torch.cat(found).clone()  # a plain tensor, without inference mode's limits


def hidden(image: Tensor, substrate: Tensor, masks: Tensor) -> Iterator[Tensor]:
    """Yield copies [1, 3, H, W] of one image, each with the substrate where its mask is true.

    Image and substrate are [1, 3, H, W], the masks bool [N, 1, H, W].
    """
    return (torch.where(mask, substrate, image) for mask in masks.split(1))
