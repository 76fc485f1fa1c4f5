import io
import os
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.sources import folder
from cifar_core.data.sources.cifar10 import CLASSES as CIFAR10
from cifar_core.errors import DataError

CLASSES = ("bird", "cat", "dog")
COUNTS = {"train": 4, "test": 2}


def picture(seed, size=(32, 32), kind="PNG"):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def small_set(kind="PNG"):
    """The files of a tiny dataset by name."""
    names = [
        f"{split}/{label}/{number}.{kind.lower()}"
        for split, count in COUNTS.items()
        for label in CLASSES
        for number in range(count)
    ]
    return {name: picture(seed, kind=kind) for seed, name in enumerate(names)}


def as_folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def as_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def as_tar(path, files):
    with tarfile.open(path, "w" + {".gz": ":gz", ".xz": ":xz", ".bz2": ":bz2"}[path.suffix]) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def pack(tmp_path, how, files):
    """The same files as a folder or as an archive."""
    path = tmp_path / f"pets{how}"
    tmp_path.mkdir(exist_ok=True)
    packer = {"": as_folder, ".zip": as_zip}.get(how, as_tar)
    return packer(path, files)


def read(tmp_path, files, how=""):
    return folder.load(pack(tmp_path, how, files), tmp_path / "store")


HOW = ["", ".zip", ".tar.gz", ".tar.xz", ".tar.bz2"]


@pytest.mark.parametrize("how", HOW)
def test_a_folder_and_every_archive_give_the_same_dataset(tmp_path, how):
    plain = read(tmp_path / "plain", small_set())
    packed = read(tmp_path / "packed", dict(reversed(small_set().items())), how)
    assert packed.fingerprint == plain.fingerprint
    assert (packed.classes, packed.title, packed.kind) == (CLASSES, "pets", "folder")
    assert np.bincount(packed.train.labels).tolist() == [4, 4, 4]
    assert np.bincount(packed.test.labels).tolist() == [2, 2, 2]


