"""The fields of a published set: what it holds, how it is got, and how its files are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.data.contents import Contents, Item, PartOfSet, Raw
from cifar_core.data.options import SetOptions
from cifar_core.data.published.files import Files
from cifar_core.data.published.known import known
from cifar_core.numbers import NARROW

UNSTATED = "The authors state no license."
SEE_SOURCE = "The terms of use are on the authors' page."
DRAWN = "The authors name no test images."
OWN_PARTS = "The authors split the images into training and test."
THREE_PARTS = "The authors split the images into training, validation and test."
VAL_IS_TEST = (
    "The authors' validation images are the test images here, because no others have labels."
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a set's own files list, in any order.

    `pictures` is that of Contents; None means that the items are named like their files.
    """

    items: Sequence[Item]
    classes: tuple[str, ...]  # in the order of their numbers
    pictures: Callable[[Set[int]], Iterator[tuple[int, Raw]]] | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedSet:
    """A set of images that its authors published and that torchvision knows.

    `read` lists a set from its own files, or `open` hands them to a format that reads such files.
    `bases` are the folders in which those lie, below the folder that torchvision calls root; ""
    allows them anywhere, which only marks that no other set has permit. All `marks` must be there
    and none of `absent`.
    """

    key: str  # also a source of images, saved in files; never renamed
    title: str
    summary: str
    classes: int
    train: int  # images
    val: int = 0
    test: int = 0  # 0 if the authors name none, so that some are drawn here
    split: str = OWN_PARTS
    made_by: str
    license: str = SEE_SOURCE
    source: str  # address of the page that describes it
    paper: str = ""  # its address
    megabytes: float | None  # of 10^6 bytes to download; None if that is not known beforehand
    by_hand: str = ""  # how to get the files where no program may
    torchvision: str  # the class that downloads it
    calls: tuple[Mapping[str, Any], ...] = ({},)  # its arguments, once for each download
    bases: tuple[str, ...]
    marks: tuple[str, ...]
    absent: tuple[str, ...] = ()
    archive: bool = False  # a downloaded archive alone can be read
    place: str = ""  # the folder in the store, if it is shared with another set
    own_names: tuple[str, ...] = ()  # of the classes, where torchvision has none or others
    read: Callable[[Files], Found] | None = None
    open: Callable[[Path, SetOptions, Path, tuple[str, ...]], Contents] | None = None

    @property
    def folder(self) -> str:
        """The name of its folder in the store."""
        return self.place or self.key

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, as far as they are known before the download."""
        return self.own_names or tuple(known(self.key).classes)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that are downloaded."""
        return tuple(url.rpartition("/")[2] for url, _ in known(self.key).files)

    @property
    def images(self) -> int:
        """How many images there are."""
        return self.train + self.val + self.test

    @property
    def size(self) -> str:
        """How much there is to download, in words; "" if that is unknown or nothing is."""
        if not self.megabytes:
            return ""
        if self.megabytes < 1000:
            return f"{self.megabytes:,.0f}{NARROW}MB"
        return f"{self.megabytes / 1000:.2g}{NARROW}GB"

    @property
    def origin(self) -> str:
        """Who made the images, and under which license."""
        return f"{self.made_by} {self.license}"


def listed(
    rows: Sequence[tuple[str, PartOfSet, int]], classes: Sequence[str], *, groups: bool = False
) -> Found:
    """Return what rows of name, part and class number say; a group is a name up to its last _."""
    items = [
        Item(name=name, part=part, label=classes[number],
             group=name.rpartition("_")[0] if groups and part == "train" else "")
        for name, part, number in rows
    ]  # fmt: skip
    return Found(items=items, classes=tuple(classes))
