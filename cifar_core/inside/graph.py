"""The graph of a Vision GNN: the neighbors of a node, and how much each of them contributes.

The nodes are patches. Each feature of a node is joined with its largest difference to a neighbor
(max-relative graph convolution, Li et al. 2019, as in Han et al. 2022,
https://arxiv.org/abs/2206.00272), so exactly one neighbor decides each channel. All heads share
one graph.
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
class NodeNeighbors:
    """The neighbors of one node in one block; lists have one entry per neighbor, nearest first."""

    side: int  # of the grid of nodes
    key_side: int  # of the grid of keys, which holds the neighbors; smaller if pooled
    neighbors: list[int]  # indices in the grid of keys, row by row
    similarity: list[float]  # cosine of the features, in [-1, 1]
    decided: list[float]  # share of the channels in which it is the largest
    # what its differences add to the class's logit, to first order
    influence: list[float]


def graph_blocks(model: nn.Module) -> list[str]:
    """Return the dotted names of the blocks that build a graph; none if it is not a Vision GNN."""
    return [name for name, module in model.named_modules() if isinstance(module, Grapher)]


def neighbors_of(
    classifier: Explainable, image: Tensor, block: str, node: int, target: int
) -> NodeNeighbors:
    """Return the neighbors of a node of an image [1, 3, H, W] in [0, 1], as it is classified.

    `block` is one of `graph_blocks`, `node` counts the patches row by row, `target` is the class
    for whose logit the influence is. Raises ExplanationError.
    """
    grapher = classifier.model.get_submodule(block)
    if not isinstance(grapher, Grapher):
        raise ExplanationError(
            f"{block} builds no graph. Choose one of {graph_blocks(classifier.model)}."
        )
    device = next(classifier.model.parameters()).device
    with classifier.lock, torch.inference_mode(False), torch.enable_grad():
        nodes, keys, neighbors, joined, slope = one_pass(
            classifier.model, grapher, image.to(device), target
        )
    if not 0 <= node < nodes.shape[1]:
        raise ExplanationError(
            f"There is no patch {node}. The grid has patches 0 to {nodes.shape[1] - 1}."
        )
    nearest = neighbors[0, node]  # [k]
    theirs, own = keys[0, nearest], nodes[0, node]  # [k, C], [C]
    winner = theirs.argmax(dim=0)  # [C]
    ones = torch.ones_like(own)
    effects = (joined * slope)[0].flatten(1)[1::2, node]  # the differences are the odd channels
    k = len(nearest)
    return NodeNeighbors(
        side=isqrt(nodes.shape[1]),
        key_side=isqrt(keys.shape[1]),
        neighbors=nearest.tolist(),
        similarity=torch.cosine_similarity(theirs, own[None], dim=1).tolist(),
        decided=(ones.new_zeros(k).index_add(0, winner, ones) / len(own)).tolist(),
        influence=ones.new_zeros(k).index_add(0, winner, effects).tolist(),
    )


def one_pass(
    model: nn.Module, grapher: Grapher, image: Tensor, target: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the block's nodes, keys and neighbors, its joined features, and the logit's gradient.

    They are [1, P, C], [1, Q, C], [1, P, k], and twice [1, 2C, H, W].
    """
    kept: dict[str, Any] = {}

    def keep_graph(_: nn.Module, inputs: Any, neighbors: Tensor) -> None:
        kept["graph"] = (inputs[0].detach(), inputs[1].detach(), neighbors)

    def join(_: nn.Module, inputs: Any) -> tuple[Tensor]:
        kept["joined"] = inputs[0].detach().requires_grad_()
        return (kept["joined"],)

    handles = [grapher.nearest.register_forward_hook(keep_graph)]
    try:
        handles.append(grapher.conv.update.register_forward_pre_hook(join))
        with at_rest(model):
            logit = model(image)[0, target]
    finally:
        for handle in handles:
            handle.remove()
    (slope,) = torch.autograd.grad(logit, [kept["joined"]])
    return *kept["graph"], kept["joined"].detach(), slope
