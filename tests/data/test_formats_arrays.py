import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from format_files import (
    by_name,
    counts,
    gz,
    idx,
    key_of,
    labels,
    opened,
    packed,
    pictures,
    refuses_or_reads,
    saved,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.errors import DataError

MNIST = {
    "train-images-idx3-ubyte": idx(pictures(9)),
    "train-labels-idx1-ubyte": idx(labels(9)),
    "t10k-images-idx3-ubyte": idx(pictures(6, seed=1)),
    "t10k-labels-idx1-ubyte": idx(labels(6)),
}
KERAS = {
    "x_train": pictures(9), "y_train": labels(9),
    "x_test": pictures(6, seed=1), "y_test": labels(6),
}  # fmt: skip


def check(path, tmp_path, key):
    """The nine training and six test pictures, each once, under its class."""
    assert key_of(path) == key
    contents = opened(path, tmp_path)
    assert (contents.format, contents.classes) == (key, ("0", "1", "2"))
    assert counts(contents) == {"train": 9, "test": 6}
    found = by_name(contents)
    for part, images in (("train", pictures(9)), ("test", pictures(6, seed=1))):
        for row, image in enumerate(images):
            assert np.array_equal(found[f"{part}/{row}"], image)
    assert all(int(item.label) == int(item.name[-1]) % 3 for item in contents.items)
    return contents


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("place", ["", "MNIST/raw/"])
def test_idx_files_are_read_wherever_they_lie(tmp_path, ending, place):
    files = {f"{place}{name}{ending}": gz(data) if ending else data for name, data in MNIST.items()}
    check(write(tmp_path / "set", files), tmp_path, "idx")
    check(packed(tmp_path / "set.tar.gz", files), tmp_path, "idx")
    check(packed(tmp_path / "around" / "set.zip", files).parent, tmp_path, "idx")


def test_of_a_plain_and_a_packed_form_one_is_read(tmp_path):
    files = MNIST | {f"{name}.gz": b"damaged" for name in MNIST}
    check(write(tmp_path, files), tmp_path, "idx")


def test_names_with_dots_are_those_of_idx_files_too(tmp_path):
    files = {name.replace("-idx", ".idx"): data for name, data in MNIST.items()}
    check(write(tmp_path, files), tmp_path, "idx")


def test_the_first_of_qmnists_eight_columns_is_the_digit(tmp_path):
    wide = np.zeros((9, 8), ">i4")
    wide[:, 0], wide[:, 1] = labels(9), 77
    header = b"\0\0\x0c\x02" + np.array([9, 8], ">u4").tobytes()
    files = {
        "qmnist-train-images-idx3-ubyte.gz": gz(MNIST["train-images-idx3-ubyte"]),
        "qmnist-train-labels-idx2-int.gz": gz(header + wide.tobytes()),
        "qmnist-test-images-idx3-ubyte.gz": gz(MNIST["t10k-images-idx3-ubyte"]),
        "qmnist-test-labels-idx2-int.gz": gz(
            b"\0\0\x0c\x02\0\0\0\x06\0\0\0\x08" + wide[:6].tobytes()
        ),
    }
    check(write(tmp_path, files), tmp_path, "idx")


def test_emnist_is_transposed_and_chosen_by_its_prefix(tmp_path):
    from cifar_core.data.formats.idx import open_idx
    from cifar_core.data.options import SetOptions

    for kind in ("balanced", "letters"):
        files = {f"emnist-{kind}-{name.replace('t10k', 'test')}": d for name, d in MNIST.items()}
        write(tmp_path / "set", files)
    with pytest.raises(DataError, match="holds several sets"):
        opened(tmp_path / "set", tmp_path)
    contents = open_idx(
        tmp_path / "set", SetOptions(), tmp_path / "store",
        prefix="emnist-letters", transposed=True, names=("a", "b", "c"),
    )  # fmt: skip
    assert contents.classes == ("a", "b", "c")
    assert np.array_equal(by_name(contents)["train/4"], pictures(9)[4].T)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("train-labels-idx1-ubyte", idx(labels(8)), r"\[9, 6, 6\], but there are 8 labels"),
        ("train-labels-idx1-ubyte", idx(labels(9))[:-1], "ends too early"),
        ("train-images-idx3-ubyte", b"\0\0\x08", "not an idx file"),
        ("train-images-idx3-ubyte", b"<html>not found</html>", "not an idx file"),
        (
            "train-labels-idx1-ubyte",
            b"\0\0\x08\x01" + (2**32 - 1).to_bytes(4, "big"),
            "labels do not have",
        ),
        (
            "train-images-idx3-ubyte",
            b"\0\0\x08\x03\0\0\0\x09" + b"\xff" * 8,
            "which images do not have",
        ),
    ],
)
def test_a_damaged_idx_file_is_refused_by_name(tmp_path, name, data, sentence):
    write(tmp_path, MNIST | {name: data})
    with pytest.raises(DataError, match=sentence):
        opened(tmp_path, tmp_path)


