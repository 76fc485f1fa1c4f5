"""The effects: changes of the pixels of whole batches, on the device, without waiting for it."""

import torch
from torch import Tensor

from cifar_core.data.augmentation.augment import Augment, Draws
from cifar_core.data.augmentation.effects import blur, colors, fills, geometry, policy
from cifar_core.data.augmentation.effects.effect import Stage
from cifar_core.data.augmentation.floats import Floats
from cifar_core.registry import Registry

EFFECTS = Registry(  # in the order in which they change an image
    "augmentation",
    [*geometry.SPECS, *policy.SPECS, *colors.SPECS, *blur.SPECS, *fills.SPECS],
)


class Effects:
    """Turns crops into a network's input, with the effects that settings ask for."""

    def __init__(self, augment: Augment, draws: Draws) -> None:
        self.augment, self.draws, self.floats = augment, draws, Floats()
        self.on = [effect for effect in EFFECTS.values() if effect.is_on(augment)]

    def __call__(self, pixels: Tensor, part: slice) -> Tensor:
        """Turn pixels [n, S, S, 3] into images [n, 3, S, S] in [0, 1], stored channels-last.

        `part` are the positions of these images in the order of the epoch.
        """
        draws = self.draws.of(part)
        if any(effect.stage != "filled" for effect in self.on):
            images = pixels.permute(0, 3, 1, 2).contiguous()  # several times as fast as interleaved
            images = self._staged("levels", images, draws)
            images = self._staged("planes", self.floats(images), draws)
            images = images.contiguous(memory_format=torch.channels_last)
        else:
            images = self.floats(pixels).permute(0, 3, 1, 2)
        return self._staged("filled", images, draws)

    def _staged(self, stage: Stage, images: Tensor, draws: Draws) -> Tensor:
        for effect in self.on:
            if effect.stage == stage:
                images = effect.change(images, self.augment, draws)
        return images
