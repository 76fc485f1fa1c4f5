"""A store has one executor, also where the locks of other machines are not seen."""

import os
import platform
import time

import pytest

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.engine.executor import ONE_TOO_MANY, Service

OTHER = {"boot": "another", "pid": 4242, "start": "1", "machine": "bigbox"}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def written(store, identity, age=0.0):
    path = processes.identity_file(store.root)
    files.write_json(path, identity)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_an_executor_of_another_machine_is_respected_and_named(store, capsys):
    path = written(store, OTHER)
    assert Service(store, idle_seconds=0.0).serve() == ONE_TOO_MANY
    assert files.read_json(path) == OTHER
    assert "The executor of this store runs on bigbox, and a store has only one." in (
        capsys.readouterr().out
    )
    assert not lock.is_locked(processes.executor_lock(store.root))


def test_pages_of_this_machine_wake_that_executor_and_start_none(store, monkeypatch):
    written(store, OTHER)
    monkeypatch.setattr(processes, "start_detached", lambda *_, **__: pytest.fail("started"))
    assert processes.is_running(store.root)
    processes.ensure_running(store.root)
    assert processes.wake_file(store.root).exists()


@pytest.mark.parametrize(
    ("identity", "age"),
    [
        (OTHER, 2 * processes.ALIVE_SECONDS),  # it has failed
        ({**OTHER, "machine": platform.node()}, 0.0),  # this machine, before a restart
        ({**OTHER, "boot": lock.boot_id()}, 0.0),  # a container that was made again
        ({"boot": "another", "pid": 4242, "start": "1"}, 0.0),  # of an earlier version
        ({**OTHER, "machine": 7}, 0.0),
        ({}, 0.0),
    ],
)
def test_an_executor_that_is_gone_keeps_no_other_one_away(store, identity, age):
    path = written(store, identity, age)
    assert not processes.is_running(store.root)
    assert Service(store, idle_seconds=0.0).serve() == 0
    assert files.read_json(path)["machine"] == platform.node()


def test_an_executor_touches_its_identity_at_each_scan_and_leaves_at_once(store):
    service = Service(store)
    path = written(store, service.identity, age=3600.0)
    service.write_identity()
    assert abs(path.stat().st_mtime - time.time()) < 10
    service.leave_identity()
    assert path.stat().st_mtime == 0


def test_of_two_that_started_at_once_the_one_that_was_written_over_leaves(store):
    service = Service(store)
    mine = lock.take(processes.executor_lock(store.root))
    written(store, OTHER)
    assert service.loop(mine) == -1 or service.ending
    assert service.ending
    assert files.read_json(processes.identity_file(store.root)) == OTHER
    service.leave_identity()
    assert processes.is_running(store.root)
    os.close(mine)
