"""The registry of published sets: complete, right, and each read as torchvision reads it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from published_fakes import FAKES, make

from cifar_core.data.contents import PARTS
from cifar_core.data.options import SetOptions
from cifar_core.data.published.in_torchvision import exchanged
from cifar_core.data.published.known import FILE, known
from cifar_core.data.published.left_out import LEFT_OUT
from cifar_core.data.published.published import (
    PUBLISHED,
    folder_of,
    open_published,
    recognize,
    recognized,
)
from cifar_core.data.published.published_set import DRAWN, THREE_PARTS

ROOT = Path(__file__).parents[2]
ALL = pytest.mark.parametrize("key", sorted(FAKES))
UNREAD = {"imagenet"}  # torchvision wants archives and a devkit


def color_of(raw):
    """Return the sum of each channel of an image, whatever its form."""
    if isinstance(raw, bytes):
        with Image.open(io.BytesIO(raw)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    else:
        pixels = np.asarray(raw)
    channels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return tuple(channels.reshape(-1, 3).sum(axis=0, dtype=int).tolist())


def colors_of(contents):
    """Return the part and label of each image, by its color."""
    found = dict(contents.pictures(set(range(len(contents.items)))))
    assert found.keys() == set(range(len(contents.items)))
    return {
        color_of(raw): (contents.items[index].part, contents.items[index].label)
        for index, raw in found.items()
    }


def read_by_torchvision(key, root, arguments):
    """Return the label's number of each image, by its color."""
    from torchvision import datasets

    kind = getattr(datasets, PUBLISHED[key].torchvision)
    with exchanged(check_integrity=lambda *_, **__: True):
        images = kind(str(root), **arguments)
        return {color_of(np.asarray(image.convert("RGB"))): int(label) for image, label in images}


def test_every_set_of_torchvision_is_offered_or_left_out_for_a_reason():
    from torchvision import datasets

    classes = {name for name in datasets.__all__ if isinstance(getattr(datasets, name), type)}
    offered = {spec.torchvision for spec in PUBLISHED.values()}
    assert offered & LEFT_OUT.keys() == set()
    assert offered | LEFT_OUT.keys() == classes


def test_what_torchvision_says_is_written_down_as_it_says_it():
    from cifar_core.data.published.from_torchvision import written

    assert FILE.read_text("utf-8") == written(PUBLISHED)
    assert known("cifar100").files == (
        (
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            "eb9058c3a382ffc7106e4002c42a8d85",
        ),
    )
    assert len(known("flowers102").classes) == 102


@pytest.mark.parametrize("key", list(PUBLISHED))
def test_an_entry_is_whole(key):
    spec = PUBLISHED[key]
    assert (spec.read is None) != (spec.open is None)
    assert spec.summary.endswith((".", "?"))
    assert spec.made_by.endswith(".")
    assert spec.license.endswith(".")
    assert spec.split.endswith(".")
    assert spec.source.startswith("http")
    assert spec.train > spec.classes
    assert not spec.names or len(spec.names) == spec.classes
    assert bool(spec.by_hand) == (spec.megabytes == 0)
    assert spec.by_hand or known(key).files
    assert spec.test == 0 if spec.split == DRAWN else spec.test > 0 or key == "sun397"
    assert bool(spec.val) == (spec.split == THREE_PARTS or key == "fer2013")


def test_every_set_has_a_copy_to_test_with():
    assert PUBLISHED.keys() - FAKES.keys() == {"cifar10", "pcam"}


@ALL
def test_a_set_is_recognized_by_its_own_folder_and_by_the_one_above(tmp_path, key):
    root = make(key, tmp_path / "root")
    (spec, where), *more = recognized(root)
    assert more == []
    assert spec.folder == PUBLISHED[key].folder
    assert where.is_relative_to(root)
    assert recognize(where) == spec
    above = where.parent
    if above != root.parent:
        assert recognize(above) == spec


@ALL
def test_a_set_is_read_as_torchvision_reads_it(tmp_path, key):
    folder = folder_of(key, tmp_path)
    make(key, folder)
    contents = open_published(key, SetOptions(), tmp_path)
    assert (contents.format, contents.title) == ("published", PUBLISHED[key].title)
    assert PUBLISHED[key].made_by in contents.origin
    assert PUBLISHED[key].split in contents.said
    assert contents.classes == (FAKES[key].classes or contents.classes)
    order = [(PARTS.index(i.part), contents.classes.index(i.label), i.name) for i in contents.items]
    assert order == sorted(order)
    ours = colors_of(contents)
    assert len(ours) == len(contents.items)
    theirs = {} if key in UNREAD else FAKES[key].parts
    pairs = set()
    for parts, arguments in theirs.items():
        labels = read_by_torchvision(key, folder, arguments)
        of_these = parts.split("+") if PUBLISHED[key].test else PARTS
        assert labels.keys() == {color for color, (part, _) in ours.items() if part in of_these}
        pairs |= {(ours[color][1], number) for color, number in labels.items()}
    assert len({label for label, _ in pairs}) == len({n for _, n in pairs}) == len(pairs)
    if not PUBLISHED[key].test:  # some of every class were drawn
        drawn = {item.label for item in contents.items if item.part == "test"}
        assert drawn == set(contents.classes)