def test_images_that_are_cut_short_are_refused_when_they_are_read(tmp_path):
    name = "train-images-idx3-ubyte"
    write(tmp_path, MNIST | {name: MNIST[name][:-1]})
    with pytest.raises(DataError, match=f"{name} ends too early"):
        by_name(opened(tmp_path, tmp_path))


def test_a_header_that_claims_a_million_images_takes_no_memory(tmp_path):
    write(tmp_path, MNIST | {
        "train-images-idx3-ubyte": b"\0\0\x08\x03" + np.array([2e6, 5000, 5000], ">u4").tobytes(),
        "train-labels-idx1-ubyte": b"\0\0\x08\x01" + np.array([2e6], ">u4").tobytes(),
    })  # fmt: skip
    tracemalloc.start()
    with pytest.raises(DataError, match="ends too early"):
        opened(tmp_path, tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_only_the_wanted_pictures_are_read_from_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.data.formats.reading.stored.BLOCK", 2 * 36)
    contents = opened(write(tmp_path, MNIST), tmp_path)
    index = next(i for i, item in enumerate(contents.items) if item.name == "train/7")
    (image,) = by_name(contents, {index}).values()
    assert np.array_equal(image, pictures(9)[7])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "rename",
    [
        {},
        {"x": "train_images", "y": "train_labels"},
        {"x": "X_", "y": "y_"},
    ],
)
def test_the_arrays_of_keras_and_medmnist_are_found_by_their_names(tmp_path, save, rename):
    arrays = dict(KERAS)
    if "x" in rename and rename["x"].startswith("train"):
        arrays = {
            f"{part}_{'images' if short == 'x' else 'labels'}": KERAS[f"{short}_{part}"]
            for part in ("train", "test") for short in "xy"
        }  # fmt: skip
        arrays["train_labels"] = arrays["train_labels"][:, None]
    save(tmp_path / "set.npz", **arrays)
    check(tmp_path / "set.npz", tmp_path, "npz")
    check(tmp_path, tmp_path, "npz")


def test_an_npz_in_a_zip_and_lone_arrays_are_read(tmp_path):
    check(packed(tmp_path / "set.zip", {"a/set.npz": saved(**KERAS)}), tmp_path, "npz")
    (tmp_path / "lone").mkdir()
    for key, array in KERAS.items():
        np.save(tmp_path / "lone" / f"{key}.npy", array)
    check(tmp_path / "lone", tmp_path, "npz")


def test_val_is_the_sets_own_and_x_with_y_alone_are_split(tmp_path):
    np.savez(tmp_path / "a.npz", **KERAS, x_val=pictures(3), y_val=labels(3))
    assert counts(opened(tmp_path / "a.npz", tmp_path)) == {"train": 9, "val": 3, "test": 6}
    np.savez(tmp_path / "b.npz", X=pictures(30), y=labels(30), class_names=["cat", "dog", "owl"])
    contents = opened(tmp_path / "b.npz", tmp_path)
    assert contents.classes == ("cat", "dog", "owl")
    assert counts(contents) == {"train": 24, "test": 6}
    assert counts(opened(tmp_path / "b.npz", tmp_path)) == {"train": 24, "test": 6}


