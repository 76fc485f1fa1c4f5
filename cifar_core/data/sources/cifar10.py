"""The official CIFAR-10 files: where they are searched for, and how they are read without pickle.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
The authors offer the images in two forms. The binary one is plain bytes, and is what we download.
The Python one, which torchvision uses, is pickled; loading a pickle can run any program, so its
list of instructions is read and none of them is run (`formats/reading/pickled.py`).
"""

import functools
import hashlib
import io
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data import cache
from cifar_core.data.cache import cached, reserved
from cifar_core.data.dataset import SIZE, Dataset, Images, fingerprint
from cifar_core.data.formats.reading.pickled import plain
from cifar_core.data.pictures.images import square_of
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.data.sizing.fits import CROP
from cifar_core.data.sources.archive import entries
from cifar_core.disk.checks import is_a
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM

NAME = "cifar-10"  # of the folder in the cache
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
BINARY_ARCHIVE, PYTHON_ARCHIVE = "cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"
PYTHON_FOLDER = "cifar-10-batches-py"
NAMES = (PYTHON_FOLDER, BINARY_ARCHIVE, PYTHON_ARCHIVE)  # in the order of preference
PLANE = SIZE * SIZE
REMEDY = f"Remove it and run: {PROGRAM} data fetch"


@dataclass(frozen=True, kw_only=True)
class Official:
    """The md5 sums published by the authors (archives) and torchvision (single files)."""

    archives: dict[str, str]
    batches: dict[str, str]  # of the Python form, by file name; the last one is for testing


