"""A disk that fills up: nothing that was saved is lost, and the run goes on when there is room."""

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys

import pytest
from run_helpers import attempt, kill_all, queued, store_without_executor, supervisor, until
from small_runs import SETTINGS, new_run, outcome, trained_here

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, space
from cifar_core.errors import CifarError
from cifar_core.runs import Store
from cifar_core.runs.engine.ending import conclude
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.record import action_log, checkpoints, control, metrics, status
from cifar_core.runs.record.failures import NO_ROOM_FOR_RESULT
from cifar_core.runs.record.records import AttemptResult, ShimEnd

MEGABYTES = 48


@pytest.fixture
def small_disk(tmp_path):
    """Yield a folder on a disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk, leave):
    """Fill the disk so that about so many bytes are left, while others write on it."""
    with (disk / "filler").open("wb") as file:
        while True:
            try:
                return os.posix_fallocate(file.fileno(), 0, space.free_bytes(disk) - leave)
            except OSError as error:
                if error.errno != errno.ENOSPC:  # else somebody wrote between the two
                    raise


def fill_up(disk):
    """Fill the disk to its last block."""
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def at_row(worker, row, act):
    """Do something when the worker has kept so many rows."""
    keep, kept = worker.keep, []

    def keep_and_act(event):
        keep(event)
        kept.append(event)
        if len(kept) == row:
            act()

    worker.keep = keep_and_act


@pytest.fixture
def impatient(monkeypatch):
    """Have a full disk waited for only a moment."""
    monkeypatch.setattr("cifar_core.runs.engine.worker.patience.ROOM_SECONDS", 0.1)
    monkeypatch.setattr("cifar_core.runs.engine.worker.patience.ROOM_LOOK_SECONDS", 0.05)


def test_a_disk_that_fills_up_at_any_point_loses_nothing(small_disk, impatient, sized):
    with store_without_executor(small_disk / "store") as store:
        whole = outcome(trained_here(store, epochs=3))
        points = sized(4, 20)
        for point in range(points):
            run = new_run(store, epochs=3)
            worker = attempt(run, 1)
            leave = [0, 3_000, 300_000, space.SPARE + 30_000][point % 4]
            row = 2 + point * 30 // points
            at_row(worker, row, lambda leave=leave: fill(small_disk, leave))
            result = run_attempt(worker)
            assert (result.outcome, result.reason) == ("paused", "disk"), (point, result)
            assert "disk is full" in result.message
            assert result.needs > 0
            saved = checkpoints.newest_valid(run.path)
            assert saved[1] == []
            assert (saved[0].step if saved[0] else 0) == (row - 1) // 11 * 10
            assert not list(run.path.glob("checkpoints/.draft-*"))
            (small_disk / "filler").unlink()
            assert run_attempt(attempt(run, 2)).outcome == "finished"
            assert outcome(run) == whole
            shutil.rmtree(run.path)


def test_a_run_waits_in_memory_and_goes_on_by_itself_when_there_is_room(small_disk, monkeypatch):
    monkeypatch.setattr("cifar_core.runs.engine.worker.patience.ROOM_LOOK_SECONDS", 0.05)
    with store_without_executor(small_disk / "store") as store:
        whole = outcome(trained_here(store, epochs=2))
        run = new_run(store, epochs=2)
        worker = attempt(run, 1)
        at_row(worker, 5, lambda: fill(small_disk, 0))
        told = []

        def tell(_, error):
            told.append(str(error))
            if len(told) == 3:
                (small_disk / "filler").unlink()

        monkeypatch.setattr("cifar_core.runs.engine.worker.patience.report_waiting", tell)
        assert worker.work().outcome == "finished"
        assert len(told) == 3
        assert "There is no room on the disk: the checkpoint needs" in told[0]
        assert metrics.attempt_numbers(run.path) == [1]
        assert outcome(run) == whole


def test_the_executor_pauses_a_run_on_a_full_disk_and_resumes_it_when_there_is_room(
    small_disk, monkeypatch
):
    monkeypatch.setenv("CIFAR_ROOM_SECONDS", "1")
    store = Store(small_disk / "store")
    store.root.mkdir()
    run = new_run(store, epochs=60)
    store.submit(run)
    try:
        until(lambda: run.checkpoints(), seconds=120)
        fill(small_disk, 200_000)
        until(lambda: run.status.state == "paused", seconds=120)
        status = run.status
        assert status.reason == "disk"
        assert "the checkpoint needs" in status.message
        assert "continues automatically" in status.message
        assert status.is_under_way
        until(lambda: store.index.leases() == {}, seconds=30)
        (small_disk / "filler").unlink()
        store.runs()
        until(lambda: run.status.attempt == 2 and run.status.state == "running", seconds=120)
        assert run.attempts()[1].from_step > 0
    finally:
        run.stop("kill")
        store.shutdown_executor()
        kill_all(store)
        store.shutdown_executor()
        until(lambda: not processes.is_running(store.root))


def test_a_full_disk_is_freed_by_deleting_and_a_live_run_can_be_stopped(small_disk):
    with store_without_executor(small_disk / "store") as store:
        live, old, older = (store.create(TrainConfig(**SETTINGS)) for _ in range(3))
        status.move(live.path, ("draft",), "running", attempt=1)
        store.submit(old)
        (older.path / "weights").write_bytes(os.urandom(3_000_000))
        fill_up(small_disk)
        with pytest.raises(CifarError, match="deleting runs and then emptying the trash"):
            live.rename("There is no room for this name")
        live.stop("now")
        assert control.read(live.path).request == "now"
        store.delete(old)
        store.delete(older)
        assert [row.id for row in store.runs()] == [live.id]
        assert store.empty_trash(older_than_days=0) == 2
        assert space.free_bytes(small_disk) > 3_000_000
        assert [action.did for action in action_log.latest(store.root)][:4] == [
            "emptied the trash", "deleted", "deleted", "stopped",
        ]  # fmt: skip
        live.rename("Now there is")


def limited(size, code, path):
    """Run some code in a process whose files may not become longer than so many bytes."""
    head = (
        "import resource, sys; from pathlib import Path; path = Path(sys.argv[1]);"
        f"hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]; limit = {size};\n"
        "def allow(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))\n"
        "allow(limit)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + code, str(path)],
        cwd=processes.PACKAGE_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_rows_that_do_not_fit_wait_and_none_is_lost_or_cut(tmp_path):
    path = tmp_path / "metrics.jsonl"
    limited(
        100,
        "from cifar_core.runs.engine.full_disk import RowWriter\n"
        "rows = RowWriter(path)\n"
        "for step in range(50): rows.add({'step': step})\n"
        "assert rows.waiting and path.stat().st_size == 100\n"
        "allow(hard); rows.add({'step': 50})\n"
        "rows.sync(); assert not rows.waiting and rows.bytes == path.stat().st_size\n",
        path,
    )
    assert [row["step"] for row in files.read_lines(path)[0]] == list(range(51))


def test_whatever_a_person_does_on_a_full_disk_ends_in_a_sentence(tmp_path):
    limited(
        0,
        "from cifar_core.errors import CifarError\n"
        "from cifar_core.disk import files\n"
        "for write in (files.write_json, files.append_line):\n"
        "    try: write(path, {'a': 1})\n"
        "    except CifarError as error: assert 'There is no room on the disk' in str(error)\n"
        "    else: raise SystemExit(5)\n",
        tmp_path / "file",
    )


def test_a_checkpoint_waits_for_its_rows(tmp_path):
    limited(
        100,
        "from cifar_core.errors import DiskFullError\n"
        "from cifar_core.runs.engine.full_disk import RowWriter\n"
        "rows = RowWriter(path)\n"
        "for step in range(50): rows.add({'step': step})\n"
        "try: rows.sync()\n"
        "except DiskFullError as error: assert 'the rows' in str(error)\n"
        "else: raise SystemExit(5)\n",
        tmp_path / "metrics.jsonl",
    )


def test_what_is_printed_on_a_full_disk_comes_later_and_lost_lines_are_counted(tmp_path):
    path = tmp_path / "log.txt"
    limited(
        30,
        "import os\n"
        "from cifar_core.runs.engine.full_disk import BufferedLog\n"
        "log = BufferedLog(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), most=200)\n"
        "for line in range(100): log.write(b'line %d\\n' % line)\n"
        "allow(hard); log.write(b'the end\\n')\n",
        path,
    )
    lines = path.read_text().splitlines()
    assert lines[0] == "line 0"
    assert lines[-2:] == ["line 99", "the end"]
    note = next(line for line in lines if "could not be written" in line)
    kept = sum(line.startswith("line") and line[5:].isdecimal() for line in lines)
    lost = int(note.strip("(").split()[0])
    assert 100 - lost <= kept <= 101 - lost  # one was cut in two


def test_a_full_disk_does_not_end_a_program_that_prints(tmp_path):
    limited(
        10,
        "import os, sys\n"
        "from cifar_core.runs.engine.full_disk import buffer_output\n"
        "log = os.open(path, os.O_WRONLY | os.O_CREAT)\n"
        "os.dup2(log, 1); buffer_output()\n"
        "for line in range(100): print('line', line, flush=True)\n",
        tmp_path / "log.txt",
    )
    assert (tmp_path / "log.txt").stat().st_size == 10


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def test_no_run_is_started_without_room_for_its_small_files(store, monkeypatch):
    run = queued(store)
    monkeypatch.setattr(space, "free_bytes", lambda _: 1_000_000)
    chief = supervisor(store, "finish")
    chief.step()
    assert run.status.state == "queued"
    assert run.status.message == "Waiting for disk space: 16.0 MB must be free."
    monkeypatch.undo()
    until(lambda: run.status.state == "finished", chief.step)


def test_a_limit_counts_as_a_full_disk(tmp_path):
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        assert not space.is_free(2_000_000, tmp_path)
        assert space.is_free(500_000, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert space.is_free(2_000_000, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_waits_for_room_can_be_taken_out(store):
    run = queued(store)
    status.move(run.path, ("queued",), "paused", reason="disk", needs=5)
    run.stop()
    assert run.status.state == "stopped"


def ending(request="", **result):
    return conclude(
        attempt=1, result=AttemptResult(**result), ended=ShimEnd(code=75 if not result else 0),
        control=control.Control(request=request), settings={}, saved=False, deaths=1,
    )  # fmt: skip


def test_a_trainer_that_could_not_even_write_its_result_waits_for_room():
    assert NO_ROOM_FOR_RESULT == 75
    assert (ending().state, ending().reason) == ("paused", "disk")


@pytest.mark.parametrize(
    ("request_", "state", "reason"),
    [("", "paused", "disk"), ("now", "stopped", ""), ("pause", "paused", "")],
)
def test_a_run_without_room_goes_on_by_itself_unless_somebody_ended_it(request_, state, reason):
    end = ending(request_, outcome="paused", reason="disk", message="Paused: x.", needs=7)
    assert (end.state, end.reason) == (state, reason)
    assert end.message.startswith("Paused: x.")
