"""Lists the pictures of a published set from the files in which its authors say what is what.

Each reader follows the class of the same set in torchvision.datasets, but runs nothing that the
files contain. Names that a list gives but that are not there are left out by `published.open`.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cifar_core.data.contents import Item, PartOfSet
from cifar_core.data.published.files import Files
from cifar_core.data.published.published_set import Found, listed
from cifar_core.disk.tables import records_of
from cifar_core.errors import DataError

Rows = list[tuple[str, PartOfSet, int]]
PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp")


def text(files: Files, name: str) -> list[str]:
    """Return the lines of a text file that are not empty, without spaces around them."""
    lines = files.read(name).decode("utf-8", "replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def strange(files: Files, name: str, what: object) -> DataError:
    """Return the error for a list that does not say what it should."""
    return DataError(
        f"{files.where} has a file {name} that cannot be understood ({what}). "
        "Download the set again."
    )


def class_folders(
    parts: Mapping[str, PartOfSet], *, titles: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (), depth: int = 1,
) -> Callable[[Files], Found]:  # fmt: skip
    """Return a reader of class folders in the folders of the parts, "" for the set's own folder.

    `titles` name the classes of folders with numbers for names; `depth` is how many folders make
    up the name of a class.
    """

    def read(files: Files) -> Found:
        items = []
        for name in files.names:
            if not name.lower().endswith(PICTURES):
                continue
            top, _, rest = ("", "", name) if "" in parts else name.partition("/")
            folders = rest.split("/")[:-1]
            if top not in parts or len(folders) < depth or folders[0] in without:
                continue
            label = "/".join(folders[:depth])
            items.append(Item(name=name, part=parts[top], label=(titles or {}).get(label, label)))
        order = {(titles or {}).get(key, key): key for key in titles or ()}
        there = {item.label for item in items}
        return Found(
            items=items, classes=tuple(sorted(there, key=lambda label: order.get(label, label)))
        )

    return read


def food101(files: Files) -> Found:
    """Read the lists of Food-101: a JSON file for each part, with a list for each class."""
    rows: Rows = []
    classes: list[str] = []
    parts: tuple[PartOfSet, ...] = ("train", "test")
    for part in parts:
        name = f"meta/{part}.json"
        try:
            table = json.loads(files.read(name))
            classes = classes or sorted(table)
            rows += [
                (f"images/{image}.jpg", part, classes.index(label))
                for label, images in table.items() for image in images
            ]  # fmt: skip
        except (ValueError, TypeError, AttributeError) as error:
            raise strange(files, name, error) from error
    return listed(rows, classes)


def dtd(files: Files) -> Found:
    """Read the first of the ten partitions of DTD, which torchvision uses by default."""
    parts: tuple[PartOfSet, ...] = ("train", "val", "test")
    images = [(line, part) for part in parts for line in text(files, f"labels/{part}1.txt")]
    items = [
        Item(name=f"images/{line}", part=part, label=line.split("/")[0]) for line, part in images
    ]
    return Found(items=items, classes=tuple(sorted({item.label for item in items})))


def pets(files: Files) -> Found:
    """Read the lists of the Oxford-IIIT pets: image, class number, and two more numbers."""
    rows: Rows = []
    names: dict[int, str] = {}
    parts: tuple[tuple[str, PartOfSet], ...] = (("trainval", "train"), ("test", "test"))
    for file, part in parts:
        for line in text(files, f"annotations/{file}.txt"):
            try:
                image, number, *_ = line.split()
                names[int(number) - 1] = image.rpartition("_")[0].replace("_", " ").title()
                rows.append((f"images/{image}.jpg", part, int(number) - 1))
            except ValueError as error:
                raise strange(files, f"annotations/{file}.txt", error) from error
    return listed(rows, numbered(files, names))


def numbered(files: Files, names: Mapping[int, str]) -> list[str]:
    """Return the names of classes in the order of their numbers, which must have no gap."""
    if set(names) != set(range(len(names))):
        raise strange(files, "of classes", f"their numbers are not 1 to {len(names)}")
    return [names[number] for number in range(len(names))]


def aircraft(files: Files) -> Found:
    """Read the lists of FGVC-Aircraft at the level of variants."""
    classes = text(files, "data/variants.txt")
    place = {label: number for number, label in enumerate(classes)}
    rows: Rows = []
    parts: tuple[PartOfSet, ...] = ("train", "val", "test")
    for part in parts:
        name = f"data/images_variant_{part}.txt"
        for line in text(files, name):
            image, _, label = line.partition(" ")
            if label not in place:
                raise strange(files, name, f"the class '{label}' is not in variants.txt")
            rows.append((f"data/images/{image}.jpg", part, place[label]))
    return listed(rows, classes)


def gtsrb(files: Files) -> Found:
    """Read GTSRB: folders of numbers to train with, a table for the test images.

    The training images are frames of short films of one sign each, whose frames stay together.
    """
    name = "GT-final_test.csv"
    try:
        table = io.StringIO(files.read(name).decode("utf-8", "replace"))
        rows: Rows = [
            (f"GTSRB/Final_Test/Images/{row['Filename']}", "test", int(row["ClassId"]))
            for row in records_of(table, delimiter=";")
        ]
        for image in files.names:
            if image.startswith("GTSRB/Training/") and image.endswith(".ppm"):
                rows.append((image, "train", int(image.split("/")[2])))
    except (KeyError, ValueError, TypeError) as error:
        raise strange(files, name, error) from error
    highest = max((number for *_, number in rows), default=-1)
    return listed(rows, SIGNS if highest < len(SIGNS) else numbers(highest + 1), groups=True)


def numbers(amount: int) -> list[str]:
    """Return numbers as names of classes."""
    return [str(number) for number in range(amount)]


SIGNS = (  # in the order of the authors' numbers
    *(f"speed limit {limit}" for limit in (20, 30, 50, 60, 70, 80)),
    *("end of speed limit 80", "speed limit 100", "speed limit 120", "no overtaking"),
    *("no overtaking by trucks", "right of way at the next crossing", "priority road", "yield"),
    *("stop", "no vehicles", "no trucks", "no entry", "general caution", "dangerous curve left"),
    *("dangerous curve right", "double curve", "bumpy road", "slippery road"),
    *("road narrows on the right", "road work", "traffic lights", "pedestrians", "children"),
    *("bicycles", "ice or snow", "wild animals", "end of all limits", "turn right ahead"),
    *("turn left ahead", "straight ahead only", "straight or right", "straight or left"),
    *("keep right", "keep left", "roundabout", "end of no overtaking"),
    "end of no overtaking by trucks",
)


def flowers(classes: Sequence[str]) -> Callable[[Files], Found]:
    """Return a reader of the two .mat files of Oxford 102 Flower."""

    def read(files: Files) -> Found:
        labels = [int(label) - 1 for label in numeric(files, "imagelabels.mat", "labels")]
        rows: Rows = []
        parts: tuple[tuple[str, PartOfSet], ...] = (
            ("trnid", "train"), ("valid", "val"), ("tstid", "test"),
        )  # fmt: skip
        for key, part in parts:
            for number in map(int, numeric(files, "setid.mat", key)):
                if not 1 <= number <= len(labels) or not 0 <= labels[number - 1] < len(classes):
                    raise strange(files, "setid.mat", f"image {number} has no label")
                rows.append((f"jpg/image_{number:05d}.jpg", part, labels[number - 1]))
        return listed(rows, classes)

    return read


def cars(files: Files) -> Found:
    """Read the .mat files of Stanford Cars."""
    classes = [str(name) for name in matrix(files, "devkit/cars_meta.mat", "class_names")]
    rows: Rows = []
    parts: tuple[tuple[str, PartOfSet], ...] = (
        ("devkit/cars_train_annos.mat", "train"), ("cars_test_annos_withlabels.mat", "test"),
    )  # fmt: skip
    for name, part in parts:
        try:
            for row in matrix(files, name, "annotations"):
                rows.append((f"cars_{part}/{row['fname']}", part, int(row["class"]) - 1))
                classes[rows[-1][2]]
        except (ValueError, IndexError, TypeError) as error:
            raise strange(files, name, error) from error
    return listed(rows, classes)


def numeric(files: Files, name: str, key: str) -> list[float]:
    """Return the numbers of an array of a .mat file."""
    from cifar_core.data.formats.mat import arrays_of
    from cifar_core.data.formats.reading.stored import values

    file = io.BytesIO(files.read(name))
    try:
        stored = dict(arrays_of(name, file))[key]
        file.seek(0)
        return values(stored, file).reshape(-1).tolist()
    except (ArithmeticError, LookupError, OSError, EOFError, ValueError, DataError) as error:
        raise strange(files, name, error) from error


def matrix(files: Files, name: str, key: str) -> Any:
    """Return an array of structures of a .mat file, flattened."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise DataError(
            f"{files.where} holds lists in MATLAB's format, and scipy, which reads them, is not "
            "installed here. Install it: pip install scipy"
        ) from error
    try:
        found = loadmat(io.BytesIO(files.read(name)), variable_names=[key], squeeze_me=True)[key]
        return found.reshape(-1)
    except DataError:
        raise
    except Exception as error:  # scipy raises many kinds on damaged files
        raise strange(files, name, error) from error


