import hashlib
import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from cifar_core.data.sources import cifar10
from cifar_core.data.sources.cifar10 import (
    BINARY_ARCHIVE,
    CLASSES,
    PYTHON_ARCHIVE,
    PYTHON_FOLDER,
    Official,
)
from cifar_core.errors import DataError

BATCHES = ("data_batch_1", "data_batch_2", "test_batch")
COUNT = 12  # images in each


def batch(number):
    """Planes [N, 3072] and labels of one batch."""
    random = np.random.default_rng(number)
    return random.integers(0, 256, (COUNT, 3072), dtype=np.uint8), (np.arange(COUNT) + number) % 10


def pickled(planes, labels, by_column=False):
    """A batch as Python 2 pickled it for the official archive, instruction by instruction."""

    def short(text):
        return b"U" + bytes([len(text)]) + text

    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85q\t"
        + short(b"b") + b"\x87Rq\n(K\x01" + b"M" + len(labels).to_bytes(2, "little")
        + b"M\x00\x0c\x86cnumpy\ndtype\nq\x0b" + short(b"u1") + b"K\x00K\x01\x87Rq\x0c(K\x03"
        + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + (b"\x88T" if by_column else b"\x89T")
        + planes.size.to_bytes(4, "little") + planes.tobytes("F" if by_column else "C") + b"tb"
    )  # fmt: skip
    return (
        b"\x80\x02}q\x01(" + short(b"batch_label") + b"q\x02" + short(b"training batch 1 of 5")
        + b"q\x03" + short(b"labels") + b"q\x04]q\x05(" + numbers + b"e"
        + short(b"data") + b"q\x06" + array
        + short(b"filenames") + b"q\r]q\x0e(" + short(b"camion_s_000148.png") + b"q\x0fe" + b"u."
    )  # fmt: skip


def binary(planes, labels):
    return np.concatenate([labels[:, None].astype(np.uint8), planes], axis=1).tobytes()


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


PICKLED = {name: pickled(*batch(number)) for number, name in enumerate(BATCHES)}


