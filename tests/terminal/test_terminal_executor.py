"""The executor, seen, ended and restarted from a terminal."""

import time
from pathlib import Path

import pytest

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.terminal import executor

OTHER = {"boot": "another", "pid": 4242, "start": "1", "machine": "bigbox"}


@pytest.fixture
def store(tmp_path):
    """A store whose executor is at work or not."""
    made = Store(tmp_path / "store")
    made.root.mkdir()
    yield made
    made.shutdown_executor()


@pytest.fixture
def elsewhere(store):
    """A store whose executor lives on another machine."""
    files.write_json(processes.identity_file(store.root), OTHER)


def pid_of(store):
    return files.read_json(processes.identity_file(store.root)).get("pid")


def test_it_is_restarted_and_ended(say, store, monkeypatch):
    assert say("executor")[:2] == (0, "No executor runs. It starts when a run is to be started.\n")
    assert say("executor", "end")[:2] == (0, "No executor runs.\n")
    assert say("executor", "restart")[0] == 0
    first = until_known(store)
    assert f"on this machine, as process {first}." in say("executor", "status")[1]
    monkeypatch.setenv("CIFAR_PAGE_SECONDS", "7")
    assert say("executor", "restart")[0] == 0
    second = until_known(store, other_than=first)
    assert b"CIFAR_PAGE_SECONDS=7" in Path(f"/proc/{second}/environ").read_bytes().split(b"\0")
    code, out, _ = say("executor", "end")
    assert (code, out[:23]) == (0, "The executor has ended.")
    assert not lock.is_locked(processes.executor_lock(store.root))


def until_known(store, other_than=None):
    """Return the process id of the executor once it has written it."""
    deadline = time.monotonic() + 60
    while pid_of(store) in (None, other_than):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return pid_of(store)


@pytest.mark.parametrize("action", ["end", "restart"])
def test_that_of_another_machine_is_left_alone(say, store, elsewhere, action):
    assert say("executor")[1] == "The executor of this store runs on bigbox.\n"
    code, _, err = say("executor", action)
    assert code == 2
    assert "runs on bigbox, and only bigbox can end it" in err
    assert pid_of(store) == 4242


def test_one_that_has_only_just_started_has_no_number_yet(say, store):
    with lock.held(processes.executor_lock(store.root)):
        assert say("executor")[1] == "The executor of this store runs on this machine.\n"


@pytest.mark.parametrize("action", ["end", "restart"])
def test_one_that_does_not_end_is_said(say, store, monkeypatch, action):
    monkeypatch.setattr(processes, "shut_down", lambda root: None)
    with lock.held(processes.executor_lock(store.root)):
        code, _, err = say("executor", action)
    monkeypatch.undo()
    assert code == 2
    assert "has not ended within 10 s" in err


def test_one_that_does_not_start_is_said(say, store, monkeypatch):
    monkeypatch.setattr(processes, "ensure_running", lambda root: None)
    monkeypatch.setattr(executor, "START_SECONDS", 0.1)
    code, _, err = say("executor", "restart")
    assert code == 2
    assert "executor.log may say why" in err.replace("\n", " ")