def sun397(files: Files) -> Found:
    """Read SUN397: the names of classes are the paths of folders, below a letter."""
    classes = [line[3:] for line in text(files, "ClassName.txt")]
    place = {label: number for number, label in enumerate(classes)}
    rows: Rows = [
        (name, "train", place[label])
        for name in files.names
        if name.endswith(".jpg") and (label := "/".join(name.split("/")[1:-1])) in place
    ]
    return listed(rows, classes)


def places365(files: Files) -> Found:
    """Read the lists of Places365 for the pictures of 256 pixels."""
    names = {}
    for line in text(files, "categories_places365.txt"):
        label, _, number = line.rpartition(" ")
        if not number.isdecimal():
            raise strange(files, "categories_places365.txt", line[:80])
        names[int(number)] = label.strip("/")[2:] if label.startswith("/") else label
    classes = numbered(files, names)
    rows: Rows = []
    parts: tuple[tuple[str, str, PartOfSet], ...] = (
        ("places365_train_standard.txt", "data_256_standard", "train"),
        ("places365_val.txt", "val_256", "test"),
    )
    for name, folder, part in parts:
        for line in text(files, name):
            image, _, number = line.rpartition(" ")
            if not number.isdecimal() or int(number) >= len(classes):
                raise strange(files, name, line[:80])
            rows.append((f"{folder}/{image.lstrip('/')}", part, int(number)))
    return listed(rows, classes)


def clevr(files: Files) -> Found:
    """Read the scenes of CLEVR; the class of an image is how many objects it shows."""
    counts: list[tuple[str, PartOfSet, int]] = []
    parts: tuple[tuple[str, PartOfSet], ...] = (("train", "train"), ("val", "test"))
    for word, part in parts:
        name = f"scenes/CLEVR_{word}_scenes.json"
        try:
            counts += [
                (f"images/{word}/{scene['image_filename']}", part, len(scene["objects"]))
                for scene in json.loads(files.read(name))["scenes"]
            ]
        except (KeyError, ValueError, TypeError) as error:
            raise strange(files, name, error) from error
    found = sorted({count for *_, count in counts})
    rows: Rows = [(name, part, found.index(count)) for name, part, count in counts]
    return listed(rows, [str(count) for count in found])
