"""An attempt that its executor has given up, and that trains on, never writes over a later one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from run_helpers import SMALL, attempt, store_without_executor, until

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.engine.live_attempts import shim_command
from cifar_core.runs.engine.worker.fence import SUPERSEDED, Fence
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.records import Environment


class LeftError(BaseException):
    """Stands for the end of the process."""


def leave(code):
    raise LeftError(code)


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def plan(run, number):
    """Plan an attempt, as an executor does that has given up the one before."""
    folder = metrics.attempt_folder(run.path, number)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "attempt.json", {"device": "cpu"})


def fenced(run, number=1):
    """Return the worker of an attempt that raises LeftError instead of ending this process."""
    worker = attempt(run, number)
    worker.fence.end = leave
    return worker


def test_an_attempt_ends_itself_within_a_beat_once_a_later_one_is_planned(store):
    run = store.create(TrainConfig(**SMALL))
    fence = Fence(run.path, 1, leave)
    metrics.attempt_folder(run.path, 1).mkdir(parents=True)
    fence.check()
    metrics.attempt_folder(run.path, 2).mkdir()
    fence.check()  # it is not planned yet
    plan(run, 2)
    with pytest.raises(LeftError) as left:
        fence.check()
    assert left.value.args == (SUPERSEDED,)


def test_an_attempt_ends_itself_once_it_was_concluded_even_if_no_other_follows(store):
    run = store.create(TrainConfig(**SMALL))
    fence = Fence(run.path, 1, leave)
    plan(run, 1)
    fence.check()
    files.write_json(metrics.attempt_folder(run.path, 1) / "end.json", {"state": "failed"})
    with pytest.raises(LeftError):
        fence.check()


def test_the_files_that_all_attempts_share_say_which_one_wrote_them(store):
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1}))
    attempt(run, 1).work()
    assert files.read(run.path / "summary.json", Summary).attempt == 1
    assert files.read(run.path / "environment.json", Environment).attempt == 1
    assert checkpoints.mark_of(run.path) == (run.checkpoint("best").name, 1)


def test_a_late_write_of_an_older_attempt_changes_nothing(store):
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1}))
    older = fenced(run)
    older.work()
    plan(run, 2)
    for name, record in (("summary.json", Summary), ("environment.json", Environment)):
        files.edit(run.path / name, record, lambda _: {"attempt": 2})
    checkpoints.mark_best(run.path, "00000099-a2", 2)
    names = ("summary.json", "environment.json", "best")
    before = [(run.path / name).read_bytes() for name in names]
    with pytest.raises(LeftError):
        older.write_summary()
    with pytest.raises(LeftError):
        older.recorded.change(parameters=1)
    with pytest.raises(LeftError):
        older.recorded.write(Environment())
    checkpoints.mark_best(run.path, "00000008-a1", 1)
    checkpoints.mark_best(run.path, "", 1)
    assert [(run.path / name).read_bytes() for name in names] == before


def test_the_record_of_a_later_attempt_is_believed_where_its_plan_cannot_be_seen_yet(store):
    run = store.create(TrainConfig(**SMALL))
    fence = Fence(run.path, 1, leave)
    metrics.attempt_folder(run.path, 2).mkdir(parents=True)
    path = run.path / "summary.json"
    files.write_json(path, Summary(attempt=2))
    fence.check()
    with pytest.raises(LeftError):
        fence.write(path, Summary(attempt=1))


def test_files_that_came_with_a_copy_of_another_run_hold_up_no_attempt(store):
    run = store.create(TrainConfig(**SMALL))
    plan(run, 1)
    files.write_json(run.path / "environment.json", Environment(attempt=7))
    checkpoints.mark_best(run.path, "00000099-a7", 7)
    Fence(run.path, 1, leave).write(run.path / "environment.json", Environment(attempt=1))
    checkpoints.mark_best(run.path, "00000008-a1", 1)
    assert checkpoints.mark_of(run.path) == ("00000008-a1", 1)


def test_no_checkpoint_is_saved_or_deleted_by_an_older_attempt(store):
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1}))
    worker = fenced(run)
    worker.prepare()
    plan(run, 2)
    worker.unsaved = True
    with pytest.raises(LeftError):
        worker.save()
    assert checkpoints.folders(run.path / "checkpoints") == []


@pytest.mark.parametrize("text", ["00000008-a1 2 00000000\n", "00000008-a1 2\n", "00000008-a1", ""])
def test_a_marker_with_a_flipped_digit_is_noticed(store, text):
    run = store.create(TrainConfig(**SMALL))
    (run.path / "best").write_text(text)
    assert checkpoints.mark_of(run.path) == ("", 0)
    checkpoints.mark_best(run.path, "00000008-a1", 2)
    assert checkpoints.is_marked_best(run.path, "00000008-a1")


def test_a_real_trainer_on_a_node_that_was_cut_off_ends_itself_without_a_result(store):
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1000}))
    folder = metrics.attempt_folder(run.path, 1)
    folder.mkdir(parents=True)
    worker = "cifar_core.runs.engine.worker.training_worker"
    command = [sys.executable, "-m", worker, str(run.path), "1"]
    files.write_json(
        folder / "attempt.json",
        {"command": command, "device": "cpu", "threads": 1, "environment": {}, "wake": "",
         "executor": [], "executor_lock": ""},
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    shim = subprocess.Popen(shim_command(folder), env=environment, start_new_session=True)
    try:
        until(lambda: (run.path / "best").exists(), seconds=120)
        plan(run, 2)
        assert shim.wait(timeout=60) == 0
    finally:
        if shim.poll() is None:
            os.killpg(shim.pid, signal.SIGKILL)
            shim.wait()
    assert files.read_json(folder / "shim.json")["ended"]["code"] == SUPERSEDED
    assert not (folder / "result.json").exists()
