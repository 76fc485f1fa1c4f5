"""The author's own script for the record, on the same images and in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gpu.section import Bench
from cifar_core.data.dataset import Dataset

TRIALS = "range(200)"  # how the script says how often it trains
WARM_UP = "warmup"
PARTS = ("train", "test")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of the script."""

    accuracy: float  # on the test images with views, 0 to 1
    seconds: float  # whitening, training and testing, by the GPU's clock


def trials(bench: Bench, script: Path, dataset: Dataset, count: int) -> tuple[list[Trial], str]:
    """Return what the script printed for its trials but the warm-up, and its last words."""
    folder = bench.store / "airbench"
    save_images(folder / "cifar10", dataset)
    text = script.read_text("utf-8").replace(TRIALS, f"range({count})")
    (folder / "script.py").write_text(text, "utf-8")
    printed = folder / "printed.txt"
    with printed.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "script.py"], cwd=folder, stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            child.wait(max(1.0, bench.left - 2))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    lines = printed.read_text("utf-8", errors="replace").splitlines()
    return read(lines), lines[-1] if lines else "it printed nothing"


def save_images(folder: Path, dataset: Dataset) -> None:
    """Write the images as the script reads them, so that it downloads none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in zip(PARTS, (dataset.train, dataset.test), strict=True):
        images, labels = torch.from_numpy(part.pixels.copy()), torch.from_numpy(part.labels.copy())
        kept = {"images": images, "labels": labels.long(), "classes": list(dataset.classes)}
        torch.save(kept, folder / f"{name}.pt")


def read(lines: list[str]) -> list[Trial]:
    """Read the rows of the script's table that are about a whole trial."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    header, *rows = cells or [[]]
    found, run = [], ""
    for row in rows:
        if len(row) != len(header):
            continue
        named = dict(zip(header, row, strict=True))
        run = named.get("run") or run  # printed once for all rows of a trial
        if named.get("epoch") == "eval" and run != WARM_UP:
            accuracy, seconds = named["tta_val_acc"], named["time_seconds"]
            found.append(Trial(accuracy=float(accuracy), seconds=float(seconds)))
    return found
