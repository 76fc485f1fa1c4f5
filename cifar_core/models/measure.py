"""Measures the size and the cost of a network, without computing any values where possible."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from cifar_core.models.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The figures of one architecture for a number of classes."""

    parameters: int
    trainable: int
    multiply_adds: int  # of convolutions and matrix products, for one image forward
    input_size: int  # pixels a side that the network computes on


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The number of parameters of a network, and how many of them are trained."""

    total: int
    trainable: int


def count(model: nn.Module) -> Parameters:
    """Count the parameters, each once; buffers such as running means do not count."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return Parameters(
        total=sum(size for size, _ in sizes),
        trainable=sum(size for size, learns in sizes if learns),
    )


def multiply_adds(model: nn.Module, size: int = 32) -> int:
    """Count the multiply-adds for one image of `size` pixels a side, as papers' "FLOPs" do.

    Counts convolutions and matrix products, attention included. Needs no arithmetic for a
    model on torch's "meta" device.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    device = next(model.parameters()).device
    were_training = {module: module.training for module in model.modules()}
    model.eval()  # batch norm refuses a 1 x 1 map of a single image in training
    try:
        # with gradients and without fused attention, whose kernels would not all be counted
        with (
            torch.enable_grad(),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            model(torch.zeros(1, 3, size, size, device=device))
    finally:
        for module, was_training in were_training.items():
            module.training = was_training
    return counter.get_total_flops() // 2


@cache
def card(spec: ModelSpec, num_classes: int = 10, resolution: int = 0) -> ModelCard:
    """Return the figures of a fresh network, without allocating its weights.

    `resolution`, in pixels, is for networks that accept any; 0 means the entry's own.
    """
    size = resolution or spec.input_size
    with torch.device("meta"):
        model = spec.build(num_classes, **({"resolution": resolution} if resolution else {}))
    parameters = count(model)
    return ModelCard(
        parameters=parameters.total,
        trainable=parameters.trainable,
        multiply_adds=multiply_adds(model, size),
        input_size=size,
    )
