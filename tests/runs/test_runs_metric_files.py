"""Metrics for other programs. The event files are read by a reader of the format's own rules."""

import csv
import io
import json
import struct
import zipfile

import pytest
from pages import epoch, make_run, row
from run_helpers import store_without_executor

from cifar_core.disk import files
from cifar_core.runs.exchange.metric_files import events_zip, metrics_csv, write_events


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def crc32c(data):
    """Return the Castagnoli checksum of RFC 3720, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    """Return the checksum as TFRecord stores it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """Yield the records of a TFRecord file: length, its checksum, bytes, their checksum."""
    while data:
        (length, crc) = struct.unpack("<QI", data[:12])
        assert crc == masked(data[:8])
        body, (crc,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert crc == masked(body)
        yield body
        data = data[16 + length :]


def varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return value, at


def message(data):
    """Return the fields of a protobuf message by number, as its wire format lays them out."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            length, at = varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at : at + length], at + length
        found.setdefault(tag >> 3, []).append(value)
    return found


def scalars(data):
    """Return (tag, step, time, value) of all scalars; field numbers as in event.proto."""
    for body in records(data):
        event = message(body)
        for summary in event.get(5, []):
            for value in message(summary)[1]:
                fields = message(value)
                (time,), (number,) = (
                    struct.unpack("<d", event[1][0]),
                    struct.unpack("<f", fields[2][0]),
                )
                yield fields[1][0].decode(), event.get(2, [0])[0], time, number


def test_the_checksum_of_this_test_is_the_standard_one():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def test_event_files_hold_every_measured_value(store, tmp_path):
    run = make_run(store, accuracies=(0.4, 0.5))
    write_events(run, tmp_path / "events")
    (path,) = (tmp_path / "events").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    found = list(scalars(path.read_bytes()))
    values = {(tag, step): value for tag, step, _, value in found}
    assert len(found) == len(values)
    losses = [(r["step"], r["loss"]) for r in run.metrics() if r["kind"] == "step"]
    assert [(s, v) for (t, s), v in values.items() if t == "loss/train"] == losses
    assert values["accuracy/validation", 50] == pytest.approx(0.4)
    assert values["accuracy/validation", 100] == pytest.approx(0.5)
    assert values["learning_rate", 25] == pytest.approx(0.1)


def test_events_carry_the_time_of_the_training_not_of_the_export(store, tmp_path):
    run = make_run(store, accuracies=())
    path = run.path / "attempts" / "1" / "metrics.jsonl"
    files.append_line(path, row(25, t=1.7e9))
    write_events(run, tmp_path / "events")
    (path,) = (tmp_path / "events").iterdir()
    assert {time for _, _, time, _ in scalars(path.read_bytes())} == {1.7e9}


def test_several_runs_become_one_zip_with_a_folder_each(store):
    runs = [make_run(store, name) for name in ("Alpha", "Beta")]
    with zipfile.ZipFile(io.BytesIO(events_zip(runs))) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"1-alpha", "2-beta"}


def test_metrics_as_csv_have_a_line_for_each_row(store):
    runs = [make_run(store, name, accuracies=(0.4,)) for name in ("Alpha", "Beta")]
    lines = list(csv.DictReader(io.StringIO(metrics_csv(runs))))
    assert [line["run"] for line in lines] == ["1"] * 3 + ["2"] * 3
    assert lines[2]["val_accuracy"] == json.dumps(epoch(1, 0.4)["val_accuracy"])
    assert metrics_csv([]) == "\n"
