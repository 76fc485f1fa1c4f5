"""The registry of published sets: complete, right, and each read as torchvision reads it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from published_fakes import FAKES, downloads, make

from cifar_core.data.contents import PARTS
from cifar_core.data.options import SetOptions
from cifar_core.data.published.downloads.in_torchvision import exchanged
from cifar_core.data.published.entries.left_out import LEFT_OUT
from cifar_core.data.published.known import FILE, known
from cifar_core.data.published.places import (
    PUBLISHED,
    find,
    folder_of,
    keyed,
    place,
    recognize,
    recognized,
)
from cifar_core.data.published.published import open_published
from cifar_core.data.published.published_set import DRAWN, THREE_PARTS
from cifar_core.errors import DataError

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
    from cifar_core.data.published.downloads.from_torchvision import written

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


def test_a_set_is_named_by_its_key_or_title_in_any_form():
    for word in ("cifar100", "CIFAR-100", "cifar 100"):
        assert keyed(word) == "cifar100"
    assert keyed("Fashion MNIST") == "fashion_mnist"
    assert [keyed(word) for word in ("", "cifar", "./mnist", "/mnist", "auto")] == [""] * 5


def test_sets_that_share_a_folder_are_opened_by_key_or_by_one_of_their_files(tmp_path):
    place_ = folder_of("emnist", tmp_path) / "EMNIST" / "raw"
    place_.mkdir(parents=True)
    for key in ("emnist", "emnist_letters"):
        for file in (make(key, tmp_path / key) / "EMNIST" / "raw").iterdir():
            file.rename(place_ / file.name)
    assert find("emnist", tmp_path) == find("emnist_letters", tmp_path) == place_
    assert recognize(place_) == PUBLISHED["emnist"]
    letters = place_ / "emnist-letters-train-images-idx3-ubyte"
    assert recognize(letters) == PUBLISHED["emnist_letters"]
    for wanted in ("emnist_letters", letters):
        assert open_published(wanted, SetOptions(), tmp_path).classes == ("a", "z")


def test_the_images_of_emnist_stand_upright(tmp_path):
    make("emnist_letters", folder_of("emnist_letters", tmp_path))
    contents = open_published("emnist_letters", SetOptions(), tmp_path)
    marked = [np.asarray(raw) for _, raw in contents.pictures(set(range(len(contents.items))))]
    assert sum(pixels[1, 0] == 251 for pixels in marked) == 2
    assert sum(pixels[0, 1] == 251 for pixels in marked) == 0


def test_several_sets_in_one_folder_are_not_guessed_about(tmp_path):
    make("mnist", tmp_path)
    make("dtd", tmp_path)
    assert recognize(tmp_path) is None
    with pytest.raises(DataError, match=r"several sets: MNIST, Describable Textures .*Name the"):
        open_published(tmp_path, SetOptions(), tmp_path)
    assert recognize(tmp_path / "MNIST") == PUBLISHED["mnist"]


def test_imagenet_is_not_taken_for_imagenette(tmp_path):
    make("imagenet", tmp_path / "a")
    assert place(PUBLISHED["imagenette"], tmp_path / "a") is None
    (tmp_path / "a/train/n03888257").mkdir()
    assert recognize(tmp_path / "a") == PUBLISHED["imagenet"]


def test_folders_of_ones_own_are_no_published_set(tmp_path):
    for name in ("train/cat", "train/dog", "test/cat", "test/dog", "images", "jpg", "data/images"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("train/meta", "data.csv", "train-images-idx3-ubyte", "meta"):
        (tmp_path / name).touch()
    assert recognized(tmp_path) == []
    assert recognized(tmp_path / "gone") == []
    assert recognized(Path("a\0b")) == []


@pytest.mark.parametrize("key", ["food101", "dtd", "aircraft", "country211", "eurosat"])
def test_an_archive_is_read_without_unpacking_it(tmp_path, key):
    root = make(key, tmp_path / "original")
    ((name, data),) = downloads(key, root).items()
    (tmp_path / name).write_bytes(data)
    assert recognize(tmp_path / name) == PUBLISHED[key]
    archived = open_published(tmp_path / name, SetOptions(), tmp_path)
    unpacked = open_published(root, SetOptions(), tmp_path)
    assert archived.classes == unpacked.classes
    assert colors_of(archived).keys() == colors_of(unpacked).keys()


def test_an_archive_that_is_only_named_like_one_is_said(tmp_path):
    (tmp_path / "country211.tgz").write_bytes(downloads("dtd", make("dtd", tmp_path / "a"))[
        "dtd-r1.0.1.tar.gz"
    ])  # fmt: skip
    with pytest.raises(DataError, match=r"named like an archive of a published set, but lacks"):
        open_published(tmp_path / "country211.tgz", SetOptions(), tmp_path)


def test_pictures_that_are_not_there_are_listed_and_the_rest_is_used(tmp_path):
    root = make("food101", tmp_path / "a")
    (root / "food-101/images/waffles/1.jpg").unlink()
    contents = open_published(root, SetOptions(), tmp_path)
    (ignored,) = contents.ignored
    assert ignored.names == ("images/waffles/1.jpg",)
    assert len(contents.items) == 7


def test_a_list_cannot_lead_out_of_its_folder(tmp_path):
    root = make("food101", tmp_path / "a")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    lists = root / "food-101/meta/train.json"
    table = json.loads(lists.read_text())
    table["waffles"].append("../../../secret")
    lists.write_text(json.dumps(table))
    contents = open_published(root, SetOptions(), tmp_path)
    assert contents.ignored[0].names == ("images/../../../secret.jpg",)


@pytest.mark.parametrize(
    ("key", "file", "text", "sentence"),
    [
        ("food101", "food-101/meta/train.json", "{", "meta/train.json that cannot be understood"),
        ("food101", "food-101/meta/train.json", "[]", "meta/train.json that cannot be understood"),
        ("food101", "food-101/meta/test.json", '{"soup": ["a"]}', "cannot be understood"),
        ("pets", "oxford-iiit-pet/annotations/test.txt", "a b c", "cannot be understood"),
        ("aircraft", "fgvc-aircraft-2013b/data/images_variant_val.txt", "1 Zeppelin", "Zeppelin"),
        ("gtsrb", "gtsrb/GT-final_test.csv", "a;b\n1;2", "cannot be understood"),
        ("flowers102", "flowers-102/setid.mat", "no matrix", "setid.mat that cannot be understood"),
        ("cars", "stanford_cars/devkit/cars_meta.mat", "", "cannot be understood"),
        ("places365", "places365_val.txt", "a.jpg 9", "cannot be understood"),
        ("clevr", "clevr/CLEVR_v1.0/scenes/CLEVR_val_scenes.json", "{}", "cannot be understood"),
        ("semeion", "semeion.data", "1 2 3", "label -1, but only 0 to 9"),
        ("usps", "usps.bz2", "no bz2", "is damaged or another file"),
        ("fer2013", "fer2013/fer2013.csv", "emotion,pixels\n1,2\n", "no Usage such as Training"),
        ("dtd", "dtd/dtd/labels/train1.txt", "", "images to train on of 0 of 47 classes"),
    ],
)
def test_a_damaged_list_is_a_sentence(tmp_path, key, file, text, sentence):
    root = make(key, tmp_path / "a")
    (root / file).write_text(text)
    with pytest.raises(DataError, match=sentence):
        open_published(root, SetOptions(), tmp_path)


def test_patch_camelyon_is_read_from_its_hdf5_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    root = tmp_path / "pcam"
    root.mkdir()
    for place_, part in enumerate(("train", "valid", "test")):
        name = f"camelyonpatch_level_2_split_{part}"
        with h5py.File(root / f"{name}_x.h5", "w") as file:
            file["x"] = np.full((4, 96, 96, 3), 10 * place_, np.uint8) + np.arange(
                4, dtype=np.uint8
            ).reshape(4, 1, 1, 1)
        with h5py.File(root / f"{name}_y.h5", "w") as file:
            file["y"] = np.array([0, 1, 0, 1], np.uint8).reshape(4, 1, 1, 1)
    contents = open_published(tmp_path, SetOptions(), tmp_path)
    found = {
        int(np.asarray(raw)[0, 0, 0]): (contents.items[i].part, contents.items[i].label)
        for i, raw in contents.pictures({0, 1, 2, 3, 5, 11})
    }
    assert found[0] == ("train", "no tumor")
    assert found[1] == ("train", "tumor")
    assert found[12] == ("val", "no tumor")
    assert found[23] == ("test", "tumor")


def test_recognizing_needs_neither_torch_nor_scipy():
    code = (
        "import sys; from pathlib import Path\n"
        "from cifar_core.data.published.places import recognized\n"
        "recognized(Path('/tmp'))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'torchvision', 'scipy', 'h5py')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
