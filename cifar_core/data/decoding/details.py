"""What is known of each image of a decoded source, and of its files, for the Data page.

Nothing is read before it is asked for, and training never reads any of it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.data import cache
from cifar_core.data.contents import PartOfSet
from cifar_core.data.decoding.finish import GRAYS, SIZES, names_in
from cifar_core.data.decoding.lists import Lists, lists_of
from cifar_core.data.description import Found, read_meta
from cifar_core.disk.checks import as_type


@dataclass(frozen=True)
class Details:
    """What is known of a decoded source. The order of images is train, val, test."""

    folder: Path
    counts: dict[PartOfSet, int]  # images of each part
    found: Found  # said, ignored and unreadable files, gray, lossy and scaled pictures, columns
    origin: str  # who made the images and their license; "" if that is not known
    lists: Lists  # files that name what was left out

    @cached_property
    def names(self) -> list[str]:
        """The names of the images, relative to the source."""
        return names_in(self.folder)

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height [N, 2] of the pictures in pixels, upright, before they were scaled."""
        return np.array(np.load(self.folder / SIZES, allow_pickle=False))

    @cached_property
    def gray(self) -> NDArray[np.bool_]:
        """Whether the file of an image [N] has one channel."""
        return np.array(np.load(self.folder / GRAYS, allow_pickle=False))

    def span(self, part: PartOfSet) -> slice:
        """Return where the images of a part are in `names`, `sizes` and `gray`."""
        before = {"train": 0, "val": self.counts["train"]}
        start = before.get(part, self.counts["train"] + self.counts["val"])
        return slice(start, start + self.counts[part])


def details_of(store: Path, source: str, fingerprint: str) -> Details | None:
    """Return what is known of the decoded images with a fingerprint; None for sets without files.

    Sets that an earlier version decoded have no details either.
    """
    for folder in sorted(cache.cache_folder(store).glob("*/")):
        meta = read_meta(folder)
        if meta and (meta["source"], meta["fingerprint"]) == (source, fingerprint):
            break
    else:
        return None
    if "found" not in meta:
        return None
    found = as_type(meta["found"], Found)
    train, test = meta["train_images"], meta["test_images"]
    counts: dict[PartOfSet, int] = {
        "train": train - found.val_images, "val": found.val_images, "test": test,
    }  # fmt: skip
    return Details(
        folder=folder, counts=counts, found=found, origin=meta.get("origin", ""),
        lists=lists_of(store, source),
    )  # fmt: skip