def test_images_and_labels_belong_together(tmp_path):
    files = small_set()
    dataset = read(tmp_path, files)
    for label in range(3):
        for number in range(4):
            data = files[f"train/{CLASSES[label]}/{number}.png"]
            place = np.flatnonzero(dataset.train.labels == label)[number]
            assert np.array_equal(dataset.train.pixels[place], Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("how", HOW[:3])
def test_one_folder_above_and_the_litter_of_file_managers_are_passed_over(tmp_path, how):
    files = {f"./top/{name}": data for name, data in small_set().items()}
    litter = [
        *("top/README.md", "labels.txt", "top/.DS_Store", "top/train/.DS_Store"),
        *("top/train/cat/._0.png", "top/test/dog/Thumbs.db", "__MACOSX/train/cat/0.png"),
    ]
    dataset = read(tmp_path, {**files, **dict.fromkeys(litter, b"x")}, how)
    assert (len(dataset.train), len(dataset.test)) == (12, 6)


def test_images_of_another_size_are_scaled_and_the_note_says_so(tmp_path):
    files = small_set()
    files["train/cat/0.png"] = picture(0, size=(64, 48))
    dataset = read(tmp_path, files)
    assert dataset.train.pixels.shape == (12, 32, 32, 3)
    assert "1 were cropped to a square and scaled to 32 x 32" in dataset.note


def test_the_note_says_that_jpeg_files_are_not_the_original(tmp_path):
    pets = read(tmp_path / "a", small_set("JPEG")).note
    assert "They were stored as JPEG, which loses detail." in pets
    assert "CIFAR-10" not in pets
    ours = {
        f"{split}/{label}/{number}.jpg": picture(number, kind="JPEG")
        for split in COUNTS for label in CIFAR10 for number in range(2)
    }  # fmt: skip
    assert "not comparable with those on the original CIFAR-10" in read(tmp_path / "c", ours).note
    assert "JPEG" not in read(tmp_path / "b", small_set()).note


def deep(largest):
    """Return a 16-bit gray PNG whose largest value is this."""
    file = io.BytesIO()
    values = np.linspace(0, largest, 1024).reshape(32, 32).astype(np.uint16)
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def test_images_of_sixteen_bits_are_all_scaled_alike(tmp_path):
    deeper = {f"train/cat/{number}.png": deep(most) for number, most in enumerate((4095, 900, 0))}
    dataset = read(tmp_path, {**small_set(), **deeper})
    assert "2 store 16 bits per pixel and use at most 12" in dataset.note
    cats = dataset.train.pixels[dataset.train.labels == 1]
    assert [int(image.max()) for image in cats[:3]] == [255, 900 >> 4, 0]


def test_the_note_counts_images_that_occur_again(tmp_path):
    files = small_set()
    files["train/dog/3.png"] = files["train/cat/1.png"]
    files["test/bird/0.png"] = files["train/bird/0.png"]
    note = read(tmp_path, files).note
    assert "1 training images also occur under another class" in note
    assert "1 test images are also training images" in note


def changed(**names):
    """The small set with some files replaced, added, or (None) removed."""
    files = {**small_set(), **{name: data for name, data in names.items() if data is not None}}
    return {name: data for name, data in files.items() if names.get(name, b"") is not None}


BAD = {
    "text": (
        {"train/cat/notes.txt": b"cats"},
        r"1 image that.*notes.txt is not a readable picture",
    ),
    "truncated": ({"test/dog/0.png": picture(0)[:900]}, r"test/dog/0.png is damaged or cut short"),
    "empty": ({"test/dog/0.png": b""}, r"test/dog/0.png is empty"),
    "mislabeled": ({"test/catt/0.png": picture(0)}, r"'catt'.*Did you mean 'cat'\?.*add train/c"),
    "untested": ({f"train/eel/{i}.png": picture(i) for i in range(3)}, r"no test images of it"),
    "too few": ({f"train/cat/{i}.png": None for i in range(3)}, r"1 images in train/cat.*least 2"),
    "too deep": ({"train/cat/more/0.png": picture(0)}, r"train/cat/more.*in a class folder"),
    "too flat": ({"train/0.png": picture(0)}, r"train/0.png.*in a class folder"),
    "two sets": ({"old/train/cat/0.png": picture(0)}, r"two sets of images, under"),
}


@pytest.mark.parametrize("how", HOW[:3])
@pytest.mark.parametrize("fault", BAD)
def test_a_fault_is_named_with_the_file_and_leaves_nothing_behind(tmp_path, fault, how):
    changes, sentence = BAD[fault]
    with pytest.raises(DataError, match=sentence) as caught:
        read(tmp_path, changed(**changes), how)
    assert str(tmp_path / f"pets{how}") in str(caught.value)
    kept = [file for file in (tmp_path / "store").rglob("*") if file.is_file()]
    assert [file.parent.name for file in kept] == [".locks"]


@pytest.mark.parametrize("missing", ["train", "test"])
def test_both_parts_are_needed(tmp_path, missing):
    files = {name: data for name, data in small_set().items() if not name.startswith(missing)}
    with pytest.raises(DataError, match=rf"no {missing}/<class>/ folder"):
        read(tmp_path, files)


def test_an_empty_class_folder_is_noticed(tmp_path):
    path = as_folder(tmp_path / "pets", small_set())
    (path / "train/eel").mkdir()
    (path / "test/eel").mkdir()
    with pytest.raises(DataError, match="0 images in test/eel"):
        folder.load(path, tmp_path)


def test_many_unreadable_images_are_reported_at_once(tmp_path):
    files = dict.fromkeys(small_set(), b"no image")
    with pytest.raises(DataError, match="18 images that cannot be used; replace or remove"):
        read(tmp_path, files)


def test_the_second_time_nothing_is_decoded(tmp_path, monkeypatch):
    first = read(tmp_path, small_set())
    monkeypatch.setattr(folder, "open_image", None)
    second = folder.load(tmp_path / "pets", tmp_path / "store")
    assert second.fingerprint == first.fingerprint
    assert isinstance(second.train.pixels, np.memmap)
    assert not second.train.pixels.flags.writeable


@pytest.mark.parametrize("change", ["replace", "add", "rename"])
def test_a_change_in_the_folder_is_seen(tmp_path, change):
    first = read(tmp_path, small_set())
    cat = tmp_path / "pets/train/cat"
    if change == "replace":
        (cat / "0.png").write_bytes(picture(99))
        os.utime(cat / "0.png", (1, 1))
    elif change == "add":
        (cat / "9.png").write_bytes(picture(99))
    else:
        shutil.move(cat / "0.png", cat / "9.png")
    second = folder.load(tmp_path / "pets", tmp_path / "store")
    assert second.fingerprint != first.fingerprint


def test_a_change_of_the_archive_is_seen(tmp_path):
    first = read(tmp_path, small_set(), ".zip")
    second = read(tmp_path, changed(**{"train/cat/0.png": picture(99)}), ".zip")
    assert second.fingerprint != first.fingerprint


def renamed(files, old, new):
    return {name.replace(f"/{old}/", f"/{new}/"): data for name, data in files.items()}


@pytest.mark.parametrize("how", ["", ".tar.gz"])
def test_a_class_whose_name_is_not_utf8_is_refused_before_anything_is_kept(tmp_path, how):
    bad = os.fsdecode(b"f\xe9e")
    files = renamed(small_set(), "dog", bad)
    path = pack(tmp_path, how, files)
    with pytest.raises(DataError, match=r"class folder 'f\?e', whose name is not UTF-8") as caught:
        folder.load(path, tmp_path / "store")
    str(caught.value).encode()
    assert list((tmp_path / "store").glob("data/cache/*/meta.json")) == []


def test_file_names_that_are_not_utf8_are_accepted(tmp_path):
    files = small_set()
    files[f"train/dog/{os.fsdecode(bytes([0xE9]))}.png"] = picture(99)
    dataset = folder.load(pack(tmp_path, "", files), tmp_path / "store")
    assert len(dataset.train) == 13


def test_a_fault_in_a_file_whose_name_is_not_utf8_can_be_shown(tmp_path):
    files = small_set()
    files[f"train/dog/{os.fsdecode(bytes([0xE9]))}.png"] = b"not a picture"
    with pytest.raises(DataError) as caught:
        folder.load(pack(tmp_path, "", files), tmp_path / "store")
    str(caught.value).encode()


def test_more_classes_than_a_run_can_record_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MOST_CLASSES", 2)
    with pytest.raises(DataError, match="has 3 classes, but at most 2 can be used"):
        folder.load(pack(tmp_path, "", small_set()), tmp_path / "store")


def test_what_an_earlier_version_decoded_with_such_a_name_is_decoded_again(tmp_path):
    from cifar_core.data.listing import decoded
    from cifar_core.disk import files as disk

    path = pack(tmp_path, "", small_set())
    dataset = folder.load(path, tmp_path / "store")
    [meta] = (tmp_path / "store").glob("data/cache/*/meta.json")
    values = disk.read_json(meta)
    disk.write_json(meta, {**values, "classes": ["bird", "cat", os.fsdecode(b"f\xe9e")]})
    assert list(decoded(tmp_path / "store")) == []
    assert folder.load(path, tmp_path / "store").classes == dataset.classes


def test_a_source_whose_path_is_not_utf8_is_refused(tmp_path):
    from cifar_core.data import resolve

    path = as_folder(tmp_path / os.fsdecode(b"f\xe9e"), small_set())
    with pytest.raises(DataError, match="is not UTF-8"):
        resolve(str(path), tmp_path / "store")
