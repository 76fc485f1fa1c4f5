"""How often trainers show that they live, and when their silence is worth a word."""

import os
import time
from types import SimpleNamespace

import pytest
from run_helpers import QUICK, attempt, lending, store_without_executor

from cifar_core.disk import files, server_clock
from cifar_core.runs.engine.executor import Service
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.engine.worker import machine_sampler
from cifar_core.runs.engine.worker.machine_sampler import Look, MachineSampler
from cifar_core.runs.record.machine.rows import MachineRow
from cifar_core.runs.record.signs import interval, silence
from cifar_core.runs.record.signs.interval import OwnInterval, Signs


@pytest.fixture
def store(tmp_path):
    server_clock.AHEAD.clear()
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.mark.parametrize(
    ("live", "seconds"), [(0, 1), (1, 1), (100, 1), (101, 2), (1000, 10), (10_000, 100)]
)
def test_all_trainers_together_give_about_a_hundred_signs_a_second(live, seconds):
    assert interval.interval_for(live) == seconds


def test_no_interval_is_longer_than_ten_minutes():
    assert interval.interval_for(10**7) == 600


def test_the_executor_writes_the_interval_only_when_it_changes(store):
    service, supervisor = Service(store), Supervisor(store, roster=lending(store))
    path = store.root / "signs.json"
    service.clean_up(supervisor)
    assert not path.exists()  # a store on one machine never has it
    attempts = {f"{n}-x": SimpleNamespace(folder=store.root / "none") for n in range(260)}
    supervisor.live = dict(list(attempts.items())[:250])
    service.clean_up(supervisor)
    written = path.stat().st_ino
    supervisor.live = attempts
    service.clean_up(supervisor)
    assert path.stat().st_ino == written
    assert interval.interval(store.root) == 3
    supervisor.live = {}
    service.clean_up(supervisor)
    assert interval.interval(store.root) == 1


def test_a_damaged_interval_counts_as_the_usual_one(store):
    for text in ('{"seconds": 1e9}', '{"seconds": 0}', "nothing", '{"seconds": "often"}'):
        (store.root / "signs.json").write_text(text)
        assert interval.interval(store.root) == 1


def test_a_trainer_looks_at_the_interval_once_a_minute(store, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(interval.time, "monotonic", lambda: clock[0])
    here, elsewhere = OwnInterval(store.root, ""), OwnInterval(store.root, "slurm")
    assert (here.seconds, elsewhere.seconds) == (1, 3)
    files.write_json(store.root / "signs.json", Signs(seconds=7))
    clock[0] += 59
    assert (here.seconds, elsewhere.seconds) == (1, 3)
    clock[0] += 1
    assert (here.seconds, elsewhere.seconds) == (7, 7)


def test_a_trainer_touches_its_lock_and_writes_its_summary_at_the_interval(store, monkeypatch):
    """An hour of batches of half a second, of an invented clock."""
    interval.follow(store.root, 1000)
    worker, clock = attempt(store.create(QUICK), 1), [5000.0]
    monkeypatch.setattr(interval.time, "monotonic", lambda: clock[0])
    touched, lock = 0, worker.folder / "lock"
    lock.touch()
    for _ in range(7200):
        os.utime(lock, (0, 0))
        worker.show_life()
        touched += lock.stat().st_mtime > 0
        clock[0] += 0.5
    assert touched == pytest.approx(3600 / 10, rel=0.06)


def test_rows_about_the_machine_are_as_far_apart_as_signs(store, tmp_path):
    interval.follow(store.root, 1000)
    sampler = MachineSampler(["cpu"], tmp_path / "machine.jsonl", OwnInterval(store.root, ""))
    now, kept = [0.0], []

    def wait(seconds):
        now[0] += seconds
        return now[0] > 600

    sampler.stopped.wait, sampler.rows.add = wait, kept.append
    sampler.sample(lambda: MachineRow(t=now[0], cpu=now[0] % 2), clock=lambda: now[0])
    assert len(kept) == 60
    assert {row["seconds"] for row in kept} == {10}
    assert all(row["cpu"] == 0.5 for row in kept)  # of all ten seconds


def test_a_file_server_is_asked_for_free_space_no_more_often_than_for_a_row(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(machine_sampler.time, "monotonic", lambda: clock[0])
    gpus = SimpleNamespace(latest=list)
    look = Look(SimpleNamespace(memory=0, cpu_seconds=lambda: 0.0), gpus, tmp_path, lambda: 10.0)
    answers = []
    for _ in range(100):
        answers.append(look.free_disk())
        clock[0] += 1.0
    assert [bool(answer) for answer in answers] == [n % 10 == 0 for n in range(100)]


def silent(run, seconds):
    """Let the latest sign of a run be this many seconds old."""
    beat = run.path / "attempts" / "1" / "lock"
    beat.parent.mkdir(parents=True, exist_ok=True)
    beat.touch()
    os.utime(beat, (time.time() - seconds,) * 2)
    return silence.silent_seconds(run.path)


def test_silence_is_longer_than_usual_after_four_signs(store):
    run = store.create(QUICK)
    assert run.silent_seconds is None
    assert silent(run, 39) is None
    assert silent(run, 50) == pytest.approx(50, abs=5)
    interval.follow(store.root, 3000)  # every 30 seconds
    assert silent(run, 110) is None
    assert silent(run, 130) == pytest.approx(130, abs=5)


def test_silence_is_measured_by_the_clock_that_dates_the_files(store, monkeypatch):
    """This machine is a quarter of an hour ahead of the file server, or behind it."""
    run, true = store.create(QUICK), time.time
    assert silent(run, 20) is None
    for wrong in (900.0, -900.0):
        server_clock.AHEAD.clear()
        monkeypatch.setattr(server_clock.time, "time", lambda wrong=wrong: true() + wrong)
        root, lock = store.root, run.path / "attempts" / "1" / "lock"
        assert server_clock.age(lock, root) == pytest.approx(20, abs=5)


def test_a_clock_that_is_set_is_noticed_within_a_minute(store, monkeypatch):
    true = time.time
    assert server_clock.now(store.root) == pytest.approx(true(), abs=1)
    monkeypatch.setattr(server_clock.time, "time", lambda: true() + 900)
    monkeypatch.setattr(server_clock, "LOOK_SECONDS", 0.0)
    assert server_clock.now(store.root) == pytest.approx(true(), abs=1)


def test_where_nothing_can_be_written_this_machines_clock_counts(tmp_path):
    server_clock.AHEAD.clear()
    assert server_clock.now(tmp_path / "missing") == pytest.approx(time.time(), abs=1)
    assert server_clock.age(tmp_path / "missing", tmp_path) is None
