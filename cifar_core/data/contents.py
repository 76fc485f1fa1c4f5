"""What a source holds, as it is found without decoding a picture: every format returns this.

A format (`cifar_core/data/formats/`) recognizes a source and lists its pictures; `decoding/` then
reads them in any order, on all cores, and continues from where it stopped.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PartOfSet = Literal["train", "val", "test"]
PARTS: tuple[PartOfSet, ...] = ("train", "val", "test")

# the bytes of a picture file, or pixels that need no decoding: uint8 [h, w] or [h, w, 3]
Raw = bytes | NDArray[np.uint8]
DAMAGED = b"damaged in its archive"  # for a picture that an archive cannot give, unlike the others


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A picture of a set, before it is decoded."""

    name: str  # relative to the source, with forward slashes; unique in the set
    part: PartOfSet
    label: str  # the class's name
    group: str = ""  # pictures of one group stay in one part; "" if it belongs to none


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Files that were left out for one reason."""

    why: str  # for a page, after a number of files: "are not pictures"
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a table of labels: those that were taken, and those that could be."""

    table: str  # the table's file
    names: tuple[str, ...]  # all columns, in order
    file: str
    label: str
    part: str = ""  # "" if no column says it
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a source holds.

    `pictures` gets indices into `items` and yields each of them once with its raw form, in any
    order; it raises DataError if the source cannot be read on. It is called in the process that
    decodes, by one thread; what it yields may be decoded by others.
    """

    format: str  # the key of its entry in FORMATS
    items: tuple[Item, ...]  # by part, class and name; the order of the decoded images
    classes: tuple[str, ...]  # in the order of their numbers
    pictures: Callable[[Set[int]], Iterator[tuple[int, Raw]]]
    said: tuple[str, ...] = ()  # sentences: what was taken as what, where the split comes from
    ignored: tuple[Ignored, ...] = ()
    columns: Columns | None = None  # if a table gives the labels: for a person to confirm
    origin: str = ""  # who made the images and their license, where that is known
    title: str = ""  # where the source itself has one
