"""What the tabs of a data set draw: the set, its images, and what is known of their files."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.cache import albums
from app.session import store
from cifar_core.data import DataStatus
from cifar_core.data.dataset import Dataset
from cifar_core.data.review.album import Album
from cifar_core.data.review.class_counts import ClassCounts

if TYPE_CHECKING:
    from cifar_core.data.decoding.details import Details


@dataclass(frozen=True, kw_only=True)
class View:
    """A set whose images are open."""

    one: DataStatus
    images: Dataset
    album: Album
    counts: ClassCounts
    details: "Details | None"  # None for sets without files, or read by an earlier version

    @property
    def unreadable(self) -> int:
        """How many pictures were left out because they could not be read."""
        return self.details.found.unreadable if self.details else 0

    @property
    def ignored(self) -> int:
        """How many other files were left out."""
        return sum(one.number for one in self.details.found.ignored) if self.details else 0

    @property
    def gray(self) -> NDArray[np.bool_]:
        """A mask [N] of the gray images."""
        return albums.gray(*key_of(self.one.source, self.images))


def view_of(one: DataStatus, images: Dataset) -> View:
    """Return the view of open images."""
    key = key_of(one.source, images)
    return View(
        one=one,
        images=images,
        album=albums.album(*key),
        counts=albums.counts(*key),
        details=albums.details(*key),
    )


def key_of(source: str, images: Dataset) -> tuple[str, str, str]:
    """Return what the caches know some images by."""
    return source, str(store().root), images.fingerprint
