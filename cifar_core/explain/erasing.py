"""Saliency from covering parts of the image; the network's internals are not used."""

from dataclasses import dataclass
from itertools import chain
from math import ceil, floor

import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.batching import images_at_once
from cifar_core.explain.baselines import BASELINES
from cifar_core.explain.spec import SaliencySpec, Subject, one_by_one
from cifar_core.settings import Settings, choice, number

AT_ONCE = 64  # covered copies in a batch, at most
SIDE = 32  # pixels a side of the picture that windows are declared for; scaled for others
FINEST = 64  # pixels a side of a map, which is enlarged for larger images
CELLS = 7  # RISE: cells on a side of a mask before it is enlarged (section 3.3)
KEPT = 0.5  # RISE: share of the cells that a mask leaves visible
GRID = 8  # RISE: cells on a side of the coarse picture of a mask, of which a part is predicted
RIDGE = 3.0  # RISE: keeps the prediction calm; 0.5 and 10 made no difference


@dataclass(frozen=True, kw_only=True)
class OcclusionSettings(Settings):
    """The window that is moved over the image, and its filling."""

    window: int = number(
        8, low=2, high=16, help="Side of the covered square, in 32nds of the picture's."
    )
    stride: int = number(
        4, low=1, high=16, help="By how much the square is moved, in 32nds of the picture's side."
    )
    baseline: str = choice("grey", BASELINES, help="The filling of the square.")

    def conflicts(self) -> dict[str, str]:
        """Refuse a stride above the window, which would leave pixels that are never covered."""
        if self.stride <= self.window:
            return {}
        return {
            "stride": f"stride is {self.stride}, but the window is {self.window} wide and "
            f"would leave gaps. Choose at most {self.window}."
        }


def occlusion(
    subject: Subject, images: Tensor, targets: Tensor, settings: OcclusionSettings
) -> Tensor:
    """Return how much the class logit falls when a window around a pixel is covered; [N, H, W].

    The mean over the windows that contain the pixel. They hang over the border, so that pixels
    there lie in as many windows as others; with fewer, maps would lean towards the border. What a
    window lowers counts in proportion to its whole area, of which only a part is in the picture.
    """
    height, width = images.shape[2:]
    grid = min(height, FINEST), min(width, FINEST)
    masks, coarse = (windows(*size, settings).to(images.device) for size in ((height, width), grid))
    areas = areas_of(*grid, settings).to(images.device)
    shares = coarse.sum(dim=(1, 2, 3)) / areas  # of each window, in the picture
    often, most = coarse.sum(dim=0)[0], min(AT_ONCE, images_at_once(height))

    def falls(image: Tensor, target: Tensor) -> Tensor:
        def against(cover: Tensor) -> Tensor:
            copies = (torch.where(part, cover, image) for part in masks.split(most))
            with torch.no_grad():
                scores = torch.cat([subject.model(batch) for batch in chain([image], copies)])
            lost = scores[0, target] - scores[1:, target]  # [P, 1]
            return ((lost / shares[:, None])[..., None, None] * coarse).sum(dim=0) / often

        return BASELINES[settings.baseline].mean(against, image)

    return enlarged(one_by_one(falls, images.detach(), targets), images)


def windows(height: int, width: int, settings: OcclusionSettings) -> Tensor:
    """Return where each window is, bool [P, 1, H, W]; every pixel lies in at least one."""
    down, across = (
        torch.stack([
            (torch.arange(side) >= start) & (torch.arange(side) < end)
            for start, end in spans(side, settings)
        ])
        for side in (height, width)
    )  # fmt: skip
    return (down[:, None, :, None] & across[None, :, None, :]).view(-1, 1, height, width)


def areas_of(height: int, width: int, settings: OcclusionSettings) -> Tensor:
    """Return the area [P] of each window in pixels, with what hangs over the border."""
    down, across = (
        torch.tensor([end - start for start, end in spans(side, settings)])
        for side in (height, width)
    )
    return (down[:, None] * across).flatten()


def spans(side: int, settings: OcclusionSettings) -> list[tuple[int, int]]:
    """Return the first pixel of each window along a side, and the one after its last.

    There are as many at every size, and those at the border hang over it.
    """
    starts = range(settings.stride - settings.window, SIDE, settings.stride)
    return [
        (floor(start * side / SIDE), ceil((start + settings.window) * side / SIDE))
        for start in starts
    ]


