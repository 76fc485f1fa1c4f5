"""Says why a source is not a set of images: what is there, what should be, and what to do."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from cifar_core.data.layout import listing as kinds
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labels import patterns
from cifar_core.data.layout.listing import Listing
from cifar_core.data.sources.limits import REMEDY, shown
from cifar_core.errors import DataError
from cifar_core.numbers import counted

MOST_NAMED = 3
DETECTION_FILES = ("data.yaml", "_annotations.coco.json", "_darknet.labels", "instances_")
MATCHING = 0.5  # share of the pictures that have a file of boxes of the same name
LARGE = 4  # files of a kind that are named by their ending


class NoClassesError(DataError):
    """Pictures of which nothing says the class; `pattern` is a proposal, "" if none fits."""

    def __init__(self, words: str, pattern: str = "") -> None:
        self.pattern = pattern
        super().__init__(words)


def nothing_there(listing: Listing) -> DataError:
    """Return the error for a source without a single picture."""
    path, left = listing.path, listing.left_out
    if not listing.files():
        return DataError(f"{path} is empty: there is not one file in it. {REMEDY}")
    packed = [
        name for name in left.get(kinds.UNOPENED, ())
        if synonyms.ending_of(name) in synonyms.PACKED
    ]  # fmt: skip
    if packed:
        return DataError(
            f"{path} holds {listed(packed)}, which cannot be opened here, and no pictures. Unpack "
            "it and give the folder, or pack the images as .zip or .tar.gz."
        )
    if documents := left.get(kinds.NOT_OPENED):
        of_kind = {synonyms.ending_of(name).upper() for name in documents}
        kind = f"{shown(min(of_kind))} file" if len(of_kind) == 1 else "file"
        pages = "their pages" if kind == "PDF file" else "them"
        return DataError(
            f"{path} has no pictures, but {counted(len(documents), kind)} "
            f"({few(documents)}). Documents, drawings and camera files are not opened: save "
            f"{pages} as PNG or JPEG. {REMEDY}"
        )
    names = [name for found in left.values() for name in found] + [*listing.tables]
    endings = Counter(synonyms.ending_of(name) for name in names)
    ending, count = endings.most_common(1)[0]
    if ending and count >= max(LARGE, len(names) / 2):
        what = f"{counted(count, 'file')} that end in .{shown(ending)}"
    else:
        what = f"{counted(len(names), 'file')} such as {listed(names)}"
    return DataError(f"{path} has no pictures, only {what}. {REMEDY}")


def few(names: Sequence[str]) -> str:
    """Return the names as a list; of many only the first, after 'such as'."""
    return ("such as " if len(names) > MOST_NAMED else "") + listed(names)


def listed(names: Sequence[str]) -> str:
    """Return a few names as a list for a sentence."""
    some = [shown(name) for name in sorted(names)[:MOST_NAMED]]
    return " and ".join([", ".join(some[:-1]), some[-1]] if len(some) > 1 else some)


def no_classes(listing: Listing, names: Collection[str], folders: Collection[str]) -> DataError:
    """Return the error for pictures of which nothing says the class, and what would say it."""
    path, count = listing.path, counted(len(names), "picture")
    if has_boxes(listing, names):
        return DataError(
            f"{path} has {count} with labels for object detection: boxes, not one class for each "
            "picture. Sort the pictures into one folder for each class, or export them from the "
            "labeling program for classification, as folders."
        )
    where = "not in folders"
    if len(folders) == 1:
        where = f"all in the folder {shown(next(iter(folders)))}"
    elif folders:
        where = f"in {counted(len(folders), 'folder')} that are not classes ({listed([*folders])})"
    tables = [name for name in listing.tables if synonyms.ending_of(name) != "txt"]
    unread = f" {listed(tables)} does not name them and their classes." if len(tables) == 1 else ""
    says = f"{path} has {count}, {where}, and nothing says their classes.{unread}"
    in_train = [name for name in names if is_of_train(name)]
    for some, where in ((names, ""), (in_train, " of the training images")):
        found = patterns.proposed(some) if len(some) > 1 else None
        if found:
            pattern, fitting, classes = found
            rest = " (the other pictures are left out)" if fitting < len(names) else ""
            return NoClassesError(
                f"{says} {fitting:,} of {len(some):,} file names{where} fit the pattern {pattern}, "
                f"which gives the classes {first_of(classes)}. Give this pattern for the file "
                f"names to use them{rest}, or sort the pictures into one folder for each class.",
                pattern,
            )
    return NoClassesError(
        f"{says} Sort them into one folder for each class, add a table such as labels.csv with the "
        "columns file and label, or give a pattern for the file names, such as {class}_{number}."
    )


def is_of_train(name: str) -> bool:
    """Return True if one of a picture's folders means that it is for training."""
    return "train" in map(synonyms.part_of, name.split("/")[:-1])


def first_of(classes: Sequence[str]) -> str:
    """Return the first classes in words, and how many more there are."""
    more = f" and {len(classes) - MOST_NAMED:,} more" if len(classes) > MOST_NAMED else ""
    return ", ".join(shown(name) for name in classes[:MOST_NAMED]) + more


def has_boxes(listing: Listing, names: Collection[str]) -> bool:
    """Return True if the pictures come with labels for object detection."""
    others = [*listing.left_out.get(kinds.NOT_PICTURES, ()), *listing.tables]
    files = [name.rpartition("/")[2].casefold() for name in others]
    if any(file.startswith(DETECTION_FILES) for file in files):
        return True
    pictures = {name.rpartition("/")[2].rpartition(".")[0] for name in names}
    boxes = {
        name.rpartition("/")[2].rpartition(".")[0] for name in others
        if name.lower().endswith((".txt", ".xml", ".json"))
    }  # fmt: skip
    return len(pictures & boxes) >= max(1, MATCHING * len(pictures))


def one_class(path: Path, label: str, count: int) -> DataError:
    """Return the error for a set with a single class."""
    return DataError(
        f"{path} has pictures of one class only, {shown(label)} ({count:,}), but at least 2 are "
        "needed. Add a folder with pictures of another class beside it."
    )


def no_training(path: Path, folders: Collection[str]) -> DataError:
    """Return the error for a set of which no part is for training."""
    some = listed([*folders]) or "validation or test"
    return DataError(
        f"{path} has no images for training, only {some}. Add a folder train/<class>/, or name the "
        "folder of the images to learn from train; to divide all images here by chance, give the "
        "folder that holds the classes itself."
    )


def several_sets(path: Path, folders: Sequence[str]) -> DataError:
    """Return the error for two or more sets side by side."""
    return DataError(
        f"{path} has {len(folders):,} sets of images, each with parts of its own, in "
        f"{listed([folder or '.' for folder in folders])}. Give the folder of one of them."
    )


def side_by_side(path: Path, folders: Sequence[str], inside: Sequence[str]) -> DataError:
    """Return the error for folders that hold the same folders."""
    return DataError(
        f"{path} has {len(folders):,} folders, {listed(folders)}, with the same folders in each of "
        f"them, {listed(inside)}: these seem to be several sets of the same classes. Give the "
        "folder of one of them; if the outer folders are the classes, put the pictures directly "
        "into them."
    )


def too_many_classes(path: Path, count: int, most: int) -> DataError:
    """Return the error for more classes than can be used."""
    return DataError(
        f"{path} has {count:,} classes, but at most {most:,} can be used. Check that each class "
        "is one folder, or give a folder with fewer of them."
    )
