import struct
import zlib

import numpy as np
import pytest
from format_files import by_name, counts, opened, packed, pictures, refuses_or_reads, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.errors import DataError

KINDS = {np.dtype("u1"): (2, 9), np.dtype("f8"): (9, 6), np.dtype("f4"): (7, 7)}


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(name, array, *, flags=None, shape=None):
    """An array as MATLAB stores it, column by column."""
    number, kind = KINDS[array.dtype]
    small = struct.pack("<HH", 1, len(name)) + name.encode().ljust(4, b"\0")  # within the tag
    label = small if len(name) <= 4 else element(1, name.encode())
    return element(
        14,
        element(6, struct.pack("<II", kind if flags is None else flags, 0))
        + element(5, struct.pack(f"<{array.ndim}i", *(shape or array.shape)))
        + label
        + element(number, array.tobytes("F")),
    )


def compressed(data):
    packed = zlib.compress(data)
    return struct.pack("<II", 15, len(packed)) + packed


def matlab(*matrices):
    header = b"MATLAB 5.0 MAT-file, made by a test".ljust(124) + b"\0\1IM"
    return header + b"".join(matrices)


def svhn(count, pack=compressed, seed=0):
    images = pictures(count, side=8, channels=3, seed=seed)
    digits = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]  # 10 is a zero
    return matlab(pack(matrix("X", images.transpose(1, 2, 3, 0))), pack(matrix("y", digits)))


def same(data):
    return data


@pytest.mark.parametrize("pack", [compressed, same])
@pytest.mark.parametrize("place", ["folder", "zip"])
def test_svhns_pictures_are_upright_and_ten_is_a_zero(tmp_path, pack, place):
    files = {
        "train_32x32.mat": svhn(20, pack),
        "test_32x32.mat": svhn(10, pack, seed=1),
        "extra_32x32.mat": svhn(30, pack, seed=2),
    }
    path = tmp_path / "set.zip"
    path = packed(path, files) if place == "zip" else write(tmp_path / "set", files)
    contents = opened(path, tmp_path)
    assert contents.classes == tuple("0123456789")
    assert counts(contents) == {"train": 20, "test": 10}
    assert [ignored.names for ignored in contents.ignored] == [("extra_32x32.mat",)]
    found = by_name(contents)
    for item in contents.items:
        row = int(item.name.split("/")[1])
        assert item.label == str((row + 1) % 10)
        images = pictures(20, 8, 3) if item.part == "train" else pictures(10, 8, 3, seed=1)
        assert np.array_equal(found[item.name], images[row])


def test_other_arrays_of_matlab_are_images_by_their_names(tmp_path):
    images = pictures(12, side=5)
    write(tmp_path, {"a.mat": matlab(
        compressed(matrix("fea", np.ones((2, 2)))),
        compressed(matrix("images", images.transpose(1, 2, 0) / 255)),
        matrix("labels", (np.arange(12.0) % 3)[None]),
        matrix("notes", np.zeros((1, 4)), flags=4),  # a text
    )})  # fmt: skip
    contents = opened(tmp_path / "a.mat", tmp_path)
    assert contents.classes == ("0", "1", "2")
    found = by_name(contents)
    assert all(np.array_equal(raw, images[int(name[-2:])]) for name, raw in found.items())


def test_what_scipy_writes_is_read_as_scipy_reads_it(tmp_path):
    io = pytest.importorskip("scipy.io")
    images = pictures(12, side=5, channels=3)
    for pack in (True, False):
        io.savemat(
            tmp_path / "a.mat",
            {"X": images.transpose(1, 2, 3, 0), "y": np.arange(12) % 3, "text": "abc"},
            do_compression=pack,
        )
        contents = opened(tmp_path / "a.mat", tmp_path)
        found = by_name(contents)
        assert all(np.array_equal(found[i.name], images[int(i.name[-2:])]) for i in contents.items)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(600), "version 7.3"),
        (b"\x89HDF\r\n\x1a\n".ljust(600), "version 7.3"),
        (b"hello", "not a MATLAB file"),
        (svhn(20)[:-5], "ends too early"),
        (matlab(compressed(matrix("X", pictures(3)))), "holds X, but images need two arrays"),
        (matlab(matrix("X", pictures(3), shape=(9000, 9000, 3))), "the size of its shape"),
        (matlab(compressed(matrix("X", pictures(3), shape=(-1, 6, 6)))), "unknown type"),
    ],
)
def test_what_is_no_set_of_arrays_is_refused(tmp_path, data, sentence):
    write(tmp_path, {"a.mat": data})
    with pytest.raises(DataError, match=sentence):
        by_name(opened(tmp_path / "a.mat", tmp_path))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 5000), st.integers(0, 255), st.integers(0, 10**6), st.booleans())
def test_spoiled_files_are_refused_or_read(tmp_path, place, byte, cut, pack):
    data = bytearray(svhn(12, compressed if pack else same))
    data[place % len(data)] = byte
    write(tmp_path, {"a.mat": bytes(data[: max(1, cut % len(data))] if cut % 3 else data)})
    refuses_or_reads(tmp_path / "a.mat", tmp_path)
