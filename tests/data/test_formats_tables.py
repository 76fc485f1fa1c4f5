import gzip
import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pytest
from format_files import (
    by_name,
    counts,
    key_of,
    labels,
    opened,
    packed,
    pictures,
    refuses_or_reads,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from cifar_core.data.contents import Columns
from cifar_core.errors import DataError


def table(images, header=True, separator=",", label_last=False, names=None):
    """Pictures as a table of pixels."""
    first = ["label", *(names or [f"pixel{i}" for i in range(images[0].size)])]
    rows = [[row % 3, *image.reshape(-1)] for row, image in enumerate(images)]
    lines = ([first] if header else []) + rows
    if label_last:
        lines = [[*line[1:], line[0]] for line in lines]
    lines = [separator.join(map(str, line)) for line in lines]
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("channels", "options"),
    [
        (0, {}),
        (0, {"header": False}),
        (0, {"separator": ";"}),
        (0, {"names": [f"{row}x{column}" for row in range(6) for column in range(6)]}),
        (3, {"label_last": True, "names": [f"pixel{i:04}" for i in range(108)]}),
    ],
)
def test_a_row_of_a_table_is_a_picture(tmp_path, channels, options):
    images = pictures(9, channels=channels)
    path = write(tmp_path / "set", {
        "mnist_train.csv": table(images, **options), "mnist_test.csv": table(images[:6], **options),
    })  # fmt: skip
    assert key_of(path) == "pixel_table"
    contents = opened(path, tmp_path)
    assert contents.classes == ("0", "1", "2")
    assert counts(contents) == {"train": 9, "test": 6}
    found = by_name(contents)
    assert all(
        np.array_equal(found[f"mnist_train/{row}"], image) for row, image in enumerate(images)
    )


def test_kaggles_test_table_without_labels_is_ignored_and_a_part_is_split_off(tmp_path):
    images = pictures(30)
    bare = b"\n".join(line.partition(b",")[2] for line in table(images).splitlines())
    path = packed(tmp_path / "kaggle.zip", {"train.csv": table(images), "test.csv": bare})
    contents = opened(path, tmp_path)
    assert counts(contents) == {"train": 24, "test": 6}
    assert [each.names for each in contents.ignored] == [("test.csv",)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            table(pictures(9).astype(int) * 2),
            "not whole numbers from 0 to 255, between its rows 1 and",
        ),
        (table(pictures(9)).replace(b"pixel0,", b"pixel0,", 1) + b"1,2\n", "not whole numbers"),
        (table(pictures(9))[:-30] + b"x" * 30, "not whole numbers"),
    ],
)
def test_rows_that_are_not_pictures_are_refused(tmp_path, data, sentence):
    with pytest.raises(DataError, match=sentence):
        by_name(opened(write(tmp_path, {"train.csv": data}), tmp_path))


def test_a_table_of_file_names_is_not_one_of_pixels(tmp_path):
    write(tmp_path, {"train.csv": b"id,label\n1,cat\n2,dog\n"})
    assert key_of(tmp_path) == "pictures"


def jpeg(number):
    file = io.BytesIO()
    Image.fromarray(pictures(1, 8, 3, seed=number)[0]).save(file, "JPEG")
    return file.getvalue()


def columns(count, part="train", **more):
    return {"img": [{"bytes": jpeg(i), "path": f"{part}{i}.jpg"} for i in range(count)],
            "label": labels(count).tolist(), **more}  # fmt: skip