def covered_copies(settings: OcclusionSettings) -> int:
    """Return how many copies of an image are classified."""
    count = len(spans(SIDE, settings)) ** 2 + 1
    return count * len(BASELINES[settings.baseline].pictures)


@dataclass(frozen=True, kw_only=True)
class RiseSettings(Settings):
    """The number of masks."""

    masks: int = number(256, low=16, high=4096, help="Random masks; more is less grainy.")


def rise(subject: Subject, images: Tensor, targets: Tensor, settings: RiseSettings) -> Tensor:
    """Return how much a visible pixel raises the class logit, over random masks; [N, H, W].

    RISE (Petsiuk et al. 2018, section 3.2) with the mean logit subtracted, so that a pixel that
    does not matter is 0 and one that opposes the class is negative. Hidden parts are black.
    """
    height, width = images.shape[2:]
    masks = random_masks(settings.masks, min(height, FINEST), min(width, FINEST), subject.draw)
    most = min(AT_ONCE, images_at_once(height))

    def covariance(image: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            batches = (
                image * enlarged(part[:, 0].to(image), image)[:, None] for part in masks.split(most)
            )
            scores = torch.cat([subject.model(batch)[:, target][:, 0] for batch in batches])
        return steady_covariance(masks, scores.cpu())[None] / (KEPT * (1 - KEPT))

    return enlarged(one_by_one(covariance, images.detach(), targets), images)


def enlarged(maps: Tensor, images: Tensor) -> Tensor:
    """Return maps [N, h, w] at the size of the images, smoothly; unchanged if they have it."""
    if maps.shape[1:] == images.shape[2:]:
        return maps
    return F.interpolate(maps[:, None], images.shape[2:], mode="bilinear")[:, 0]


def steady_covariance(masks: Tensor, scores: Tensor) -> Tensor:
    """Return the covariance [H, W] of scores [M] with the pixels of masks [M, 1, H, W].

    What a linear function of a coarse grid explains of the scores is taken out, and its exact
    covariance put in (a control variate): most of the noise of a map comes from the other parts
    of the picture that its masks happened to show.
    """
    cells = F.adaptive_avg_pool2d(masks, GRID).flatten(1)
    cells, scores = cells - cells.mean(dim=0), scores - scores.mean()
    matrix = cells.T @ cells + RIDGE * torch.eye(GRID**2)
    weights = torch.linalg.solve(matrix, cells.T @ scores)
    rest = scores - cells @ weights
    rows, columns = (covariance_of_pixels(side) for side in masks.shape[2:])
    explained = rows @ weights.view(GRID, GRID) @ columns.T * (KEPT * (1 - KEPT))
    return explained + (rest[:, None, None] * (masks[:, 0] - masks[:, 0].mean(dim=0))).mean(dim=0)


def covariance_of_pixels(side: int) -> Tensor:
    """Return the covariance [side, GRID] of a mask's pixels in a row with its coarse cells.

    In units of the variance of a cell of the random grid, over all shifts of the grid. That of a
    picture is the product of those of its rows and columns.
    """
    cell = ceil(side / CELLS)
    spread = F.interpolate(torch.eye(CELLS + 1)[None], (CELLS + 1) * cell, mode="linear")[0]
    shifts = [spread[:, start : start + side] for start in range(cell)]
    pixels = torch.stack([shift.T @ shift for shift in shifts]).mean(dim=0)
    return F.adaptive_avg_pool1d(pixels, GRID)


def random_masks(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Return smooth random masks [count, 1, H, W] in [0, 1], the same every time for a seed.

    The second half are the opposites of the first, so that what does not change its sign with
    the mask cancels.
    """
    masks = smooth_masks(ceil(count / 2), height, width, seed)
    return torch.cat([masks, 1 - masks])[:count]


def smooth_masks(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Return independent ones: a random grid, enlarged and shifted (RISE, section 3.3)."""
    generator = torch.Generator().manual_seed(seed)
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
        passes=covered_copies,
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
        random=True,
        paper="https://arxiv.org/abs/1806.07421",
    ),
]
