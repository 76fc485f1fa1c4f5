"""The backward pass in Python, for fake tensors: torch's engine asks the driver for streams."""

import heapq
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def backward(roots: Sequence[Tensor], gradients: Sequence[Tensor], *_: Any, **__: Any) -> tuple[()]:
    """Walk the graph from the roots to the weights, which get their gradients.

    As in torch's engine, the newest node is next, and a gradient is brought to the shape and dtype
    of what it belongs to. It must be on its device.
    """
    arrived: dict[Any, dict[int, Tensor]] = {}  # at each node, by the number of its output
    upcoming: list[tuple[int, int, Any]] = []

    def send(node: Any, number: int, gradient: Tensor) -> None:
        if node not in arrived:
            age = -node._sequence_nr() if node.next_functions else 0  # a weight is last
            heapq.heappush(upcoming, (age, len(arrived), node))
        sums = arrived.setdefault(node, {})
        sums[number] = sums[number] + gradient if number in sums else gradient

    with torch.no_grad():
        for root, gradient in zip(roots, gradients, strict=True):
            send(root.grad_fn, root.output_nr, gradient)
        while upcoming:
            *_, node = heapq.heappop(upcoming)
            outputs = enumerate(node._input_metadata)
            found = node(*(fitted(arrived[node].get(number), like) for number, like in outputs))
            found = found if isinstance(found, tuple) else (found,)
            for (following, number), gradient in zip(node.next_functions, found, strict=False):
                if following is not None and gradient is not None:
                    send(following, number, gradient)
    return ()


def fitted(gradient: Tensor | None, like: Any) -> Tensor | None:
    """Return a gradient in the shape and dtype of what it belongs to."""
    if gradient is None:
        return None
    if gradient.device != like.device:
        raise RuntimeError(f"A gradient is on {gradient.device}, its tensor on {like.device}.")
    if gradient.shape != (shape := torch.Size(like.shape)):
        gradient = gradient.sum_to_size(shape)
    return gradient.to(like.dtype)
