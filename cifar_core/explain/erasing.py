"""Saliency from covering parts of the image; the network's internals are not used."""

from dataclasses import dataclass
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.settings import Settings, choice, number

AT_ONCE = 64  # covered copies in a batch
SIDE = 32  # pixels, for which the cost is declared
CELLS = 7  # RISE: cells on a side of a mask before it is enlarged (section 3.3)
KEPT = 0.5  # RISE: share of the cells that a mask leaves visible


@dataclass(frozen=True, kw_only=True)
class OcclusionSettings(Settings):
    """The window that is moved over the image, and its filling."""

    window: int = number(8, low=2, high=16, help="Side of the covered square, in pixels.")
    stride: int = number(4, low=1, high=16, help="Pixels by which the square is moved.")
    baseline: str = choice("grey", BASELINES, help="The filling of the square.")

    def conflicts(self) -> dict[str, str]:
        """Refuse a stride above the window, which would leave pixels that are never covered."""
        if self.stride <= self.window:
            return {}
        return {
            "stride": f"stride is {self.stride}, but the window is {self.window} pixels wide and "
            f"would leave gaps. Choose at most {self.window}."
        }


def occlusion(
    subject: Subject, images: Tensor, targets: Tensor, settings: OcclusionSettings
) -> Tensor:
    """Return how much the class logit falls when a pixel is covered, on average; [N, H, W]."""
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

    # all color channels hold the same number
    return one_by_one(falls, images.detach(), targets).mean(dim=1)


def windows(settings: OcclusionSettings) -> int:
    """Return how many copies of an image of 32 x 32 pixels are classified."""
    positions = ceil((SIDE - settings.window) / settings.stride) + 1
    return (positions**2 + 1) * len(BASELINES[settings.baseline].pictures)


@dataclass(frozen=True, kw_only=True)
class RiseSettings(Settings):
    """The number of masks."""

    masks: int = number(256, low=16, high=4096, help="Random masks; more is less grainy.")


def rise(subject: Subject, images: Tensor, targets: Tensor, settings: RiseSettings) -> Tensor:
    """Return how much a visible pixel raises the class logit, over random masks; [N, H, W].

    RISE (Petsiuk et al. 2018, section 3.2) with the mean logit subtracted, so that a pixel that
    does not matter is 0 and one that opposes the class is negative. Hidden parts are black.
    """
    masks = random_masks(settings.masks, images.shape[2], images.shape[3]).to(images)
    centered = masks - masks.mean(dim=0)

    def covariance(image: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            scores = torch.cat([subject.model(image * part) for part in masks.split(AT_ONCE)])
        weights = scores[:, target] - scores[:, target].mean()  # [M, 1]
        return (weights[:, :, None, None] * centered).mean(dim=0) / (KEPT * (1 - KEPT))

    return one_by_one(covariance, images.detach(), targets)


def random_masks(count: int, height: int, width: int) -> Tensor:
    """Return smooth random masks [count, 1, H, W] in [0, 1], the same every time."""
    generator = torch.Generator().manual_seed(0)
    cell = (ceil(height / CELLS), ceil(width / CELLS))
    grid = (torch.rand(count, 1, CELLS + 1, CELLS + 1, generator=generator) < KEPT).float()
    size = ((CELLS + 1) * cell[0], (CELLS + 1) * cell[1])
    large = F.interpolate(grid, size, mode="bilinear").clamp(0, 1)
    rows = torch.randint(cell[0], (count,), generator=generator).tolist()
    columns = torch.randint(cell[1], (count,), generator=generator).tolist()
    crops = [
        mask[:, row : row + height, column : column + width]
        for mask, row, column in zip(large, rows, columns, strict=True)
    ]
    return torch.stack(crops)


SPECS = [
    SaliencySpec(
        key="occlusion",
        title="Occlusion",
        summary="How much does the score fall when this part is covered?",
        method=occlusion,
        settings=OcclusionSettings,
        signed=True,
        passes=windows,
        forward_only=True,
        paper="https://arxiv.org/abs/1311.2901",
    ),
    SaliencySpec(
        key="rise",
        title="RISE",
        summary="How much higher is the score when this part is left visible?",
        method=rise,
        settings=RiseSettings,
        signed=True,
        passes=lambda settings: settings.masks,
        forward_only=True,
        paper="https://arxiv.org/abs/1806.07421",
    ),
]
