import csv
import dataclasses
import io
import os
import shutil
import zipfile

import numpy as np
import pytest
from decoding_helpers import CLASSES, as_folder, listed, picture, small_set, source
from msgspec.structs import replace
from PIL import Image

from cifar_core.data import decoding
from cifar_core.data.cache import cache_folder
from cifar_core.data.dataset import fingerprint
from cifar_core.data.formats.formats import open_source
from cifar_core.data.options import SetOptions, keep_options
from cifar_core.data.sizing import Sizing
from cifar_core.data.sources.cifar10 import CLASSES as CIFAR10
from cifar_core.errors import DataError


@pytest.fixture
def read(tmp_path):
    """Return a function that decodes files from a folder."""

    def read(files, **how):
        return decoding.load(source(as_folder(tmp_path / "pets", files), tmp_path), **how)

    return read


def decide(tmp_path, **options):
    keep_options(tmp_path / "store", str(tmp_path / "pets"), replace(SetOptions(), **options))


def details(tmp_path, dataset):
    return decoding.details_of(tmp_path / "store", dataset.source, dataset.fingerprint)


def left_out(tmp_path, which):
    lists = decoding.lists_of(tmp_path / "store", str(tmp_path / "pets"))
    path = getattr(lists, which)
    return list(csv.reader(io.StringIO(path.read_text())))[1:] if path else None


def test_images_and_labels_belong_together(tmp_path, read):
    dataset = read(small_set())
    assert (dataset.classes, dataset.title, dataset.kind) == (CLASSES, "pets", "folder")
    assert np.bincount(dataset.test.labels).tolist() == [2, 2, 2]
    for label in range(3):
        for number in range(4):
            file = tmp_path / "pets" / "train" / CLASSES[label] / f"{number}.png"
            place = np.flatnonzero(dataset.train.labels == label)[number]
            assert np.array_equal(dataset.train.pixels[place], Image.open(file))
    parts = (dataset.train, dataset.test)
    assert dataset.fingerprint == fingerprint(dataset.classes, parts)
    assert dataset.train.kept_back is None


def test_validation_images_of_the_set_are_kept_with_the_training_images_and_named(read):
    plain, own = read(small_set()), read(small_set(val=1))
    assert len(own.train) == 15
    assert own.train.kept_back.tolist() == [12, 13, 14]
    assert own.train.labels[12:].tolist() == [0, 1, 2]
    assert own.fingerprint == fingerprint(own.classes, (own.train, own.test)) != plain.fingerprint
    same = replace_kept_back(own)
    assert fingerprint(own.classes, (same, own.test)) != own.fingerprint


def replace_kept_back(dataset):
    return dataclasses.replace(dataset.train, kept_back=np.array([0, 1, 2]))


def test_the_second_time_nothing_is_decoded(tmp_path, read, monkeypatch):
    first = read(small_set())
    monkeypatch.setattr("cifar_core.data.decoding.engine.network_pixels", None)
    second = read({})
    thorough = read({}, thorough=True)
    assert first.fingerprint == second.fingerprint == thorough.fingerprint
    assert isinstance(second.train.pixels, np.memmap)
    assert not second.train.pixels.flags.writeable


@pytest.mark.parametrize("change", ["replace", "add", "rename", "remove"])
def test_a_change_is_seen_by_the_thorough_check_and_most_by_the_quick_one(tmp_path, read, change):
    first = read(small_set())
    cat = tmp_path / "pets/train/cat"
    if change == "replace":
        (cat / "0.png").write_bytes(picture(99))
        os.utime(cat / "0.png", (1, 1))
    elif change == "add":
        (cat / "9.png").write_bytes(picture(99))
    elif change == "rename":
        shutil.move(cat / "0.png", cat / "9.png")
    else:
        (cat / "0.png").unlink()
    known = source(tmp_path / "pets", tmp_path)
    assert (decoding.kept(known) is None) == (change != "replace")
    second = read({}, thorough=True)
    assert second.fingerprint != first.fingerprint
    assert decoding.kept(known).fingerprint == second.fingerprint
    assert len(list(cache_folder(tmp_path / "store").glob("*/meta.json"))) == 1


