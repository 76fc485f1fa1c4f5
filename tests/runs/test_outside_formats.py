"""Curves of other tools are read as those tools write them, whatever else their files hold."""

import json
import random
import shutil

import numpy as np
import pyarrow as pa
import pytest
from outside_files import (
    EXAMPLES,
    LOSSES,
    SHARES,
    STEPS,
    looked,
    record,
    text,
    trackio_parquet,
    wandb_history,
)
from pyarrow import parquet
from tensorboardX import SummaryWriter
from tensorboardX.proto import event_pb2, tensor_pb2

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves import gather
from cifar_core.runs.exchange.curves.event_files import checksums
from cifar_core.runs.exchange.curves.formats import FORMATS
from cifar_core.runs.exchange.curves.look import look, look_at
from cifar_core.terminal.archive import FORMAT_KEYS


def curves(found, run=0):
    """Return the curves of a run: the pairs of step and value, by name."""
    return {
        curve.name: [tuple(point) for point in found.points(curve)[:, :2].tolist()]
        for curve in found.runs[run].curves
    }


def values(found, run=0):
    return {name: [value for _, value in points] for name, points in curves(found, run).items()}


def test_every_format_has_an_example_and_a_word_in_the_terminal():
    assert set(EXAMPLES) == set(FORMATS) == set(FORMAT_KEYS)


@pytest.mark.parametrize("key", EXAMPLES)
def test_both_runs_of_a_file_are_found_with_their_values(key, tmp_path):
    found = looked(EXAMPLES[key](tmp_path))
    assert found.list.format == key
    assert [run.name for run in found.runs] == ["alpha", "beta"]
    for run, name in enumerate(LOSSES):
        by_curve = curves(found, run)
        assert {tuple(step for step, _ in points) for points in by_curve.values()} == {STEPS}
        (share,) = [name for name in by_curve if "acc" in name]
        factor = 100 if key == "csv" else 1
        expected = [factor * value for value in SHARES[name]]
        assert values(found, run)[share] == pytest.approx(expected)
        if key != "wandb":  # a chart has one metric
            (loss,) = [name for name in by_curve if "loss" in name]
            assert values(found, run)[loss] == list(LOSSES[name])


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_zip_of_files_is_read_like_the_files(key, tmp_path):
    (tmp_path / "x").mkdir()
    given = EXAMPLES[key](tmp_path / "x")
    shutil.make_archive(str(tmp_path / "all"), "zip", given.parent)
    found = looked(tmp_path / "all.zip")
    assert found.list.format == key
    assert {run.name for run in found.runs} == {"alpha", "beta"}


def test_a_file_is_read_in_a_process_of_its_own(tmp_path):
    found = look(EXAMPLES["tensorboard"](tmp_path))
    assert values(found)["loss/train"] == list(LOSSES["alpha"])
    assert found.sha256 == ""  # of a folder
    found = look(EXAMPLES["csv"](tmp_path), "of mine.csv")
    assert (found.file, len(found.sha256)) == ("of mine.csv", 64)
    with pytest.raises(ArchiveError, match="no curve"):
        look(text(tmp_path / "b.csv", "step,name\n1,x\n"))


def test_the_history_of_wandb_is_read_from_lines_and_lists_and_parquet(tmp_path):
    lines = wandb_history(tmp_path)
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    text(tmp_path / "list.json", json.dumps(rows))
    flat = [{**row, "val/acc": row.pop("val")["acc"]} for row in rows]
    parquet.write_table(pa.Table.from_pylist(flat), tmp_path / "0000.parquet")
    for name in ("history.jsonl", "list.json", "0000.parquet"):
        found = looked(tmp_path / name)
        assert found.list.format == "wandb"
        assert values(found)["val/acc"] == list(SHARES["alpha"])
        assert values(found)["trainer/global_step"] == list(STEPS)
        assert "note" not in curves(found)