COLOR = pictures(9, channels=3)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (COLOR, COLOR),
        (COLOR.transpose(0, 3, 1, 2), COLOR),
        (np.asfortranarray(COLOR), COLOR),
        (COLOR[..., :1], COLOR[..., 0]),
        (COLOR[..., 0].reshape(9, 36), COLOR[..., 0]),
        (np.concatenate([COLOR, np.full((9, 6, 6, 1), 255, np.uint8)], -1), COLOR),
        (np.concatenate([COLOR, np.zeros((9, 6, 6, 1), np.uint8)], -1), np.full_like(COLOR, 255)),
        ((COLOR / 255).astype(np.float32), COLOR),
        (COLOR.astype(np.float64), COLOR),
        (COLOR.astype(np.int64), COLOR),
        (COLOR.astype(np.uint16) * 16, COLOR),  # 12 bits
        (COLOR.astype(np.uint16) * 257, COLOR),  # 16 bits
        (COLOR > 127, (COLOR > 127) * np.uint8(255)),
    ],
)
def test_shapes_and_numbers_of_any_kind_become_the_same_pictures(tmp_path, images, expected):
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=labels(9),
             test_images=images, test_labels=labels(9))  # fmt: skip
    found = by_name(opened(tmp_path / "set.npz", tmp_path))
    for row in range(9):
        raw = found[f"train/{row}"]
        assert raw.dtype == np.uint8
        assert abs(raw.astype(int) - expected[row]).max() <= 1


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x_train": np.array([{}, 1], object), "y_train": labels(2)}, "holds Python objects"),
        ({"x_train": pictures(9)}, "need two arrays"),
        ({"x_train": pictures(9), "y_train": labels(8)}, "there are 8 labels"),
        ({"x_train": pictures(9, channels=5), "y_train": labels(9)}, "not that of images"),
        ({"x_train": pictures(9) - 0.5, "y_train": labels(9)}, r"numbers from -0.5 to"),
        ({"x_train": pictures(9) * np.nan, "y_train": labels(9)}, "values that are not numbers"),
        ({"x_train": pictures(9), "y_train": np.ones((9, 3))}, "several labels or none"),
        ({"x_train": pictures(9), "y_train": labels(9) + 0.5}, "not whole numbers"),
        ({"x_train": pictures(9), "y_train": labels(9) * 0}, "1 different labels"),
        ({"x_train": pictures(9).astype("U3"), "y_train": labels(9)}, "instead of numbers"),
        ({"x_test": pictures(9), "y_test": labels(9)}, "no training images"),
        (
            {"x_train": pictures(9), "y_train": labels(9), "class_names": ["a", "b"]},
            "label 2, but only 0 to 1",
        ),
    ],
)
def test_arrays_that_are_not_images_are_refused_in_a_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(DataError, match=sentence):
        opened(tmp_path / "set.npz", tmp_path)


def test_one_hot_labels_are_numbers_and_labels_may_be_words(tmp_path):
    np.savez(tmp_path / "a.npz", **KERAS | {"y_train": np.eye(3)[labels(9)]})
    check(tmp_path / "a.npz", tmp_path, "npz")
    words = np.array(["dog", "cat", "owl"])
    np.savez(
        tmp_path / "b.npz", **KERAS | {"y_train": words[labels(9)], "y_test": words[labels(6)]}
    )
    assert opened(tmp_path / "b.npz", tmp_path).classes == ("cat", "dog", "owl")


def test_a_class_without_training_images_is_left_out_and_said(tmp_path):
    np.savez(tmp_path / "a.npz", **KERAS | {"y_train": labels(9, 2)})
    contents = opened(tmp_path / "a.npz", tmp_path)
    assert contents.classes == ("0", "1")
    assert counts(contents) == {"train": 9, "test": 4}
    assert any("left out" in sentence for sentence in contents.said)


def test_a_compressed_array_of_zeros_takes_little_memory(tmp_path):
    rows, side = 300, 400  # 48 MB in 50 kB
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        file = io.BytesIO()
        np.save(file, np.zeros((rows, side, side), np.uint8))
        archive.writestr("x_train.npy", file.getvalue())
        file = io.BytesIO()
        np.save(file, labels(rows))
        archive.writestr("y_train.npy", file.getvalue())
    del file
    contents = opened(tmp_path / "a.npz", tmp_path)
    tracemalloc.start()
    assert sum(raw.shape == (side, side) for _, raw in contents.pictures(set(range(rows)))) == rows
    assert tracemalloc.get_traced_memory()[1] < 25e6
    tracemalloc.stop()


FUZZ = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spoiled(data, place, byte, cut):
    """A file with one byte changed, perhaps cut short."""
    changed = bytearray(data)
    changed[place % len(data)] = byte
    return bytes(changed[: cut % len(data)] if cut else changed)


SPOIL = (st.integers(0, 400), st.integers(0, 255), st.one_of(st.just(0), st.integers(1, 10**6)))


@FUZZ
@given(*SPOIL, st.sampled_from(sorted(MNIST)))
def test_spoiled_idx_files_are_refused_or_read(tmp_path, place, byte, cut, name):
    refuses_or_reads(
        write(tmp_path, MNIST | {name: spoiled(MNIST[name], place, byte, cut)}), tmp_path
    )


@FUZZ
@given(*SPOIL)
def test_spoiled_npz_files_are_refused_or_read(tmp_path, place, byte, cut):
    write(tmp_path, {"a.npz": spoiled(saved(**KERAS), place * 7, byte, cut)})
    refuses_or_reads(tmp_path / "a.npz", tmp_path)