def test_a_table_that_is_written_in_place_is_seen_by_the_quick_check(tmp_path, read):
    read({**small_set(), "labels.csv": b"a,b"})
    assert decoding.kept(source(tmp_path / "pets", tmp_path))
    (tmp_path / "pets" / "labels.csv").write_bytes(b"a,b\nc,d")
    assert decoding.kept(source(tmp_path / "pets", tmp_path)) is None


def test_what_file_managers_leave_behind_changes_nothing(tmp_path, read):
    read(small_set())
    (tmp_path / "pets/train/cat/.DS_Store").write_bytes(b"x")
    known = source(tmp_path / "pets", tmp_path)
    assert decoding.kept(known) is None  # the folder's time has changed
    folders = [path.name for path in cache_folder(tmp_path / "store").iterdir()]
    read({}, thorough=True)
    assert [path.name for path in cache_folder(tmp_path / "store").iterdir()] == folders
    assert decoding.kept(known)  # the next one sees at once that it is only that


def test_another_decision_about_the_set_reads_it_again_and_a_title_does_not(tmp_path, read):
    read(small_set())
    decide(tmp_path, title="My pets")
    known = source(tmp_path / "pets", tmp_path)
    assert decoding.kept(known).title == "My pets"
    decide(tmp_path, split_seed=1)
    assert decoding.kept(known) is None


def test_another_size_is_another_dataset_of_the_same_source(tmp_path, read):
    small = read(small_set())
    large = decoding.load(source(tmp_path / "pets", tmp_path, sizing=Sizing(side=48, stored=48)))
    assert large.train.pixels.shape == (12, 48, 48, 3)
    assert decoding.kept(source(tmp_path / "pets", tmp_path)).fingerprint == small.fingerprint


def test_an_unreadable_picture_in_a_hundred_is_left_out_and_listed(tmp_path, read):
    files = {**small_set(train=40), "train/cat/9.png": b"no picture"}
    dataset = read(files)
    assert (len(dataset.train), len(dataset.test)) == (119, 6)
    whole = read({"train/cat/9.png": picture(1)}, thorough=True)
    kept = np.delete(np.asarray(whole.train.pixels), 40 + list_of_cats(files), axis=0)
    assert np.array_equal(dataset.train.pixels, kept)
    assert "1 picture could not be read and was left out" in dataset.note
    assert left_out(tmp_path, "unreadable") is None  # it is readable now


def test_one_damaged_picture_of_a_zip_is_an_unreadable_picture(tmp_path):
    path = tmp_path / "pets"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in small_set(train=40).items():
            archive.writestr(name, data)
    data = bytearray(path.read_bytes())
    data[300] ^= 1  # in the pixels of the first picture
    path.write_bytes(data)
    dataset = decoding.load(source(path, tmp_path, open=open_source))
    assert (len(dataset.train), len(dataset.test)) == (119, 6)
    ((name, why),) = left_out(tmp_path, "unreadable")
    assert (name, why) == ("train/bird/0.png", f"{name} is damaged in its archive. Pack it again.")


def list_of_cats(files):
    return sorted(name for name in files if name.startswith("train/cat")).index("train/cat/9.png")