def test_trackio_is_read_from_parquet_too_and_its_settings_are_kept(tmp_path):
    found = looked(trackio_parquet(tmp_path))
    assert found.list.format == "trackio"
    assert values(found)["train/loss"] == list(LOSSES["alpha"])
    found = looked(EXAMPLES["trackio"](tmp_path))
    assert found.runs[0].settings == {"model": "resnet18", "optimizer/lr": 0.1}
    assert found.runs[0].notes == ["Left out: 3 values that are not finite numbers."]


def test_the_columns_of_a_spreadsheet_are_read(tmp_path):
    words = "\ufeffsep=;\nEpoch;Train Loss;Val Acc\n1;2,5;40,5 %\n2;1,5;50 %\n"
    found = looked(text(tmp_path / "excel.csv", words))
    assert curves(found) == {"Train Loss": [(1, 2.5), (2, 1.5)], "Val Acc": [(1, 40.5), (2, 50)]}
    assert found.runs[0].axis == "epoch"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_other_encodings_than_utf_8_are_read(encoding, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("step,Qualität\n1,0.5\n2,0.6\n".encode(encoding))
    assert curves(looked(path)) == {"Qualität": [(1, 0.5), (2, 0.6)]}


def test_a_long_table_has_a_row_for_each_value(tmp_path):
    words = "run,metric,step,value\na,loss,1,2\na,loss,2,1\nb,loss,1,3\nb,acc,1,0.5\n"
    found = looked(text(tmp_path / "long.csv", words))
    assert curves(found, 0) == {"loss": [(1, 2), (2, 1)]}
    assert curves(found, 1) == {"loss": [(1, 3)], "acc": [(1, 0.5)]}


def test_what_the_page_of_tensorboard_downloads_is_named_by_its_file(tmp_path):
    name = "run-resnet_1-tag-val_acc.csv"
    found = looked(text(tmp_path / name, "Wall time,Step,Value\n1.7e9,1,0.5\n1.7e9,2,0.6\n"))
    assert found.runs[0].name == "resnet_1"
    assert curves(found) == {"val_acc": [(1, 0.5), (2, 0.6)]}


def test_of_repeated_steps_the_last_counts_and_others_are_sorted(tmp_path):
    found = looked(text(tmp_path / "a.csv", "step,loss\n3,1\n1,5\n2,4\n3,2\n1,6\n"))
    assert curves(found)["loss"] == [(1, 6), (2, 4), (3, 2)]


def test_what_is_no_finite_number_is_left_out_and_counted(tmp_path):
    words = "step,loss\n1,nan\n2,inf\n3,1\n-1,1\n1e30,1\nx,1\n"
    found = looked(text(tmp_path / "a.csv", words))
    assert curves(found)["loss"] == [(3, 1)]
    notes = " ".join([*found.runs[0].notes, *found.list.notes])
    assert "2 values that are not finite" in notes
    assert "2 points whose step" in notes
    assert "1 rows without a step" in notes


def test_keras_and_hyperparameters_belong_to_the_run_that_they_are_in(tmp_path):
    for part in ("train", "validation"):
        writer = SummaryWriter(str(tmp_path / "fit" / part))
        writer.add_scalar("epoch_loss", 1.5, 1)
        writer.close()
    found = looked(tmp_path / "fit")
    assert [run.name for run in found.runs] == ["fit"]
    assert set(curves(found)) == {"train/epoch_loss", "validation/epoch_loss"}
    writer = SummaryWriter(str(tmp_path / "all" / "one"))
    writer.add_scalar("loss", 1.5, 1)
    writer.add_hparams({"lr": 0.5, "net": "vgg"}, {"final": 0.9})
    writer.close()
    found = looked(tmp_path / "all")
    assert [run.name for run in found.runs] == ["one"]
    assert found.runs[0].settings == {"lr": 0.5, "net": "vgg"}


def test_a_scalar_may_be_a_tensor_and_pictures_are_skipped(tmp_path):
    event = event_pb2.Event(step=7, wall_time=1.7e9)
    for tensor in (
        tensor_pb2.TensorProto(dtype=1, float_val=[0.5]),
        tensor_pb2.TensorProto(dtype=2, tensor_content=np.float64(0.25).tobytes()),
        tensor_pb2.TensorProto(dtype=1, float_val=[0.5, 0.6]),
    ):
        event.summary.value.add(tag=f"t{len(event.summary.value)}").tensor.CopyFrom(tensor)
    event.summary.value.add(tag="picture").image.encoded_image_string = b"x" * 99
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(record(event.SerializeToString()))
    found = looked(path)
    assert curves(found) == {"t0": [(7, 0.5)], "t1": [(7, 0.25)]}
    assert found.list.notes == ["Left out: 2 pictures, histograms, texts and sounds."]


def events(steps):
    return [
        event_pb2.Event(
            step=step, summary={"value": [{"tag": "loss", "simple_value": step}]}
        ).SerializeToString()
        for step in steps
    ]


def test_a_record_that_is_cut_or_damaged_loses_only_itself(tmp_path):
    records = [record(data) for data in events(range(1, 6))]
    flipped = bytearray(records[2])
    flipped[-6] ^= 1
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"".join([*records[:2], bytes(flipped), records[3], records[4][:-3]]))
    found = looked(path)
    assert [step for step, _ in curves(found)["loss"]] == [1, 2, 4]
    assert any("1 damaged records" in note for note in found.list.notes)
    assert any("1 records at the end" in note for note in found.list.notes)