def archive(path, folder, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def make(tmp_path, form):
    """The little official set in one of its three forms, with its checksums."""
    path = tmp_path / form
    if form == PYTHON_FOLDER:
        path.mkdir(parents=True)
        for name, data in PICKLED.items():
            (path / name).write_bytes(data)
    elif form == PYTHON_ARCHIVE:
        archive(path, PYTHON_FOLDER, {**PICKLED, "batches.meta": b"(dp1\n."})
    else:
        files = {f"{name}.bin": binary(*batch(i)) for i, name in enumerate(BATCHES)}
        archive(path, "cifar-10-batches-bin", {**files, "batches.meta.txt": b"airplane\n"})
    sums = {path.name: md5(path.read_bytes())} if path.is_file() else {}
    return path, Official(
        archives=sums, batches={name: md5(data) for name, data in PICKLED.items()}
    )


def load(path, official):
    return cifar10.load(path, path.parent / "store", source="cifar10", official=official)


FORMS = [PYTHON_FOLDER, PYTHON_ARCHIVE, BINARY_ARCHIVE]


@pytest.mark.parametrize("form", FORMS)
def test_every_official_form_gives_the_same_images(tmp_path, form):
    dataset = load(*make(tmp_path, form))
    assert (len(dataset.train), len(dataset.test)) == (2 * COUNT, COUNT)
    assert (dataset.kind, dataset.source, dataset.classes) == ("cifar10", "cifar10", CLASSES)
    for part, start, number in (
        (dataset.train, 0, 0),
        (dataset.train, COUNT, 1),
        (dataset.test, 0, 2),
    ):
        planes, labels = batch(number)
        assert part.labels[start : start + COUNT].tolist() == labels.tolist()
        for place, plane in enumerate(planes):
            red, green, blue = plane.reshape(3, 32, 32)
            image = part.pixels[start + place]
            assert np.array_equal(image, np.stack([red, green, blue], axis=-1))


@pytest.mark.parametrize("by_column", [False, True])
def test_a_batch_is_read_as_pickle_would_read_it(tmp_path, by_column):
    planes, labels = batch(2)
    data = pickled(planes, labels, by_column)
    unpickled = pickle.loads(data, encoding="bytes")
    assert np.array_equal(unpickled[b"data"], planes)
    assert unpickled[b"labels"] == labels.tolist()
    ours = cifar10.read_pickled(tmp_path, data)
    assert np.array_equal(ours.pixels.transpose(0, 3, 1, 2).reshape(COUNT, -1), planes)
    assert ours.labels.tolist() == labels.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_one_changed_byte_is_noticed_and_the_file_is_named(tmp_path, form):
    path, official = make(tmp_path, form)
    file = path / "data_batch_2" if path.is_dir() else path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(DataError, match="is not the official file, or is damaged") as caught:
        load(path, official)
    assert str(file) in str(caught.value)
    assert "data fetch" in str(caught.value)


def test_a_missing_batch_is_named(tmp_path):
    path, official = make(tmp_path, PYTHON_FOLDER)
    (path / "test_batch").unlink()
    with pytest.raises(DataError, match="lacks the file test_batch"):
        load(path, official)
    whole = archive(tmp_path / PYTHON_ARCHIVE, "x", {"data_batch_1": PICKLED["data_batch_1"]})
    sums = Official(archives={whole.name: md5(whole.read_bytes())}, batches=official.batches)
    with pytest.raises(DataError, match="lacks data_batch_2, test_batch"):
        load(whole, sums)


class Trap:
    """What an attacker would pickle."""

    def __reduce__(self):
        return exec, ("raise SystemExit('the pickle ran')",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_run_even_with_a_matching_checksum(tmp_path, protocol):
    path, official = make(tmp_path, PYTHON_FOLDER)
    evil = pickle.dumps({"labels": [1], "data": Trap()}, protocol=protocol)
    (path / "data_batch_1").write_bytes(evil)
    sums = Official(archives={}, batches={**official.batches, "data_batch_1": md5(evil)})
    with pytest.raises(DataError, match="should have 3,072 values for each label"):
        load(path, sums)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a complete pickle"),
        (b"\x80\x02}q", "not a complete pickle"),
        (b"hello", "not a complete pickle"),
        (b"N.", "0 labels"),
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, data, sentence):
    with pytest.raises(DataError, match=sentence):
        cifar10.read_pickled(tmp_path, data)


@pytest.mark.parametrize("data", [b"", bytes(3072), bytes(3074)])
def test_a_binary_batch_of_the_wrong_length_is_refused(tmp_path, data):
    with pytest.raises(DataError, match=r"not a multiple of 3,073"):
        cifar10.read_records(tmp_path, data)


def test_a_label_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(DataError, match="label 10, but only 0 to 9"):
        cifar10.read_records(tmp_path, b"\x0a" + bytes(3072))


@pytest.mark.parametrize("form", FORMS)
def test_the_second_time_the_files_are_not_read(tmp_path, form):
    path, official = make(tmp_path, form)
    first = load(path, official)
    nothing = Official(archives={}, batches=official.batches)  # reading would fail
    assert load(path, nothing).fingerprint == first.fingerprint


def test_files_are_found_in_the_store_in_data_and_where_torch_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "store"
    assert cifar10.find(store) is None
    for place in ("home/.cache", "torch/datasets", "data", "store/data"):  # the later goes first
        path, _ = make(tmp_path / place, PYTHON_FOLDER)
        assert cifar10.find(store) == path
    archive_path, _ = make(tmp_path / "store/data", BINARY_ARCHIVE)
    shutil.rmtree(tmp_path / "store/data" / PYTHON_FOLDER)
    assert cifar10.find(store) == archive_path