def test_too_many_unreadable_pictures_refuse_the_set_with_the_same_list(tmp_path, read):
    files = {**small_set(), "train/cat/0.png": b"no picture", "test/dog/=0.png": b""}
    with pytest.raises(DataError) as caught:
        read(files)
    words = str(caught.value)
    assert "has 2 pictures that cannot be used, which is 11 % of 19; at most 1 %" in words
    assert "train/cat/0.png is not a readable picture" in words
    assert "allow a larger share" in words
    (dog, why), (cat, _) = sorted(left_out(tmp_path, "unreadable"))
    assert (dog, cat) == ("test/dog/=0.png", "train/cat/0.png")
    assert "is empty" in why
    decide(tmp_path, unreadable=0.2)
    dataset = read({})
    assert (len(dataset.train), len(dataset.test)) == (11, 6)
    assert left_out(tmp_path, "unreadable")
    assert details(tmp_path, dataset).found.unreadable == 2
    decide(tmp_path, unreadable=0.0)
    with pytest.raises(DataError, match=r"at most 0 %.*'How these images are read'"):
        read({})


def test_a_refusal_is_known_until_the_source_or_the_decision_changes(tmp_path, read):
    known = source(tmp_path / "pets", tmp_path)
    files = {**small_set(), "train/cat/0.png": b"no picture"}
    with pytest.raises(DataError):
        read(files)
    assert "1 picture that cannot be used" in decoding.refusal_of(known)
    decide(tmp_path, unreadable=0.2)
    assert decoding.refusal_of(known) == ""
    decide(tmp_path)
    assert decoding.refusal_of(known)
    (tmp_path / "pets/train/cat/0.png").unlink()
    assert decoding.refusal_of(known) == ""
    assert len(read({}).train) == 11
    assert decoding.refusal_of(known) == ""


def test_a_class_that_unreadable_pictures_empty_is_named(tmp_path, read):
    decide(tmp_path, unreadable=0.5)
    with pytest.raises(DataError, match="no readable test images of the class 'dog'"):
        read({**small_set(), "test/dog/0.png": b"", "test/dog/1.png": b""})


def test_a_class_of_one_image_is_one_but_not_all_can_be(tmp_path, read):
    files = {name: data for name, data in small_set().items() if not name.startswith("train/")}
    labels = sorted({name.split("/")[1] for name in files})
    one_each = {f"train/{label}/0.png": picture(n) for n, label in enumerate(labels)}
    more = read({**files, **one_each, f"train/{labels[0]}/1.png": picture(9)})
    assert np.bincount(more.train.labels).tolist() == [2] + [1] * (len(labels) - 1)
    assert "2 classes have a single training image (cat, dog), so none is left" in more.note
    shutil.rmtree(tmp_path / "pets")
    with pytest.raises(DataError, match="1 training image of each class"):
        read({**files, **one_each})


@pytest.mark.parametrize("missing", ["train", "test"])
def test_both_parts_are_needed(read, missing):
    files = {name: data for name, data in small_set().items() if not name.startswith(missing)}
    with pytest.raises(DataError, match=f"has no {'training' if missing == 'train' else 'test'}"):
        read(files)


def test_one_class_or_too_many_are_refused(read, monkeypatch):
    with pytest.raises(DataError, match="has only the class 'cat', but at least 2 are needed"):
        read({name: data for name, data in small_set().items() if "/cat/" in name})
    monkeypatch.setattr("cifar_core.data.decoding.checks.MOST_CLASSES", 2)
    with pytest.raises(DataError, match="has 3 classes, but at most 2 can be used"):
        read(small_set())


def test_names_sizes_and_what_was_found_are_kept_for_the_data_page(tmp_path, read):
    files = {**small_set(val=1), "train/cat/0.png": picture(0, size=(64, 48)), "notes.txt": b"x"}
    dataset = read(files)
    found = details(tmp_path, dataset)
    assert found.counts == {"train": 12, "val": 3, "test": 6}
    assert len(found.names) == len(found.sizes) == len(found.gray) == 21
    assert found.names[found.span("val")] == [f"val/{label}/0.png" for label in CLASSES]
    assert found.names[found.span("test")][0] == "test/bird/0.png"
    assert found.sizes[found.names.index("train/cat/0.png")].tolist() == [64, 48]
    assert (found.found.scaled, found.found.said) == (1, ["Folders are classes."])
    assert [(one.why, one.number) for one in found.found.ignored] == [("are not pictures", 1)]
    assert left_out(tmp_path, "ignored") == [["notes.txt", "are not pictures"]]
    assert found.origin == "A friend."
    assert "1 were cropped to a square and scaled to 32 x 32" in dataset.note


