"""meta.json of a dataset that is kept decoded: what is known of it without opening its arrays."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from cifar_core.data.dataset import SIZE, Dataset
from cifar_core.data.sizing import Sizing
from cifar_core.data.sizing.fits import CROP
from cifar_core.disk import files
from cifar_core.disk.checks import ClassNames, Text, Texts, Whole

NEEDED = {"train_pixels", "train_labels", "test_pixels", "test_labels"}


class Left(Struct, frozen=True, kw_only=True):
    """Files that were left out for one reason."""

    why: Text
    number: Whole


class Found(Struct, frozen=True, kw_only=True):
    """What was found out while a source was decoded; of defaults for the sets without files."""

    format: Text = ""  # the key of its entry in FORMATS
    said: Texts = []  # sentences: what was taken as what
    ignored: list[Left] = []
    unreadable: Whole = 0  # pictures that were left out because they could not be decoded
    val_images: Whole = 0  # of the training images, those that the set names as validation
    gray: dict[Text, Whole] = {}  # part -> pictures of one channel
    lossy: Whole = 0  # stored as JPEG
    scaled: Whole = 0  # of another size than the decoded images
    deepest: Whole = 0  # bits that are used of 16; 0 if no file stores 16
    columns: dict[Text, Text] = {}  # of a table of labels: what was taken as what


class MetaShape(Struct, frozen=True, kw_only=True):
    """The entries of meta.json.

    Names that no page can show are of a version that did not refuse them yet.
    """

    kind: Text
    title: Text
    source: Text
    classes: ClassNames
    fingerprint: Text
    note: Text
    train_images: Whole
    test_images: Whole
    bytes: dict[Text, Whole]
    side: Whole = SIZE  # pixels a side of what a network sees
    stored: Whole = SIZE  # of the kept images, of which those are the centers
    fit: Text = CROP  # a key of FITS
    fingerprint_at_32: Text = ""  # "" if these are the images at 32 pixels
    origin: Text = ""  # who made the images, and their license, where that is known
    found: Found = Found()


def describe(
    dataset: Dataset, folder: Path, arrays: list[str], sizing: Sizing, **more: Any
) -> None:
    """Write the description of a dataset whose arrays are in the folder; `more` are entries."""
    meta = {
        "kind": dataset.kind,
        "title": dataset.title,
        "source": dataset.source,
        "classes": list(dataset.classes),
        "fingerprint": dataset.fingerprint,
        "note": dataset.note,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "bytes": {name: (folder / f"{name}.npy").stat().st_size for name in arrays},
        "side": sizing.side,
        "stored": sizing.stored,
        "fit": sizing.fit,
        "fingerprint_at_32": dataset.fingerprint_at_32,
        **more,
    }
    files.write_json(folder / "meta.json", meta)


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Read the description of a kept dataset; None if it is missing or incomplete."""
    meta = files.read_json(folder / "meta.json", MetaShape)
    try:
        sizes = {name: (folder / f"{name}.npy").stat().st_size for name in meta["bytes"]}
    except (OSError, KeyError):
        return None
    return meta if sizes == meta["bytes"] and sizes.keys() >= NEEDED else None


def sizing_of(meta: dict[str, Any]) -> Sizing:
    """Return the size of the images of a description."""
    side = int(meta.get("side", SIZE))
    stored = max(side, int(meta.get("stored", 0)))
    return Sizing(side=side, stored=stored, fit=meta.get("fit", CROP))


def usual_fingerprint(meta: dict[str, Any]) -> str:
    """Return the fingerprint of the same images at 32 pixels, which is equal at all sizes."""
    return str(meta.get("fingerprint_at_32") or meta.get("fingerprint", ""))
