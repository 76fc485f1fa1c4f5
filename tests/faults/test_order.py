"""The order in which things reach the disk, as the system calls show it: a power cut obeys it."""

import os
from pathlib import Path

import pytest
import torch
from run_helpers import attempt, store_without_executor
from small_runs import new_run

from cifar_core.disk import files
from cifar_core.runs.engine import shim
from cifar_core.runs.record import checkpoints


@pytest.fixture
def calls(monkeypatch):
    """Return a list that fills with what is flushed and moved, by the files' names."""
    seen = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def flush(descriptor):
        seen.append(("flush", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    def move(how):
        def moved(source, target, **more):
            seen.append(("move", Path(target).name))
            how(source, target, **more)

        return moved

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "rename", move(rename))
    monkeypatch.setattr(os, "replace", move(replace))
    return seen


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="the names of open files are not known here"
)


def named(calls):
    return [(what, name.split(".json.")[0].removeprefix(".")) for what, name in calls]


def test_a_small_file_is_flushed_then_moved_then_its_folder_is_flushed(tmp_path, calls):
    files.write_json(tmp_path / "status.json", {"state": "running"})
    assert named(calls) == [
        ("flush", "status"), ("move", "status.json"), ("flush", tmp_path.name),
    ]  # fmt: skip


def test_what_is_written_every_second_is_moved_but_not_flushed(tmp_path, calls):
    files.write_json(tmp_path / "summary.json", {"step": 1}, durable=False)
    assert named(calls) == [("move", "summary.json")]


def test_the_shims_record_is_flushed_before_it_is_moved(tmp_path, calls):
    shim.write(tmp_path / "shim.json", {"ended": None})
    assert named(calls) == [("flush", "shim"), ("move", "shim.json")]
    assert files.read_json(tmp_path / "shim.json") == {"ended": None}


COMMIT = [
    ("flush", "model.safetensors"),
    ("flush", "state.safetensors"),
    ("flush", "manifest"),
    ("move", "manifest.json"),
    ("flush", "draft-00000010-a1"),  # the manifest's name, before the checkpoint gets its own
    ("move", "00000010-a1"),
    ("flush", "checkpoints"),
]


def test_a_checkpoint_gets_its_name_when_all_of_it_is_on_the_disk(tmp_path, calls):
    checkpoints.commit(
        tmp_path / "checkpoints", "00000010-a1", model={"w": torch.ones(2)},
        state={"m": torch.ones(2)}, manifest={"step": 10},
    )  # fmt: skip
    assert named(calls) == COMMIT


def test_a_worker_flushes_its_rows_before_the_checkpoint_that_refers_to_them(tmp_path, calls):
    with store_without_executor(tmp_path / "store") as store:
        worker = attempt(new_run(store, epochs=1), 1)
        commit, begun = worker.commit, []
        worker.commit = lambda *what: (begun.append(len(calls)), commit(*what))
        assert worker.work().outcome == "finished"
    # the training goes on meanwhile and shows how far it is
    first = [call for call in named(calls[begun[0] :]) if call != ("move", "summary.json")]
    assert first[:8] == [("flush", "metrics.jsonl"), *COMMIT]


def test_a_flush_is_of_the_file_that_was_written(tmp_path, calls):
    (tmp_path / "x").write_text("text")
    files.sync_file(tmp_path / "x")
    files.sync_folder(tmp_path)
    assert calls == [("flush", "x"), ("flush", tmp_path.name)]


def test_a_checkpoint_that_is_deleted_loses_its_name_before_its_files(tmp_path, calls):
    path = checkpoints.commit(
        tmp_path / "checkpoints", "00000010-a1", model={"w": torch.ones(2)},
        state={"m": torch.ones(2)}, manifest={"step": 10},
    )  # fmt: skip
    calls.clear()
    checkpoints.remove(path)
    assert [name.startswith(".gone-00000010-a1") for _, name in calls] == [True]
    assert list(path.parent.iterdir()) == []