def test_checksums_of_any_length_are_those_of_the_reference():
    draw = random.Random(0)
    lengths = [0, 1, 3, 4, 5, 63, 64, 65, 128, 1000, 4096, 5001]
    parts = [draw.randbytes(length) for length in lengths]
    expected = [reference(part) for part in parts]
    assert checksums(parts) == expected


def reference(data):
    """CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_a_long_curve_keeps_its_ends_and_its_peaks(tmp_path):
    count, peak = 300_000, 123_456
    run = gather.Gathered("x").run()
    for step in range(count):
        run.add("loss", step, 99.0 if step == peak else step % 7)
    points = run.curves["loss"].points()
    assert len(points) <= gather.MOST_POINTS
    assert points[0, 0] == 0
    assert points[-1, 0] == count - 1
    assert [peak, 99.0] in points[:, :2].tolist()


def test_a_curve_longer_than_memory_is_thinned_evenly(monkeypatch):
    monkeypatch.setattr(gather, "MOST_HELD", 20_000)
    run = gather.Gathered("x").run()
    for step in range(200_000):
        run.add("loss", step, -1.0 if step == 777 else step % 5)
    gathering = run.curves["loss"]
    assert len(gathering.kept) + len(gathering.fresh) // 3 <= 20_000
    points = gathering.points()
    assert [777, -1.0] in points[:, :2].tolist()
    halves = np.histogram(points[:, 0], bins=4)[0]
    assert halves.min() > halves.max() / 3
    assert gathering.count == 200_000


@pytest.mark.parametrize(
    "name", ["..", "", "a/../..", "a\0.csv", "x" * 300 + ".csv", "\u00fc" * 200]
)
def test_an_uploaded_file_may_have_any_name(name):
    found = look_at([(name, b"epoch,loss\n1,2\n2,1\n"), ("b.csv", b"epoch,loss\n1,2\n2,1\n")])
    assert len(found.runs) == 2


def test_the_runs_of_several_tables_are_called_like_their_files(tmp_path):
    table = b"epoch,loss\n1,2\n2,1\n"
    found = look_at([("adam.csv", table), ("sgd.csv", table)])
    assert [run.name for run in found.runs] == ["adam", "sgd"]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        text(tmp_path / folder / "fit.csv", table.decode())
    assert [run.name for run in looked(tmp_path).runs] == ["a/fit", "b/fit"]


def test_a_table_beside_event_files_is_said_to_be_left_out(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("val/acc", 0.5, 1)
    event_file = next(tmp_path.iterdir())
    found = look_at([(event_file.name, event_file.read_bytes()), ("more.csv", b"step,loss\n1,2\n")])
    assert [run.name for run in found.runs] == ["file 1"]
    assert found.list.notes == [
        "Left out: 1 table beside the event files (more.csv); import it without them."
    ]
