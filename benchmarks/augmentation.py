"""How many images a CPU second changes: our effects against torchvision's v2, image by image.

python -m benchmarks.augmentation [--sides 32 128 224] [--stock]

Both sides begin with uint8 images in memory and end with a batch of float32 in [0, 1], on one
thread, and are measured in turn; the best of some rounds counts. Ours include their draws. Unless
--stock, both have the allocator settings of a trainer.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from benchmarks import machine
from cifar_core.background.processes import trainer_environment
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.augmentation.effects import Effects

BATCH, ROUNDS = 64, 5
BILINEAR = InterpolationMode.BILINEAR


def pairs(side: int) -> dict[str, tuple[v2.Transform, Augment]]:
    """Return the same change by both sides."""
    width = 0.3 * side / 32
    return {
        "TrivialAugment": (
            v2.TrivialAugmentWide(interpolation=BILINEAR),
            Augment(policy="trivial_augment"),
        ),
        "RandAugment, 2 operations": (
            v2.RandAugment(interpolation=BILINEAR),
            Augment(policy="rand_augment"),
        ),
        "AugMix": (v2.AugMix(interpolation=BILINEAR), Augment(policy="aug_mix")),
        "rotation, zoom, shear, perspective": (
            v2.Compose(
                [
                    v2.RandomAffine(20, scale=(0.8, 1.2), shear=10, interpolation=BILINEAR),
                    v2.RandomPerspective(0.5, interpolation=BILINEAR),
                ]
            ),
            Augment(rotation=20.0, zoom=0.2, shear=10.0, perspective=0.5),
        ),
        "color jitter": (v2.ColorJitter(0.4, 0.4, 0.4), Augment(color_jitter=0.4)),
        "grayscale": (v2.RandomGrayscale(0.5), Augment(grayscale=0.5)),
        "Gaussian blur": (
            v2.GaussianBlur(2 * math.ceil(3 * width) + 1, (width / 20, width)),
            Augment(blur=0.3),
        ),
        "erasing": (v2.RandomErasing(0.5), Augment(erasing=0.5)),
        "TrivialAugment and erasing": (
            v2.Compose([v2.TrivialAugmentWide(interpolation=BILINEAR), v2.RandomErasing(0.1)]),
            Augment(policy="trivial_augment", erasing=0.1),
        ),
    }


def theirs(pixels: np.ndarray, change: v2.Transform) -> Callable[[int], Tensor]:
    """Return a function that changes a batch image by image."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return lambda _: torch.stack([change(image) for image in images]).float().div_(255)


def ours(pixels: np.ndarray, augment: Augment) -> Callable[[int], Tensor]:
    """Return a function that changes a batch as one of an epoch."""
    images, everything = torch.from_numpy(pixels), slice(None)

    def change(epoch: int) -> Tensor:
        draws = augment.draw(len(images), seed=0, epoch=epoch, side=images.shape[1])
        return Effects(augment, draws)(images, everything)

    return change


def seconds(change: Callable[[int], Tensor], epoch: int) -> float:
    """Return the CPU seconds of a batch."""
    start = time.process_time()
    change(epoch)
    return time.process_time() - start


def main() -> None:
    """Print a table for each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 128, 224])
    parser.add_argument("--stock", action="store_true", help="the system's allocator settings")
    chosen = parser.parse_args()
    allocator = trainer_environment(threads=1)
    if not chosen.stock and not allocator.items() <= os.environ.items():
        arguments = [sys.executable, "-m", "benchmarks.augmentation", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **allocator})
    torch.set_num_threads(1)
    print(f"{machine.line()}\n")
    print("| side | change | torchvision v2, image by image | ours | ratio |")
    print("|---|---|---|---|---|")
    for side in chosen.sides:
        low = np.random.default_rng(0).integers(0, 256, (BATCH, 8, 8, 3), np.uint8)
        pixels = low.repeat(-(-side // 8), axis=1).repeat(-(-side // 8), axis=2)
        pixels = np.ascontiguousarray(pixels[:, :side, :side])
        for name, (change, augment) in pairs(side).items():
            both = theirs(pixels, change), ours(pixels, augment)
            best = [float("inf"), float("inf")]
            for number in range(ROUNDS + 1):  # the first warms up
                taken = [seconds(one, number) for one in both]
                best = [min(pair) for pair in zip(best, taken, strict=True)] if number else best
            slow, fast = (BATCH / least for least in best)
            print(
                f"| {side} | {name} | {slow:,.0f} | {fast:,.0f} | {fast / slow:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
