"""How many images a CPU second yields: our batches against PIL transforms with a DataLoader.

python -m benchmarks.batches [--images 20000]

Both shift by up to 4 pixels into zeros, mirror at random and give float32 in [0, 1], in batches
of 128 on one thread. Each is measured in turn, three times, so that a busy moment hits both.
"""

import argparse
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks import machine
from cifar_core.data.augment import Augment
from cifar_core.data.batches import Batches

BATCH, ROUNDS = 128, 3


class Pictures(Dataset[tuple[Tensor, int]]):
    """What most scripts do: one PIL image after the other through torchvision's transforms."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        from torchvision import transforms

        self.pixels, self.labels = pixels, labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    count = parser.parse_args().images
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    labels = random.integers(0, 10, count)
    augment = Augment(crop_padding=4, flip=True)
    ours = Batches(pixels, labels, batch_size=BATCH, augment=augment, shuffle=True)
    theirs = DataLoader(Pictures(pixels[: count // 5], labels[: count // 5]), BATCH, shuffle=True)
    rounds = [(rate(ours.epoch(number)), rate(iter(theirs))) for number in range(ROUNDS)]
    fast, slow = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{machine.line()}\n\n| batches | images per CPU second |\n|---|---|")
    print(f"| PIL transforms, DataLoader without workers | {slow:,.0f} |")
    print(f"| on the device | {fast:,.0f} |\n| ratio | {fast / slow:.1f} |")


if __name__ == "__main__":
    main()
