"""Datasets: found, downloaded, decoded once, split and cut into batches."""

import os
from pathlib import Path

from cifar_core.data import cache, synthetic
from cifar_core.data.dataset import Dataset
from cifar_core.errors import DataError


def resolve(wanted: str, store: Path) -> str:
    """Return "synthetic" or an absolute path."""
    if wanted == "auto":
        wanted = os.environ.get("CIFAR_DATA") or "synthetic"
    return wanted if wanted == "synthetic" else str(Path(wanted).expanduser().resolve())


def load(source: str, store: Path) -> Dataset:
    """Open a dataset, decoding it first if that has not been done."""
    if source == "synthetic":
        return cache.cached(store, "synthetic", synthetic.IDENTITY, synthetic.load)
    raise DataError(f"There is no dataset at {source}.")
