"""A paused queue starts nothing, over restarts and kills, and says so; what runs goes on."""

from dataclasses import replace

import pytest
from run_helpers import CPU, queued, store_without_executor, supervisor, until

from cifar_core.background import processes
from cifar_core.devices import Device
from cifar_core.disk import files, lock
from cifar_core.errors import AccessError
from cifar_core.people import ADMIN, OPERATOR, Person
from cifar_core.runs.engine import executor, lending
from cifar_core.runs.record import action_log
from cifar_core.runs.store.queue import pause

SLOTS = [CPU, Device(id="cpu:1", name="a CPU")]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def test_a_running_run_goes_on_and_no_other_starts_until_the_queue_is_resumed(store):
    first = queued(store)
    chief = supervisor(store, "obey", devices=SLOTS)
    until(lambda: first.status.state == "running", chief.step)
    store.pause_queue("a talk")
    second = queued(store)
    for _ in range(3):
        chief.step()
    assert [first.status.state, second.status.state] == ["running", "queued"]
    assert second.status.reason == "queue_paused"
    assert second.status.message == f'{store.by.name} paused the queue ("a talk").'
    assert "resumes the queue" in second.status.action
    store.resume_queue()
    until(lambda: second.status.state == "running", chief.step)
    assert not second.status.reason


def test_the_reason_goes_away_when_a_run_only_waits_for_its_turn(store):
    first, second = queued(store), queued(store)
    store.pause_queue()
    chief = supervisor(store, "obey")
    chief.step()
    assert {run.status.reason for run in (first, second)} == {"queue_paused"}
    store.resume_queue()
    until(lambda: first.status.state == "running", chief.step)
    chief.step()
    assert (second.status.state, second.status.reason) == ("queued", "")


def test_a_pause_outlives_the_executor_and_keeps_none_awake(store):
    run = queued(store)
    store.pause_queue()
    assert not supervisor(store, "obey").step()  # nothing will change soon
    assert not supervisor(store, "obey").step()
    assert run.status.state == "queued"


def test_a_real_executor_obeys_the_pause_and_the_next_one_too(tmp_path, monkeypatch):
    with store_without_executor(tmp_path / "store") as store:
        run = queued(store)
        store.pause_queue()
    service = executor.Service(store, idle_seconds=0.3)
    monkeypatch.setattr(executor, "LOOP_SECONDS", 0.05)
    assert service.serve() == 0  # it ends for lack of work
    assert executor.Service(store, idle_seconds=0.3).serve() == 0
    assert (run.status.state, run.status.reason) == ("queued", "queue_paused")
    assert not lock.is_locked(processes.executor_lock(store.root))


def test_a_pause_during_a_scan_holds_back_what_was_about_to_start(store, monkeypatch):
    run = queued(store)
    chief = supervisor(store, "obey")
    real = lending.start

    def late(*arguments):
        store.pause_queue()
        real(*arguments)

    monkeypatch.setattr(lending, "start", late)
    chief.step()
    assert run.status.state == "queued"
    assert store.index.leases() == {}
    assert not run.attempts()


def test_only_an_admin_may_pause_and_resume(store):
    for act in ("pause_queue", "resume_queue"):
        with pytest.raises(AccessError, match=r"may not (pause|resume) the queue"):
            getattr(replace(store, by=Person(name="ana", role=OPERATOR)), act)()
    assert not store.queue_pause.is_on


def test_who_since_when_and_why_are_kept_and_written_down(store):
    chief = replace(store, by=Person(name="chief", role=ADMIN))
    chief.pause_queue("  a\n talk ")
    first = store.queue_pause
    assert (first.by, first.note) == ("chief", "a talk")
    chief.pause_queue()
    assert store.queue_pause == first
    chief.pause_queue("the talk is longer")
    again = store.queue_pause
    assert (again.at, again.note) == (first.at, "the talk is longer")
    chief.resume_queue()
    chief.resume_queue()
    assert not store.queue_pause.is_on
    assert [line.did for line in action_log.latest(store.root)] == [
        "resumed the queue", "paused the queue", "paused the queue",
    ]  # fmt: skip


def test_a_damaged_pause_pauses_nothing(store):
    store.pause_queue()
    path = store.root / pause.NAME
    path.write_text(path.read_text().replace("at", "ta"))
    assert not store.queue_pause.is_on
    files.write_json(path, {"at": "yesterday"})
    assert not store.queue_pause.is_on
    store.resume_queue()
    assert not path.exists()
