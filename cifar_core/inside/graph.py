"""The graph of a Vision GNN: which patches a patch listens to, and which neighbor decided.

Each feature of a patch is joined with its largest difference to a neighbor (max-relative graph
convolution, Li et al. 2019, as in Han et al. 2022, https://arxiv.org/abs/2206.00272), so exactly
one neighbor decides each channel. All heads share the one graph.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn

from cifar_core.errors import ExplanationError
from cifar_core.explain import Explainable
from cifar_core.explain.spec import at_rest
from cifar_core.models.vig_blocks import Grapher


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one patch hears in one block; a list has one entry per neighbor, nearest first."""

    side: int  # of the grid of patches that listen
    answering: int  # side of the grid of patches that are listened to; smaller if pooled
    neighbors: list[int]  # places in that grid, row by row
    likeness: list[float]  # cosine of the features, in [-1, 1]
    decided: list[float]  # share of the channels in which it is the largest, the first of equals
    # what its differences add to the class's logit, to first order: 0 if it differs in nothing
    influence: list[float]


def graph_blocks(model: nn.Module) -> list[str]:
    """Return the dotted names of the blocks that build a graph; none if it is no Vision GNN."""
    return [name for name, module in model.named_modules() if isinstance(module, Grapher)]


def listen(classifier: Explainable, image: Tensor, block: str, place: int, target: int) -> Heard:
    """Say whom a patch of an image [1, 3, H, W] listens to, in the very pass that classifies it.

    `block` is one of `graph_blocks`, `place` counts the patches row by row, `target` is the class
    whose logit the influence is on.
    """
    grapher = classifier.model.get_submodule(block)
    if not isinstance(grapher, Grapher):
        raise ExplanationError(
            f"{block} builds no graph. Choose one of {graph_blocks(classifier.model)}."
        )
    device = next(classifier.model.parameters()).device
    with classifier.lock, torch.inference_mode(False), torch.enable_grad():
        places, keys, neighbors, joined, slope = one_pass(
            classifier.model, grapher, image.to(device), target
        )
    if not 0 <= place < places.shape[1]:
        raise ExplanationError(
            f"There is no patch {place}. The grid has patches 0 to {places.shape[1] - 1}."
        )
    who = neighbors[0, place]  # [k]
    theirs, own = keys[0, who], places[0, place]  # [k, C], [C]
    winner = theirs.argmax(dim=0)  # [C]
    ones = torch.ones_like(own)
    owed = (joined * slope)[0].flatten(1)[1::2, place]  # the differences are the odd channels
    k = len(who)
    return Heard(
        side=isqrt(places.shape[1]),
        answering=isqrt(keys.shape[1]),
        neighbors=who.tolist(),
        likeness=torch.cosine_similarity(theirs, own[None], dim=1).tolist(),
        decided=(ones.new_zeros(k).index_add(0, winner, ones) / len(own)).tolist(),
        influence=ones.new_zeros(k).index_add(0, winner, owed).tolist(),
    )


def one_pass(
    model: nn.Module, grapher: Grapher, image: Tensor, target: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return what the block asked, was answered and found, what it joined, and the logit's slope.

    They are [1, P, C], [1, Q, C], [1, P, k], and twice [1, 2C, H, W].
    """
    kept: dict[str, Any] = {}

    def found(_: nn.Module, asked: Any, neighbors: Tensor) -> None:
        kept["graph"] = (asked[0].detach(), asked[1].detach(), neighbors)

    def join(_: nn.Module, asked: Any) -> tuple[Tensor]:
        kept["joined"] = asked[0].detach().requires_grad_()
        return (kept["joined"],)

    handles = [grapher.nearest.register_forward_hook(found)]
    try:
        handles.append(grapher.conv.update.register_forward_pre_hook(join))
        with at_rest(model):
            logit = model(image)[0, target]
    finally:
        for handle in handles:
            handle.remove()
    (slope,) = torch.autograd.grad(logit, [kept["joined"]])
    return *kept["graph"], kept["joined"].detach(), slope
