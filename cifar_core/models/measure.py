"""Measures the size and the cost of a network, without computing any values where possible."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property

import torch
from torch import Tensor, UntypedStorage, nn
from torch.autograd.graph import saved_tensors_hooks

from cifar_core.models.spec import SMALL, ModelSpec


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The figures of one architecture for a number of classes."""

    parameters: int
    trainable: int
    multiply_adds: int  # of convolutions and matrix products, for one image forward
    input_size: int  # pixels a side that the network computes on
    side: int  # pixels a side of the images
    build: Callable[[], nn.Module] = field(repr=False, compare=False)  # without its weights

    @cached_property
    def kept_bytes(self) -> int:
        """How much memory training the whole network keeps of one image, in float32."""
        return kept_bytes(self.build(), self.side)


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


def kept_bytes(model: nn.Module, size: int = 32) -> int:
    """Count the bytes that a training step keeps of each image of `size` pixels a side.

    They are what autograd saves for the backward pass, each tensor once, without weights: in
    float32, and with the attention of transformers written out, so at most what a step needs. It
    takes two images, because batch norm needs more than one value, and no arithmetic on "meta".
    """
    fixed = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    kept: dict[int, UntypedStorage] = {}  # alive, so that no address is used twice

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in fixed:
            kept[storage._cdata] = storage
        return tensor

    images = torch.zeros(2, 3, size, size, device=next(model.parameters()).device)
    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        model.train()(images)
    return sum(storage.nbytes() for storage in kept.values()) // len(images)


@cache
def card(
    spec: ModelSpec, num_classes: int = 10, side: int = SMALL, resolution: int = 0
) -> ModelCard:
    """Return the figures of a fresh network, without allocating its weights.

    For images of `side` pixels, which a pretrained network enlarges to `resolution` pixels if that
    is more; 0 means the entry's own.
    """

    def build() -> nn.Module:
        with torch.device("meta"):
            own = {"resolution": resolution} if resolution else {}
            return spec.build(num_classes, side=side, **own)

    model = build()
    parameters = count(model)
    return ModelCard(
        parameters=parameters.total,
        trainable=parameters.trainable,
        multiply_adds=multiply_adds(model, side),
        input_size=spec.computes_on(side, resolution),
        side=side,
        build=build,
    )
