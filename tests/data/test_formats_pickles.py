import contextlib
import io
import os
import pickle
import pickletools

import numpy as np
import pytest
from format_files import by_name, counts, key_of, opened, packed, pictures, refuses_or_reads, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.data.formats.reading import pickled
from cifar_core.data.formats.reading.pickled import Foreign, plain
from cifar_core.errors import DataError

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
COARSE = [b"animal", b"thing"]
FINE = [b"cat", b"dog", b"cup"]


def planes(count, seed=0):
    return pictures(count, 32, 3, seed).transpose(0, 3, 1, 2).reshape(count, -1)


def hundred(count, protocol, seed=0):
    """A batch as that of CIFAR-100, with three classes."""
    return pickle.dumps(
        {
            b"filenames": [b"f%d.png" % i for i in range(count)],
            b"batch_label": b"training batch 1 of 1",
            b"fine_labels": [i % 3 for i in range(count)],
            b"coarse_labels": [i % 3 // 2 for i in range(count)],
            b"data": planes(count, seed),
        },
        protocol,
    )


def cifar100(protocol):
    meta = {b"fine_label_names": FINE, b"coarse_label_names": COARSE}
    return {
        "cifar-100-python/train": hundred(9, protocol),
        "cifar-100-python/test": hundred(6, protocol, seed=1),
        "cifar-100-python/meta": pickle.dumps(meta, protocol),
        "cifar-100-python/file.txt~": b"",
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("place", ["folder", "cifar-100-python.tar.gz", "a.zip"])
def test_cifar_100_is_read_with_its_names_in_every_protocol(tmp_path, protocol, place):
    files = cifar100(protocol)
    path = tmp_path / place
    path = write(path, files) if place == "folder" else packed(path, files)
    assert key_of(path) == "pickle"
    contents = opened(path, tmp_path)
    assert contents.classes == ("cat", "dog", "cup")
    assert counts(contents) == {"train": 9, "test": 6}
    found = by_name(contents)
    for part, images in (("train", pictures(9, 32, 3)), ("test", pictures(6, 32, 3, seed=1))):
        assert all(
            np.array_equal(found[f"{part}/{row}"], image) for row, image in enumerate(images)
        )
    assert {i.name: i.label for i in contents.items if i.part == "test"}["test/4"] == "dog"


def test_batches_in_a_folder_and_other_pickles_are_read(tmp_path):
    batch = {b"labels": [0, 1, 2], b"data": planes(3)}
    write(tmp_path / "ten", {
        **{f"data_batch_{n}": pickle.dumps(batch, 2) for n in (1, 2)},
        "test_batch": pickle.dumps(batch, 2),
        "batches.meta": pickle.dumps({b"label_names": FINE}, 2),
    })  # fmt: skip
    contents = opened(tmp_path / "ten", tmp_path)
    assert counts(contents) == {"train": 6, "test": 3}
    assert contents.items[0].name == "data_batch_1/0"
    signs = {"features": pictures(6, 8, 3), "labels": np.arange(6) % 2, "sizes": np.ones((6, 2))}
    for part in ("train", "valid", "test"):
        write(tmp_path / "signs", {f"{part}.p": pickle.dumps(signs)})
    contents = opened(tmp_path / "signs", tmp_path)
    assert counts(contents) == {"train": 6, "val": 6, "test": 6}
    assert np.array_equal(by_name(contents)["train.p/5"], pictures(6, 8, 3)[5])


class Trap:
    def __reduce__(self):
        return os._exit, (3,)


VALUES = [
    *({"a": 1}, [1, [2, (3,)], {"b": None}], "text", b"bytes", 1.5, True, (1, 2, 3, 4), 2**70, -7),
    *({1: [], 2: ()}, [b"x" * 300, "y" * 300], [0] * 3000, bytearray(b"ab")),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_plain_values_are_read_as_pickle_reads_them(protocol, value):
    read = plain("x", io.BytesIO(pickle.dumps(value, protocol)))
    if isinstance(value, bytearray) and protocol < 5:
        assert isinstance(read, Foreign)  # it would be called
    else:
        assert read == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["u1", "i8", ">i4", "f4", "f8", "b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_as_numpy_reads_them(protocol, kind, order):
    array = np.array(np.arange(12).reshape(3, 4) % 2, kind, order=order)
    read = plain("x", io.BytesIO(pickle.dumps(array, protocol)))
    assert np.array_equal(read, array)
    assert read.dtype == array.dtype
    assert plain("x", io.BytesIO(pickle.dumps(array[0, 0], protocol))) == array[0, 0]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_ever_run(tmp_path, protocol):
    assert plain("x", io.BytesIO(pickle.dumps(Trap(), protocol))).name.endswith(" _exit")
    write(
        tmp_path, {"train.pkl": pickle.dumps({"data": Trap(), "labels": [1, 2]}, max(2, protocol))}
    )
    with pytest.raises(DataError, match="_exit would have to be run, which is never done"):
        opened(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([1, 2], "is a list, but should be a dictionary"),
        (Trap(), "_exit to be read"),
        ({"data": planes(3), "labels": [0, 1]}, "there are 2 labels"),
        ({"data": planes(3), "labels": [0, 1, None]}, "labels that are not numbers or texts"),
        ({"data": planes(3)}, "holds data, but should hold"),
        ({"data": np.array([{}]), "labels": [1]}, "an array of Python objects"),
        ({"data": np.zeros((2, 5)), "labels": [0, 1]}, "not that of images"),
        ({"data": planes(2), "labels": [0, 2**80]}, "instead of labels"),
    ],
)
def test_what_is_no_batch_is_refused_in_a_sentence(tmp_path, value, sentence):
    write(tmp_path, {"train.pkl": pickle.dumps(value)})
    with pytest.raises(DataError, match=sentence):
        opened(tmp_path, tmp_path)


def test_a_label_without_a_name_is_refused(tmp_path):
    batch = {"fine_labels": [0, 1, 2, 3], "data": planes(4)}
    files = cifar100(2) | {"cifar-100-python/test": pickle.dumps(batch, 2)}
    with pytest.raises(DataError, match="label 3, but only 0 to 2"):
        opened(write(tmp_path, files), tmp_path)


def test_the_same_text_cannot_be_unpacked_again_and_again(monkeypatch):
    monkeypatch.setattr(pickled, "MOST_BYTES", 10_000)
    encode = b"c_codecs\nencode\n" + b"X" + (1000).to_bytes(4, "little") + b"a" * 1000 + b"q\x00"
    bomb = (
        b"\x80\x02(" + encode + b"X\x06\x00\x00\x00latin1\x86R"
        + (b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R") * 100 + b"l."
    )  # fmt: skip
    pickletools.dis(bomb, io.StringIO())
    with pytest.raises(DataError, match="unpacks to too much"):
        plain("x", io.BytesIO(bomb))


def test_a_length_beyond_the_file_takes_no_memory():
    with pytest.raises(DataError, match="ends too early"):
        plain("x", io.BytesIO(b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"."))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_refused(data):
    with contextlib.suppress(DataError):
        plain("x", io.BytesIO(b"\x80\x04" + data + b"."))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10**6), st.integers(0, 255), st.integers(2, 5))
def test_spoiled_batches_are_refused_or_read(tmp_path, place, byte, protocol):
    data = bytearray(pickle.dumps({"data": pictures(6, 4, 3), "labels": [0, 1, 2] * 2}, protocol))
    data[place % len(data)] = byte
    refuses_or_reads(write(tmp_path, {"train.pkl": bytes(data)}), tmp_path)