def save(path, values, names=None, label="label", **options):
    """A Parquet file as the hub stores it."""
    rows = pa.table(values)
    if names:
        features = {"img": {"_type": "Image"}, label: {"names": names, "_type": "ClassLabel"}}
        said = {"info": {"features": features}}
        rows = rows.replace_schema_metadata({"huggingface": json.dumps(said)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(rows, path, **options)


NAMES = ["cat", "dog", "owl"]


@pytest.mark.parametrize("place", ["data/{}-00000-of-00001", "{}/0000", "default/{}/0000", "{}"])
def test_the_hubs_files_are_read_with_the_names_of_their_classes(tmp_path, place):
    for part, count in (("train", 9), ("validation", 3), ("test", 6)):
        save(tmp_path / f"{place.format(part)}.parquet", columns(count), NAMES, row_group_size=4)
    write(tmp_path, {"README.md": b"x", ".gitattributes": b"x"})
    assert key_of(tmp_path) == "parquet"
    contents = opened(tmp_path, tmp_path)
    assert contents.classes == ("cat", "dog", "owl")
    assert counts(contents) == {"train": 9, "val": 3, "test": 6}
    found = by_name(contents)
    for item in contents.items:
        row = int(item.name.rsplit("/", 1)[1])
        assert (item.label, found[item.name]) == (NAMES[row % 3], jpeg(row))
    one = max(i for i, item in enumerate(contents.items) if item.part == "train")
    assert list(by_name(contents, {one}).values()) == [found[contents.items[one].name]]


def test_columns_are_shown_and_can_be_chosen(tmp_path):
    values = columns(
        12, coarse=[0, 1] * 6, split=(["train"] * 8 + ["val"] * 4), patient=list("abcd") * 3
    )
    save(tmp_path / "a.parquet", values, NAMES)
    contents = opened(tmp_path, tmp_path)
    assert contents.columns == Columns(
        table="a.parquet", names=("img", "label", "coarse", "split", "patient"),
        file="img", label="label", group="patient",
    )  # fmt: skip
    assert {item.group for item in contents.items} == set("abcd")
    chosen = opened(tmp_path, tmp_path, label_column="coarse", part_column="split")
    assert chosen.classes == ("0", "1")
    assert counts(chosen)["val"] == 4
    assert not chosen.ignored  # rows of another part have their label


def test_the_fine_labels_of_cifar_100_are_taken_and_bytes_alone_are_pictures(tmp_path):
    values = {
        "image": [jpeg(i) for i in range(9)],
        "coarse_label": [0] * 9,
        "fine_label": labels(9),
    }
    save(tmp_path / "train.parquet", values)
    contents = opened(tmp_path / "train.parquet", tmp_path)
    assert contents.columns.label == "fine_label"
    assert all(raw.startswith(b"\xff\xd8") for raw in by_name(contents).values())


def test_rows_without_a_label_or_a_picture_do_not_stop_the_others(tmp_path):
    values = columns(12)
    values["label"][0] = -1
    values["label"][1] = None
    values["img"][2] = None
    save(tmp_path / "train.parquet", values, NAMES)
    save(tmp_path / "test.parquet", columns(6) | {"label": [-1] * 6}, NAMES)  # kept secret
    contents = opened(tmp_path, tmp_path)
    assert len(contents.items) == 10
    assert next(each.why for each in contents.ignored) == "have no labels"
    unlabeled = {each.why: each.names for each in contents.ignored}["are images without a label"]
    assert unlabeled == ("train/00", "train/01")
    assert [raw for raw in by_name(contents).values() if not raw] == [b""]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": ["a", "b"], "label": [0, 1]}, "has the columns text, label, but needs one with"),
        ({"img": columns(2)["img"]}, "needs one with pictures"),
        (columns(2) | {"label": [[0, 1], [1]]}, "several labels"),
        (columns(2) | {"label": [0.5, 1.5]}, "not whole numbers"),
        (columns(9) | {"label": [7] * 9}, "1 different labels"),
    ],
)
def test_tables_without_pictures_and_classes_are_refused_in_a_sentence(tmp_path, values, sentence):
    save(tmp_path / "train.parquet", values)
    with pytest.raises(DataError, match=sentence):
        opened(tmp_path, tmp_path)


def test_missing_files_of_a_numbered_set_are_said(tmp_path):
    folder = tmp_path / "set"
    for number in (0, 2):
        save(folder / f"data/train-{number:05}-of-00003.parquet", columns(9), NAMES)
    said = " ".join(opened(folder, tmp_path).said)
    assert "Of the 3 files of data/train, 1 is missing, the first number 00001" in said
    save(folder / "data/train-00001-of-00003.parquet", columns(9), NAMES)
    assert "missing" not in " ".join(opened(folder, tmp_path).said)


def test_several_versions_of_a_set_are_named(tmp_path):
    for version in ("cropped", "full"):
        save(tmp_path / version / "train-00000-of-00001.parquet", columns(9), NAMES)
    with pytest.raises(DataError, match="several versions of a set: cropped, full"):
        opened(tmp_path, tmp_path)
    assert len(opened(tmp_path / "full", tmp_path).items) == 9


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"<html>"])
def test_a_damaged_parquet_file_is_refused_by_name(tmp_path, data):
    write(tmp_path, {"train.parquet": data})
    with pytest.raises(DataError, match=r"train\.parquet is damaged or cut short"):
        opened(tmp_path, tmp_path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10**6), st.integers(0, 255))
def test_spoiled_parquet_files_are_refused_or_read(tmp_path, place, byte):
    file = io.BytesIO()
    rows = pa.table(columns(9))
    parquet.write_table(rows, file)
    data = bytearray(file.getvalue())
    data[place % len(data)] = byte
    refuses_or_reads(write(tmp_path, {"train.parquet": bytes(data)}), tmp_path)


