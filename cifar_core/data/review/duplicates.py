"""Finds the images of a set that occur twice: the same pixels, or nearly the same picture.

Nearly the same is a picture that was compressed again, brightened, mirrored, or shifted by up to
two pixels of 32. Each image is compared with the few that are most similar to it, and to its
mirror image, at 8 x 8 gray cells (exact search, by matrix products); a pair counts if the two
correlate at 32 x 32 gray pixels, at the best of 25 shifts, and if their fine detail does too, which
separates the same ship from another one under the same sky. docs/own-images.md says how much it
finds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from cifar_core.background.jobs import Job, Report, quietly
from cifar_core.data.contents import PartOfSet
from cifar_core.data.dataset import CHUNK, Dataset, Images
from cifar_core.data.review.likeness import Likeness
from cifar_core.disk import files

VERSION = 1  # raise it when the same images would give other groups


Place = tuple[PartOfSet, int]  # its index is in dataset.test for "test", else in dataset.train


class Near(Struct, frozen=True, kw_only=True):
    """Images that are nearly the same."""

    images: tuple[Place, ...]  # two or more: training images first, then by index
    distance: float  # 1 minus the correlation of the least similar pair that was linked


class Duplicates(Struct, frozen=True, kw_only=True):
    """What a set holds twice, as the file of the result has it."""

    exact: tuple[tuple[Place, ...], ...] = ()  # the same pixels
    near: tuple[Near, ...] = ()  # the most similar first; images with the same pixels included
    images: int = 0  # that were compared
    version: int = 0

    def by_name(self, names: Sequence[str], train: int) -> dict[str, str]:
        """Return for the name of each image in a group that of the first one, by the alphabet.

        `names` are those of all images [N], the `train` training images first. A split that is
        drawn again with these groups keeps each in one part.
        """
        first: dict[str, str] = {}
        # a near group has all exact ones that it touches
        for images in (*self.exact, *(near.images for near in self.near)):
            inside = [names[index + train * (part == "test")] for part, index in images]
            first.update(dict.fromkeys(inside, min(inside)))
        return first

    def groups(self) -> dict[int, int]:
        """Return the number of a group for each training image in one, by its index.

        For a split that keeps near duplicates together: a near group contains every exact group
        that it touches.
        """
        number: dict[int, int] = {}
        for count, images in enumerate((*self.exact, *(near.images for near in self.near))):
            number.update({index: count for part, index in images if part != "test"})
        return number


def path_of(fingerprint: str, store: Path) -> Path:
    """Return the file that keeps the result for a set's fingerprint."""
    return store / "data" / "review" / f"{fingerprint}-duplicates.json"


def kept(fingerprint: str, store: Path) -> Duplicates | None:
    """Return the result if it is kept and whole."""
    found = files.read_if_there(path_of(fingerprint, store), Duplicates)
    return found if found and found.version == VERSION else None


def look(dataset: Dataset, store: Path, by: str) -> Job:
    """Return the background job that looks for duplicates in a set."""
    return Job(
        root=store, by=by, path=path_of(dataset.fingerprint, store), work=do_job,
        request={"source": dataset.source, "store": str(store)},
    )  # fmt: skip


def do_job(request: dict[str, Any], report: Report) -> None:
    """Compute and keep what a request asks for."""
    from cifar_core.data import find

    found = duplicates(find.load(request["source"], Path(request["store"])), report)
    files.write_json(Path(request["path"]), files.plain_of(found))


def duplicates(dataset: Dataset, report: Report = quietly) -> Duplicates:
    """Find them; for 60,000 images in about 100 CPU seconds and 300 MB."""
    places = list(places_of(dataset))
    same = links_of_same(
        digest for part in (dataset.train, dataset.test) for digest in hashes(part)
    )
    alike = Likeness([dataset.train.pixels, dataset.test.pixels]).pairs(report)
    exact = joined(len(places), [(*pair, 0.0) for pair in same])
    alone = {tuple(members) for members, _ in exact}
    # pictures with the same pixels are as near as can be, so a near group takes them in
    near = joined(len(places), [(*pair, 0.0) for pair in same] + alike)
    return Duplicates(
        version=VERSION,
        images=len(places),
        exact=tuple(tuple(places[number] for number in members) for members, _ in exact),
        near=tuple(
            Near(images=tuple(places[number] for number in members), distance=round(distance, 4))
            for members, distance in sorted(near, key=lambda found: found[1])
            if tuple(members) not in alone
        ),
    )


def places_of(dataset: Dataset) -> Iterator[Place]:
    """Yield the place of every image, those of dataset.train first."""
    aside = dataset.train.kept_back
    held = set() if aside is None else set(aside.tolist())
    for index in range(len(dataset.train)):
        yield ("val" if index in held else "train", index)
    for index in range(len(dataset.test)):
        yield ("test", index)


def hashes(images: Images) -> Iterator[bytes]:
    """Yield 16 bytes for each image that stand for its pixels."""
    for start in range(0, len(images), CHUNK):
        for image in np.asarray(images.pixels[start : start + CHUNK]):
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def links_of_same(digests: Iterator[bytes]) -> list[tuple[int, int]]:
    """Return pairs of numbers with the same digest: each with the first of its kind."""
    first: dict[bytes, int] = {}
    pairs = ((first.setdefault(digest, number), number) for number, digest in enumerate(digests))
    return [(one, other) for one, other in pairs if one != other]


def joined(count: int, links: Sequence[tuple[int, int, float]]) -> list[tuple[list[int], float]]:
    """Return the groups that links join, as sorted numbers, with the largest distance of a link."""
    above = list(range(count))

    def top(number: int) -> int:
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    for one, other, _ in links:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    members: dict[int, set[int]] = {}
    farthest: dict[int, float] = {}
    for one, other, distance in links:
        group = top(one)
        members.setdefault(group, set()).update((one, other))
        farthest[group] = max(farthest.get(group, 0.0), distance)
    return [(sorted(members[group]), farthest[group]) for group in sorted(members)]