def test_sets_without_files_have_no_details(tmp_path):
    from cifar_core.data import load

    drawn = load("synthetic:20", tmp_path)
    assert decoding.details_of(tmp_path, "synthetic:20", drawn.fingerprint) is None


def test_file_names_that_are_not_utf8_and_with_line_breaks_are_kept(tmp_path, read):
    odd = os.fsdecode(b"train/dog/\xe9.png")
    dataset = read({**small_set(), odd: picture(99), "train/dog/a\nb.png": picture(98)})
    found = details(tmp_path, dataset)
    assert len(found.names) == 20
    assert odd in found.names
    assert "train/dog/a b.png" in found.names
    bad = os.fsdecode(b"train/dog/\xe8.png")
    with pytest.raises(DataError) as caught:
        read({bad: b"no picture"})
    str(caught.value).encode()
    assert left_out(tmp_path, "unreadable")[0][0] == "train/dog/?.png"


def deep(largest):
    """Return a 16-bit gray PNG whose largest value is this."""
    file = io.BytesIO()
    values = np.linspace(0, largest, 1024).reshape(32, 32).astype(np.uint16)
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def test_images_of_sixteen_bits_are_all_scaled_alike(read):
    deeper = {f"train/cat/{number}.png": deep(most) for number, most in enumerate((4095, 900, 0))}
    dataset = read({**small_set(), **deeper})
    assert "2 store 16 bits per pixel and use at most 12" in dataset.note
    cats = dataset.train.pixels[dataset.train.labels == 1]
    assert [int(image.max()) for image in cats[:3]] == [255, 900 >> 4, 0]


def test_the_note_says_that_jpeg_files_are_not_the_original(tmp_path, read):
    pets = read(small_set("JPEG")).note
    assert "They were stored as JPEG, which loses detail." in pets
    assert "CIFAR-10" not in pets
    ours = {
        f"{part}/{label}/{number}.jpg": picture(number, kind="JPEG")
        for part in ("train", "test") for label in CIFAR10 for number in range(2)
    }  # fmt: skip
    other = source(as_folder(tmp_path / "c", ours), tmp_path)
    assert "not comparable with those on the original CIFAR-10" in decoding.load(other).note


def test_the_note_counts_images_that_occur_again(read):
    files = small_set()
    files["train/dog/3.png"] = files["train/cat/1.png"]
    files["test/bird/0.png"] = files["train/bird/0.png"]
    note = read(files).note
    assert "2 images are in two classes" in note
    assert "1 test image is also a training image" in note


def test_a_full_disk_is_said_and_what_is_decoded_stays(tmp_path, read, monkeypatch):
    real, calls = os.pwrite, []

    def full(file, data, place):
        calls.append(place)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        return real(file, data, place)

    monkeypatch.setattr("cifar_core.data.decoding.engine.MOST_AT_ONCE", 4)
    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(DataError, match=r"could not be kept in .*free some disk space"):
        read(small_set(), threads=1)
    monkeypatch.setattr("os.pwrite", real)
    (draft,) = cache_folder(tmp_path / "store").glob("*.draft")
    assert np.count_nonzero(np.load(draft / "items.npy")[:, 0]) == 8
    assert len(read({}).train) == 12
    assert not draft.exists()


def test_a_store_that_cannot_be_written_is_said(tmp_path, read):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="could not be kept"):
        read(small_set())


def test_a_source_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match="There is nothing at"):
        decoding.load(source(tmp_path / "pets", tmp_path, open=listed))


def test_a_set_of_which_nothing_can_be_read_is_refused_with_the_whole_share(read):
    with pytest.raises(DataError, match=r"which is 100 % of"):
        read(dict.fromkeys(small_set(), b"no picture"))