OFFICIAL = Official(
    archives={
        BINARY_ARCHIVE: "c32a1d4ab5d03f1284b67883e8d87530",
        PYTHON_ARCHIVE: "c58f30108f718f92721af3b95e74349a",
    },
    batches={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)


def search_folders(store: Path) -> list[Path]:
    """Return the folders in which the official files are searched for, ours first."""
    home = Path.home()
    torch_home = Path(os.environ.get("TORCH_HOME") or home / ".cache" / "torch")
    here = [Path(), Path("data"), Path("datasets"), Path("data/cifar10")]
    there = [home / "data", home / "datasets", home / ".cache", home / ".cache" / "cifar10"]
    torchs = [torch_home, torch_home / "data", torch_home / "datasets"]
    return [folder.absolute() for folder in (store / "data", *here, *torchs, *there)]


def find(store: Path) -> Path | None:
    """Return the official files, if they are on this machine."""
    candidates = (folder / name for folder in search_folders(store) for name in NAMES)
    return next((path for path in candidates if is_official(path)), None)


def is_official(path: Path) -> bool:
    """Return True if a path is named like the official files; its contents are checked later."""
    try:
        if path.is_dir():
            return (path / "data_batch_1").is_file()
        return path.name in OFFICIAL.archives and path.is_file()
    except (OSError, ValueError):  # not permitted, or not a path at all
        return False


def load(
    path: Path,
    store: Path,
    sizing: Sizing = USUAL,
    *,
    source: str,
    official: Official = OFFICIAL,
) -> Dataset:
    """Open the official images, verifying and decoding them the first time.

    At another size than 32 pixels, they are scaled to that.
    """
    square = replace(sizing, fit=CROP)  # they are square, so that all ways give the same
    known = identity(path, source, official, square)
    if square == USUAL:
        build = functools.partial(read, path, source, official)
    else:
        usual = load(path, store, source=source, official=official)
        build = functools.partial(scaled, usual, square, cache.folder_of(store, NAME, known))
    return cached(store, NAME, known, build, square)


def kept(
    path: Path,
    store: Path,
    sizing: Sizing = USUAL,
    *,
    source: str,
    official: Official = OFFICIAL,
) -> Dataset | None:
    """Open the official images if they were decoded before."""
    known = identity(path, source, official, replace(sizing, fit=CROP))
    return cache.kept(store, NAME, known)


def identity(path: Path, source: str, official: Official, sizing: Sizing) -> list[Any]:
    """Return values that change with the files and the size."""
    files = [path / name for name in official.batches] if path.is_dir() else [path]
    about = [(str(file), file.stat()) for file in files if file.exists()]
    size = [] if sizing == USUAL else [[sizing.side, sizing.stored]]
    return [source, *([name, stat.st_size, stat.st_mtime_ns] for name, stat in about), *size]


def scaled(usual: Dataset, sizing: Sizing, folder: Path) -> Dataset:
    """Scale the images, and write their pixels where they will be kept."""
    parts = []
    for name, images in (("train", usual.train), ("test", usual.test)):
        shape = (len(images), sizing.stored, sizing.stored, 3)
        pixels = reserved(cache.draft_of(folder) / f"{name}_pixels.npy", shape, np.uint8)
        for place, image in enumerate(images.pixels):
            pixels[place] = square_of(Image.fromarray(image), sizing)
        parts.append(Images(pixels=pixels, labels=images.labels))
    return replace(
        usual,
        train=parts[0],
        test=parts[1],
        fingerprint=fingerprint(CLASSES, parts),
        note=f"{usual.note} They are scaled to {sizing.side} x {sizing.side} pixels.",
        fingerprint_at_32=usual.fingerprint,
    )


def read(path: Path, source: str, official: Official) -> Dataset:
    """Verify and decode the official files in any of their forms."""
    parts = read_folder(path, official) if path.is_dir() else read_archive(path, official)
    train, test = join(parts[:-1]), parts[-1]
    return Dataset(
        kind="cifar10",
        title="CIFAR-10",
        source=source,
        classes=CLASSES,
        train=train,
        test=test,
        fingerprint=fingerprint(CLASSES, (train, test)),
        note=f"The official CIFAR-10 images, verified by their checksums, from {path}.",
    )


def join(parts: list[Images]) -> Images:
    """Concatenate several sets of images."""
    return Images(
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
    )


def read_folder(path: Path, official: Official) -> list[Images]:
    """Read torchvision's folder; the test images come last."""
    parts = []
    for name, md5 in official.batches.items():
        file = path / name
        if not file.is_file():
            raise DataError(f"{path} lacks the file {name}. {REMEDY}")
        data = file.read_bytes()
        check_md5(file, hashlib.md5(data, usedforsecurity=False).hexdigest(), md5)
        parts.append(read_pickled(file, data))
    return parts


def read_archive(path: Path, official: Official) -> list[Images]:
    """Read one of the two archives; the test images come last."""
    check_md5(path, md5_of(path), official.archives[path.name])
    parts: dict[str, Images] = {}
    for entry in entries(path):
        name = PurePosixPath(entry.name).name.removesuffix(".bin")
        if name in official.batches:
            reader = read_records if entry.name.endswith(".bin") else read_pickled
            parts[name] = reader(path / entry.name, entry.read())
    missing = [name for name in official.batches if name not in parts]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. {REMEDY}")
    return [parts[name] for name in official.batches]


def md5_of(path: Path) -> str:
    """Return the md5 sum of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def check_md5(path: Path, md5: str, wanted: str) -> None:
    """Raise DataError unless a file is, byte for byte, the official one."""
    if md5 != wanted:
        raise DataError(
            f"{path} is not the official file, or is damaged: its md5 sum is {md5}, "
            f"but should be {wanted}. {REMEDY}"
        )


def read_records(path: Path, data: bytes) -> Images:
    """Read the binary form: for each image one byte of label, then its red, green, blue planes."""
    records = np.frombuffer(data, np.uint8)
    if records.size == 0 or records.size % (1 + 3 * PLANE):
        raise DataError(f"{path} has {records.size:,} bytes, not a multiple of 3,073. {REMEDY}")
    records = records.reshape(-1, 1 + 3 * PLANE)
    return images(path, records[:, 1:], records[:, 0])


def read_pickled(path: Path, data: bytes) -> Images:
    """Read the Python form from its instructions, running none of them."""
    batch = plain(str(path), io.BytesIO(data))
    batch = batch if isinstance(batch, dict) else {}
    planes, labels = batch.get("data"), batch.get("labels")
    if not isinstance(planes, np.ndarray) or planes.dtype != np.uint8:
        planes = np.zeros(0, np.uint8)
    given = len(labels) if isinstance(labels, list) and is_a(labels, list[int]) else 0
    if not given or planes.size != given * 3 * PLANE:
        raise DataError(
            f"{path} has {given:,} labels and {planes.size:,} pixel values, "
            f"but should have 3,072 values for each label. {REMEDY}"
        )
    return images(path, planes.reshape(given, -1), np.array(labels))


def images(path: Path, planes: NDArray[np.uint8], labels: NDArray[Any]) -> Images:
    """Turn planes [N, 3072] into pixels [N, 32, 32, 3] and check the labels."""
    if labels.max() >= len(CLASSES) or labels.min() < 0:
        raise DataError(f"{path} has the label {labels.max()}, but only 0 to 9 exist. {REMEDY}")
    pixels = planes.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
    return Images(pixels=np.ascontiguousarray(pixels), labels=labels.astype(np.int64))
