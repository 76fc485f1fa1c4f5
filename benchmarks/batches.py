"""How many images a CPU second yields: our batches against PIL transforms with a DataLoader.

python -m benchmarks.batches [--images 20000]

Each set of augmentations is the same on both sides, gives float32 in [0, 1] in batches of 128 on
one thread, and is measured in turn, five times, so that a busy moment hits both.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks import machine
from cifar_core.data.augmentation.augment import MEAN_COLOR, Augment
from cifar_core.data.batches import Batches

BATCH, ROUNDS = 128, 5
CROP = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
JITTER = transforms.ColorJitter(0.4, 0.4, 0.4)
ERASE = transforms.RandomErasing(
    p=1.0, scale=(1 / 16, 1 / 16), ratio=(1.0, 1.0), value=[level / 255 for level in MEAN_COLOR]
)  # 8 x 8 of 32 x 32 pixels
FLOAT = transforms.ToTensor()
SHIFTED = {"crop_padding": 4, "flip": True}
SETS: dict[str, tuple[list[Any], Augment]] = {
    "none": ([FLOAT], Augment()),
    "crop, mirror": ([*CROP, FLOAT], Augment(**SHIFTED)),
    "crop, mirror, cutout": ([*CROP, FLOAT, ERASE], Augment(**SHIFTED, cutout=8)),
    "crop, mirror, colour": ([*CROP, JITTER, FLOAT], Augment(**SHIFTED, color_jitter=0.4)),
    "all of these": (
        [*CROP, JITTER, FLOAT, ERASE],
        Augment(**SHIFTED, color_jitter=0.4, cutout=8),
    ),
}


class Pictures(Dataset[tuple[Tensor, int]]):
    """What most scripts do: one PIL image after the other through torchvision's transforms."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, steps: list[Any]) -> None:
        self.pixels, self.labels = pixels, labels
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


def rate(batches: Iterator[tuple[Tensor, Tensor]]) -> float:
    """Return images per CPU second."""
    start, images = time.process_time(), 0
    for pixels, _ in batches:
        images += len(pixels)
    return images / (time.process_time() - start)


def compare(
    pixels: np.ndarray, labels: np.ndarray, steps: list[Any], augment: Augment
) -> tuple[float, float, float]:
    """Return their rate, ours, and the ratio: medians over the rounds."""
    few = len(labels) // 10
    ours = Batches(pixels, labels, batch_size=BATCH, augment=augment, shuffle=True)
    theirs = DataLoader(Pictures(pixels[:few], labels[:few], steps), BATCH, shuffle=True)
    rounds = [(rate(iter(theirs)), rate(ours.epoch(number))) for number in range(ROUNDS)]
    slow, fast = (statistics.median(column) for column in zip(*rounds, strict=True))
    return slow, fast, statistics.median(ours / theirs for theirs, ours in rounds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    count = parser.parse_args().images
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    labels = random.integers(0, 10, count)
    print(f"{machine.line()}\n")
    print("| augmentation | PIL transforms, DataLoader without workers | ours | ratio |")
    print("|---|---|---|---|")
    for name, (steps, augment) in SETS.items():
        slow, fast, ratio = compare(pixels, labels, steps, augment)
        print(f"| {name} | {slow:,.0f} | {fast:,.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
