"""How many images a CPU second yields at their own size: our batches against torchvision's loader.

    python -m benchmarks.own_size [--images 256] [--sides 32,128,224]

The same JPEG files, on one thread, from the second epoch on, in turns: read, decoded and changed
anew by torchvision (ImageFolder, v2 transforms, a DataLoader without workers), and cut by us from
what was decoded once. Each is measured as floats in [0, 1], as our networks get them, and with the
scaling by mean and standard deviation, which our networks do themselves. All of it in the
environment that trainers get, and in a plain one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import models
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks import machine
from benchmarks.decoding import noisy
from cifar_core.background import processes
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.models.scaling import Scaled

BATCH, ROUNDS, DISTINCT = 64, 5, 32
PHOTO, NOISE = (500, 375), 6  # files of about 50 kB, as photographs have
ROOM = 1.143  # crop_room's default
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# for each way, the transforms of torchvision for a side, and ours
WAYS: dict[str, tuple[Callable[[int], list[Any]], Augment]] = {
    "random resized crop, mirror": (
        lambda side: [v2.RandomResizedCrop(side), v2.RandomHorizontalFlip()],
        Augment(random_resized_crop=0.08, flip=True),
    ),
    "the same, TrivialAugment, erasing": (  # on PIL images, which is its reference's recipe
        lambda side: [
            v2.RandomResizedCrop(side),
            v2.RandomHorizontalFlip(),
            v2.TrivialAugmentWide(),
            v2.PILToTensor(),
            v2.RandomErasing(0.25),
        ],
        Augment(random_resized_crop=0.08, flip=True, policy="trivial_augment", erasing=0.25),
    ),
}


def make(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write JPEG files of a size into two class folders, DISTINCT of them different."""
    originals = [noisy(number, size, NOISE) for number in range(DISTINCT)]
    paths = [folder / "ab"[number % 2] / f"{number:05d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(originals[number % DISTINCT])
    return paths


def kept(paths: Sequence[Path], side: int, file: Path) -> np.ndarray:
    """Decode files once to squares of `side` pixels; return them as a memory map."""
    pixels = np.empty((len(paths), side, side, 3), np.uint8)
    for place, path in enumerate(paths):
        image = Image.open(path)
        least = min(image.size)
        left, top = (image.width - least) // 2, (image.height - least) // 2
        square = image.crop((left, top, left + least, top + least))
        pixels[place] = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
    np.save(file, pixels)
    return np.load(file, mmap_mode="r")


def ours(paths: Sequence[Path], side: int, augment: Augment, file: Path) -> Batches:
    """Return our batches; small pictures are kept as they are, larger ones with room for crops."""
    stored = side if side == 32 else round(ROOM * side)
    wider, margin = kept(paths, stored, file), (stored - side) // 2
    return Batches(
        wider[:, margin : margin + side, margin : margin + side],
        np.arange(len(paths)) % 2,
        wider=wider,
        batch_size=BATCH,
        augment=augment,
        shuffle=True,
    )


def theirs(folder: Path, steps: list[Any], *, scaled: bool) -> DataLoader[Any]:
    """Return torchvision's loader of the same files."""
    floats = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    more = [v2.Normalize(MEAN, STD)] if scaled else []
    return DataLoader(ImageFolder(folder, v2.Compose([*steps, *floats, *more])), BATCH, True)


def seconds_each(batches: Iterator[Any], after: Callable[[Tensor], object]) -> float:
    """Return the CPU seconds an image of one epoch."""
    start, images = time.process_time(), 0
    for pixels, _ in batches:
        after(pixels)
        images += len(pixels)
    return (time.process_time() - start) / images


def compare(name: str, side: int, count: int, scratch: Path) -> None:
    """Measure one way at one side and print its two rows."""
    steps, augment = WAYS[name]
    folder = scratch / f"set{side}"
    paths = make(folder, count, (32, 32) if side == 32 else PHOTO)
    batches = ours(paths, side, augment, scratch / f"{side}.npy")
    scaling = Scaled(nn.Identity(), mean=MEAN, std=STD)
    for words, after, scaled in (("", len, False), (", scaled", scaling, True)):
        loader = theirs(folder, steps(side), scaled=scaled)
        rounds = [
            (seconds_each(iter(loader), len), seconds_each(batches.epoch(number), after))
            for number in range(ROUNDS + 1)
        ][1:]
        slow, fast = (median(column) for column in zip(*rounds, strict=True))
        times = median(slow / fast for slow, fast in rounds)
        print(f"| {side} | {name}{words} | {1 / slow:,.0f} | {1 / fast:,.0f} | {times:.1f} |",
              flush=True)  # fmt: skip


def share_of_step(count: int, scratch: Path) -> float:
    """Return what loading at 224 pixels takes beside a step of ResNet-18, as published."""
    paths = make(scratch / "step", count, PHOTO)
    augment = WAYS["random resized crop, mirror"][1]
    batches = ours(paths, 224, augment, scratch / "step.npy")
    network = models.resnet18(num_classes=2).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)

    def step(pixels: Tensor) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(pixels).float().logsumexp(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    rounds = []
    for number in range(3):
        loading = seconds_each(batches.epoch(number), len)
        pixels, _ = next(batches.epoch(number))
        start = time.process_time()
        step(pixels)
        rounds.append((loading, (time.process_time() - start) / BATCH))
    loading, computing = (median(column) for column in zip(*rounds[1:], strict=True))
    print(f"ResNet-18 at 224, batch {BATCH}, bfloat16: {1e3 * computing:.2f} CPU ms an image, "
          f"loading {1e3 * loading:.3f}", flush=True)  # fmt: skip
    return loading / computing


def here(count: int, sides: Sequence[int]) -> None:
    """Measure in this process."""
    torch.set_num_threads(1)
    print(f"{machine.line()}\n")
    print("| side | changes | torchvision | ours | ratio |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        with torch.inference_mode():
            for side in sides:
                for way in WAYS:
                    compare(way, side, count, Path(name))
        print(f"Loading is {share_of_step(count, Path(name)):.1%} of a step.")


def main() -> None:
    """Measure in both environments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--sides", default="32,128,224")
    parser.add_argument("--here", action="store_true", help="only in this process")
    arguments = parser.parse_args()
    if arguments.here:
        here(arguments.images, [int(side) for side in arguments.sides.split(",")])
        return
    command = [sys.executable, "-m", "benchmarks.own_size", "--here", *sys.argv[1:]]
    for words, more in (("of trainers", processes.trainer_environment(1)),
                        ("plain", {"OMP_NUM_THREADS": "1"})):  # fmt: skip
        print(f"\nEnvironment: {words}", flush=True)
        subprocess.run(command, env={**os.environ, **more}, check=True)


if __name__ == "__main__":
    main()
