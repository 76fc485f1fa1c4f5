"""What images at their own size bring, against the same images through 32 pixels.

python -m benchmarks.native [--seeds 3] [--pictures FOLDER --weights FILE]

Stripes of 2 pixels, level against upright, at 128 pixels: Simple CNN from scratch. With a folder of
pictures and a file of MobileNetV2's weights: crops of 96 pixels, each picture a class, from its
left half to train on and from its right half to test with, for a new last layer of the frozen
network at 128 pixels.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks import machine
from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.data.sizing import Sizing
from cifar_core.runs.prepare import pretrained
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.statistics.over_seeds import spread
from cifar_core.training.evaluate import evaluate
from cifar_core.training.setup import prepare

STRIPES = {"train": 200, "test": 100}  # pictures of each class
CROPS = {"train": 40, "test": 30}
CROP = 96  # pixels a side
FROM_SCRATCH: dict[str, Any] = {
    "model": "simple_cnn", "epochs": 4, "batch_size": 32, "optimizer": "adamw",
    "learning_rate": 0.003, "flip": False, "crop_padding": 0,
}  # fmt: skip
FROZEN: dict[str, Any] = {
    "plan": "head", "cached_views": 1, "epochs": 30, "batch_size": 32, "optimizer": "adamw",
    "learning_rate": 0.003, "flip": False, "crop_padding": 0, "resolution": 128,
}  # fmt: skip
Pictures = Callable[[str], Sequence[tuple[str, NDArray[np.uint8]]]]  # part -> classes, pixels


def stripes(part: str) -> list[tuple[str, NDArray[np.uint8]]]:
    """Return noisy stripes, level and upright."""
    random = np.random.default_rng(part == "test")
    found = []
    for _ in range(STRIPES[part]):
        for name in ("level", "upright"):
            pixels = np.full((128, 128, 3), 60)
            pixels[(np.arange(128) + random.integers(4)) % 4 < 2] = 200
            turned = pixels.transpose(1, 0, 2) if name == "upright" else pixels
            noisy = np.clip(turned + random.integers(-20, 21, turned.shape), 0, 255)
            found.append((name, noisy.astype(np.uint8)))
    return found


def crops_of(folder: Path, part: str) -> list[tuple[str, NDArray[np.uint8]]]:
    """Return crops of each picture that is large enough, with the brightness of chance."""
    random = np.random.default_rng(part == "test")
    found = []
    for path in sorted(folder.iterdir()):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        height, width = pixels.shape[:2]
        half = pixels[:, : width // 2] if part == "train" else pixels[:, width // 2 :]
        if half.shape[1] < CROP or height < CROP:
            continue
        for _ in range(CROPS[part]):
            top, left = (
                random.integers(height - CROP + 1),
                random.integers(half.shape[1] - CROP + 1),
            )
            crop = half[top : top + CROP, left : left + CROP] * random.uniform(0.6, 1.4)
            found.append((path.stem, np.clip(crop, 0, 255).astype(np.uint8)))
    return found


def written(folder: Path, pictures: Pictures) -> str:
    """Write pictures as a set of class folders, and return it as a source."""
    for part in ("train", "test"):
        for number, (name, pixels) in enumerate(pictures(part)):
            path = folder / part / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return str(folder)


def accuracy(source: str, store: Path, side: int, **settings: Any) -> float:
    """Train on the images at a size, and return the accuracy on the test images."""
    images = data.load(source, store, Sizing(side=side, stored=side))
    config = TrainConfig(image_size=side, precision="float32", threads=1, **settings)
    tensors, _ = pretrained.load(config, store)
    setup = prepare(config, images, "cpu", tensors)
    test: Any = setup.test
    ticks = keep_features(setup, images.fingerprint, store, lambda _: None)
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            test = end.value or test
            break
    for _ in setup.trainer.run():
        pass
    ticks = evaluate(setup.trainer.validated, test, setup.trainer.precision, "test")
    while True:
        try:
            next(ticks)
        except StopIteration as end:
            return float(end.value.accuracy)


def row(title: str, source: str, store: Path, side: int, seeds: int, **settings: Any) -> str:
    """Return one line of the table."""
    found = [accuracy(source, store, side, seed=seed, **settings) for seed in range(seeds)]
    over = spread(found)
    each = ", ".join(f"{100 * one:.1f}" for one in found)
    return f"| {title} | {side} | {100 * over.mean:.1f} % | {each} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(
        f"{machine.line()}\n\n| task | pixels a side | test accuracy | seeds |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = written(root / "stripes", stripes)
        for side in (32, 128):
            print(row("stripes, Simple CNN", source, root / "store", side, arguments.seeds,
                      **FROM_SCRATCH), flush=True)  # fmt: skip
        if arguments.pictures is None:
            return
        model = pretrained.import_weights(arguments.weights, root / "store", "").key
        source = written(root / "crops", lambda part: crops_of(arguments.pictures, part))
        for side in (32, CROP):
            print(row("crops of pictures, frozen MobileNetV2 at 128", source, root / "store", side,
                      arguments.seeds, model=model, **FROZEN), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