def records(images, coarse=False):
    return b"".join(
        (b"\x07" if coarse else b"") + bytes([row % 3]) + image.transpose(2, 0, 1).tobytes()
        for row, image in enumerate(images)
    )


@pytest.mark.parametrize("coarse", [False, True])
def test_the_binary_form_of_cifar_is_read_with_its_names(tmp_path, coarse):
    images = pictures(9, 32, 3)
    files = {"train.bin": records(images, True), "test.bin": records(images[:6], True),
             "fine_label_names.txt": b"cat\ndog\nowl\n"} if coarse else {
             "data_batch_1.bin": records(images), "test_batch.bin": records(images[:6]),
             "batches.meta.txt": b"cat\ndog\nowl\n\n"}  # fmt: skip
    path = packed(tmp_path / "set.tar.gz", {f"top/{name}": data for name, data in files.items()})
    contents = opened(path, tmp_path)
    assert (contents.format, contents.classes) == ("cifar_binary", ("cat", "dog", "owl"))
    assert counts(contents) == {"train": 9, "test": 6}
    name = "train" if coarse else "data_batch_1"
    found = by_name(contents)
    assert all(np.array_equal(found[f"{name}/{row}"], image) for row, image in enumerate(images))
    cut = {name: data[:-1] if name.endswith(".bin") else data for name, data in files.items()}
    with pytest.raises(DataError, match="but should have a multiple of"):
        opened(write(tmp_path / "cut", cut), tmp_path)


def test_the_pictures_of_stl_10_are_upright_and_its_labels_begin_at_one(tmp_path):
    images = pictures(6, 96, 3)
    data = images.transpose(0, 3, 2, 1).tobytes()
    files = {
        "train_X.bin": data, "train_y.bin": bytes([1, 2, 3] * 2), "unlabeled_X.bin": data,
        "test_X.bin": data, "test_y.bin": bytes([1, 2, 3] * 2), "class_names.txt": b"cat\ndog\nowl",
    }  # fmt: skip
    contents = opened(write(tmp_path / "stl10_binary", files), tmp_path)
    assert (contents.format, contents.classes) == ("stl10", ("cat", "dog", "owl"))
    assert counts(contents) == {"train": 6, "test": 6}
    assert np.array_equal(by_name(contents)["test/4"], images[4])
    assert {i.name: i.label for i in contents.items}["test/4"] == "dog"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("train.tfrecord-00000-of-00004", "TFRecord"), ("a.tfrecords", "TFRecord")),
        *(("set.h5", "HDF5"), ("model.pth", "PyTorch"), ("data-00000-of-00001.arrow", "Arrow")),
    ],
)
def test_other_forms_are_refused_with_what_to_do_instead(tmp_path, name, form):
    with pytest.raises(DataError, match=f"{form}.*Store the images as .npz"):
        opened(write(tmp_path, {f"a/{name}": b"x"}), tmp_path)


def shard(rows, kind="cls"):
    """A tar of pictures with their labels."""
    files = {}
    for row in rows:
        label = str(row % 3) if kind == "cls" else json.dumps({"label": NAMES[row % 3], "size": 8})
        files |= {f"{row:05}.jpg": jpeg(row), f"{row:05}.{kind}": label.encode()}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["cls", "json"])
def test_shards_of_webdataset_are_read_with_the_names_of_their_classes(tmp_path, kind):
    files = {"train/0.tar": shard(range(6), kind), "train/1.tar": shard(range(6, 9), kind),
             "test/0.tar": shard(range(6), kind), "classnames.txt": b"cat\ndog\nowl\n"}  # fmt: skip
    contents = opened(write(tmp_path / "set", files), tmp_path)
    assert (contents.format, contents.classes) == ("webdataset", ("cat", "dog", "owl"))
    assert counts(contents) == {"train": 9, "test": 6}
    found = by_name(contents)
    assert found["train/1/2"] == jpeg(8)
    assert {item.name: item.label for item in contents.items}["train/1/2"] == "owl"
    one = opened(write(tmp_path / "one", {"set.tar": shard(range(30), kind)}), tmp_path)
    assert (one.format, counts(one)) == ("webdataset", {"train": 24, "test": 6})


def test_pictures_beside_the_files_of_another_program_are_not_shards(tmp_path):
    files = {f"cat/{i}.{end}": jpeg(i) if end == "jpg" else b'{"shapes": []}'
             for i in range(4) for end in ("jpg", "json")}  # fmt: skip
    assert key_of(packed(tmp_path / "set.tar.gz", files)) == "pictures"
    plain = write(
        tmp_path / "a", {"set.tar": gzip.decompress((tmp_path / "set.tar.gz").read_bytes())}
    )
    assert key_of(plain / "set.tar") == "pictures"
