import json
import os
import signal
import subprocess
import sys

import pytest

from cifar_core.disk import files, lock
from cifar_core.runs.record.records import About


def test_a_half_written_line_is_not_read_until_it_is_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"st')
    rows, offset = files.read_lines(path)
    assert rows == [{"step": 1}]
    with path.open("ab") as file:
        file.write(b'ep": 2}\n')
    assert files.read_lines(path, offset) == ([{"step": 2}], path.stat().st_size)


def test_every_truncation_of_a_log_reads_as_its_whole_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    whole = b"".join(json.dumps({"step": n}).encode() + b"\n" for n in range(5))
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        rows, _ = files.read_lines(path)
        assert rows == [{"step": n} for n in range(whole[:length].count(b"\n"))]


def test_a_line_zeroed_by_a_power_cut_is_passed_over(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + bytes(20) + b'\n{"step": 3}\n')
    assert files.read_lines(path)[0] == [{"step": 1}, {"step": 3}]


def test_numbers_that_are_not_finite_are_never_written(tmp_path):
    path = tmp_path / "rows.jsonl"
    files.append_line(path, {"loss": float("nan"), "norm": float("inf"), "step": 1})
    assert path.read_text() == '{"step":1,"check":"17ccbd80"}\n'


def test_a_flipped_bit_anywhere_in_a_json_file_is_noticed(tmp_path):
    path = tmp_path / "summary.json"
    files.write_json(path, {"best": 0.5, "history": [0.25, 0.5], "note": "fine", "more": {}})
    whole = path.read_bytes()
    assert files.read_json(path) == {
        "best": 0.5, "history": [0.25, 0.5], "note": "fine", "more": {},
    }  # fmt: skip
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        assert files.read_json(path) == {}, (place, bytes(data))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert files.read_json(path) == {}, length


def test_a_flipped_bit_anywhere_in_a_row_never_gives_another_number(tmp_path):
    path = tmp_path / "metrics.jsonl"
    row = {"kind": "step", "step": 12, "loss": 0.75}
    files.append_line(path, row)
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        for seen in files.read_lines(path)[0]:
            assert {key: seen.get(key) for key in row} == row, (place, seen)


def test_files_of_earlier_versions_have_no_checksum_and_are_read(tmp_path):
    (tmp_path / "a.json").write_text('{\n "state": "running"\n}\n')
    (tmp_path / "a.jsonl").write_text('{"step":1}\n')
    assert files.read_json(tmp_path / "a.json") == {"state": "running"}
    assert files.read_lines(tmp_path / "a.jsonl")[0] == [{"step": 1}]


def test_an_empty_object_is_kept(tmp_path):
    files.write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").read_text() == '{\n "check": "15d54739"\n}\n'
    assert files.read_json(tmp_path / "a.json") == {}


def test_a_file_that_cannot_be_replaced_keeps_its_old_text_and_leaves_no_draft(tmp_path):
    path = tmp_path / "status.json"
    files.write_json(path, {"state": "running"})
    with pytest.raises(TypeError):
        files.write_json(path, {"state": object()})
    assert files.read_json(path) == {"state": "running"}
    assert os.listdir(tmp_path) == ["status.json"]  # noqa: PTH208


@pytest.mark.parametrize("text", ["", "{", "[1]", "\0\0"])
def test_a_damaged_json_file_reads_as_empty(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert files.read_json(tmp_path / "a.json") == {}


def test_the_tail_of_a_log_is_its_last_lines(tmp_path):
    (tmp_path / "log.txt").write_text("".join(f"line {n}\n" for n in range(100_000)))
    assert files.last_lines(tmp_path / "log.txt", 2) == "line 99998\nline 99999"


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(tmp_path):
    path = tmp_path / "lock"
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_SH);"
    code += "print('held', flush=True); time.sleep(1000)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert lock.is_locked(path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert not lock.is_locked(path)


def test_a_lock_can_be_taken_once_at_a_time(tmp_path):
    mine = lock.take(tmp_path / "lock")
    assert lock.take(tmp_path / "lock", wait=False) is None
    os.close(mine)
    again = lock.take(tmp_path / "lock", wait=False)
    assert again is not None
    os.close(again)


@pytest.mark.parametrize("change", [{"start": "1"}, {"boot": "another"}, {"pid": 1}, {"pid": None}])
def test_a_process_is_signalled_only_if_every_mark_of_it_fits(change):
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    known = lock.identity(victim.pid)
    assert not lock.send({**known, **change}, signal.SIGKILL)
    assert victim.poll() is None
    assert lock.send(known, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL


def test_the_stamp_of_a_file_changes_when_it_is_replaced_within_a_second(tmp_path):
    path = tmp_path / "answers"
    assert files.stamp(path) == 0
    path.touch()
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    first = files.stamp(path)
    os.utime(path, ns=(10**18 + 2, 10**18 + 2))
    assert files.stamp(path) == first + 1 == 10**18 + 2


def test_an_edit_keeps_what_it_does_not_change_even_beside_an_entry_of_another_type(tmp_path):
    path = tmp_path / "about.json"
    files.write_json(path, {"name": "Mine", "owner": "ana", "imported": "x", "newer": 1})
    assert files.read(path, About) == About()  # one odd entry, and readers use none of it
    files.edit(path, About, lambda _: {"note": "n"})
    kept = {"name": "Mine", "owner": "ana", "imported": "x", "newer": 1, "note": "n"}
    assert files.read_json(path) == kept
