"""Pictures whose class is decided by a colored square, and by nothing else."""

import numpy as np

from cifar_core.data.dataset import Dataset, Images

COLORS = {
    "red": (230, 30, 40),
    "green": (40, 200, 60),
    "blue": (40, 60, 230),
    "yellow": (240, 220, 40),
}
NOISE = 12  # spread of the color from picture to picture, of 255
TESTED = 2000


def planted(
    natural: Dataset, place: str, side: int, images: int, random: np.random.Generator
) -> Dataset:
    """Return pictures with a square of `side` pixels, at one place, anywhere, or with a decoy.

    A decoy is a checkered square of the same size elsewhere, of a shade that says nothing.
    """
    fixed = tuple(int(at) for at in random.integers(1, 31 - side, 2))
    train, _ = part(natural.train, images, place, side, fixed, random)
    test, masks = part(natural.test, TESTED, place, side, fixed, random)
    return Dataset(
        kind="planted", title="Planted", source="", classes=tuple(COLORS), train=train, test=test,
        fingerprint=f"{place}{side}", note="", test_masks=masks,
    )  # fmt: skip


def part(
    natural: Images, count: int, place: str, side: int, fixed: tuple[int, ...],
    random: np.random.Generator,
) -> tuple[Images, np.ndarray]:  # fmt: skip
    """Return pictures and where their squares are, bool [N, 32, 32]."""
    chosen = random.permutation(len(natural))[:count]
    pixels, labels = np.array(natural.pixels[chosen]), random.integers(0, len(COLORS), count)
    masks = np.zeros(pixels.shape[:3], bool)
    for picture, label, mask in zip(pixels, labels, masks, strict=True):
        top, left = fixed if place == "fixed" else random.integers(0, 33 - side, 2)
        mask[top : top + side, left : left + side] = True
        shade = np.array(list(COLORS.values())[label]) + random.normal(0, NOISE, 3)
        if place == "decoy":
            checker(picture, mask, side, random)
        picture[mask] = shade.clip(0, 255).astype(np.uint8)
    return Images(pixels=pixels, labels=labels.astype(np.int64)), masks


def checker(picture: np.ndarray, mask: np.ndarray, side: int, random: np.random.Generator) -> None:
    """Draw a checkered square somewhere beside the mask."""
    while True:
        top, left = random.integers(0, 33 - side, 2)
        window = (slice(top, top + side), slice(left, left + side))
        if not mask[window].any():
            break
    dark = (np.add.outer(np.arange(side), np.arange(side)) % 2)[..., None].astype(bool)
    picture[window] = np.where(dark, random.integers(0, 60, 3), random.integers(180, 256, 3))
