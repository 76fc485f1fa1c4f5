"""What is deleted by itself, and above all what is not."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from pages import make_run
from run_helpers import lending

from cifar_core.__main__ import main
from cifar_core.disk import files, lock, logs
from cifar_core.runs import Store
from cifar_core.runs.engine.executor import Service
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.record import checkpoint_cleanup, checkpoints, marks
from cifar_core.runs.store import retention

DAY = 24 * 3600


@pytest.fixture
def store(page_store):
    return page_store


@pytest.fixture
def run(store):
    return make_run(store)


def aged(path, days, content=b"x" * 1000):
    """Write a file that was last changed so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def rules(store, **at):
    return {(one.rule, one.path.name) for one in retention.unneeded(store, **at)}


def checkpoint(run, step):
    checkpoints.commit(run.path / "checkpoints", f"{step}-a1", model={"w": torch.zeros(1)},
                       state={"s": torch.zeros(1)},
                       manifest={"step": step, "epoch": step / 50, "attempt": 1})  # fmt: skip


def test_a_store_in_order_has_nothing_to_tidy(store, run):
    assert retention.tidy(store) == []


def test_a_long_log_keeps_its_beginning_and_its_end_while_somebody_prints(tmp_path):
    path = tmp_path / "log.txt"
    with path.open("ab", buffering=0) as printing:
        printing.write(b"first\n" + b"middle\n" * 2_000_000 + b"last\n")
        whole = path.stat().st_size
        assert logs.shorten(path) == whole - 2 * logs.KEPT
        printing.write(b"later\n")
    lines = path.read_bytes().splitlines()
    assert (lines[0], lines[-2:]) == (b"first", [b"last", b"later"])
    assert any(line.startswith(b"(12,") and b"left out here" in line for line in lines)
    assert path.stat().st_size < 2.1 * logs.KEPT
    assert logs.shorten(path) == 0


def test_a_run_in_the_trash_goes_after_30_days_unless_it_is_pinned(store, run):
    pinned = make_run(store, name="kept")
    marks.pin(pinned, True)
    store.delete(run)
    store.delete(pinned)
    assert rules(store, now=time.time() + 29 * DAY) == set()
    assert rules(store, now=time.time() + 31 * DAY) == {("trash", run.id)}
    retention.tidy(store, time.time() + 31 * DAY)
    assert store.empty_trash(older_than_days=0) == 0
    assert [row.id for row in store.trash()] == [pinned.id]


def test_what_killed_writers_left_goes_after_a_day(store, run):
    aged(run.path / ".status.json.1-2.tmp", 2)
    aged(run.path / ".about.json.1-2.tmp", 0.5)
    aged(store.root / "runs" / ".draft-import-1" / "a", 2)
    os.utime(store.root / "runs" / ".draft-import-1", (0, 0))
    assert rules(store) == {("drafts", ".status.json.1-2.tmp"), ("drafts", ".draft-import-1")}


def test_drafts_of_a_run_that_trains_stay(store, run):
    draft = run.path / "checkpoints" / ".draft-9-a1"
    aged(draft / "a", 2)
    os.utime(draft, (0, 0))
    held = lock.take(run.path / "attempts" / "1" / "lock")
    assert rules(store) == set()
    os.close(held)
    assert rules(store) == {("drafts", ".draft-9-a1")}


def test_answers_go_with_their_checkpoint_unless_somebody_is_at_them(store, run):
    there = run.checkpoint("best").name
    for name in (there, "7-a1", "8-a1"):
        aged(run.path / "predictions" / f"{name}-test.safetensors", 0)
    held = lock.take(run.path / "predictions" / "8-a1-test.safetensors.lock")
    assert rules(store) == {("orphans", "7-a1-test.safetensors")}
    os.close(held)


def test_nothing_of_a_pinned_run_goes(store, run):
    aged(run.path / "predictions" / "7-a1-test.safetensors", 99)
    aged(run.path / "checkpoints" / "damaged-7-a1-1" / "model.safetensors", 99)
    os.utime(run.path / "checkpoints" / "damaged-7-a1-1", (0, 0))
    assert len(rules(store)) == 2
    marks.pin(run, True)
    assert rules(store) == set()


def test_features_go_when_nobody_has_used_them_for_90_days(store):
    for name, days in (("old", 91), ("new", 89)):
        aged(store.root / "features" / name / "features.npy", 0)
        used = {"used_at": time.time() - days * DAY}
        files.write_json(store.root / "features" / name / "meta.json", used)
    assert rules(store) == {("features", "old")}


def test_timings_and_damaged_indexes_go_when_they_are_old(store, run):
    for days in (29, 31, 181):
        aged(store.root / f"damaged-{days}-index.db", days)
        aged(store.root / "trials" / f"{days}.json", days)
    assert rules(store) == {("damaged", "damaged-31-index.db"), ("damaged", "damaged-181-index.db"),
                            ("trials", "181.json")}  # fmt: skip


def test_pruning_keeps_the_best_the_newest_and_the_pinned_checkpoint(run):
    for step in (150, 200, 250, 300):
        checkpoint(run, step)
    assert marks.pin_checkpoint(run, "150-a1", True) == "150-a1"
    checkpoint_cleanup.prune(run.path)
    assert [info.name for info in run.checkpoints()] == ["300-a1", "250-a1", "150-a1", "100-a1"]
    marks.pin_checkpoint(run, "150-a1", False)
    checkpoint_cleanup.prune(run.path)
    assert [info.name for info in run.checkpoints()] == ["300-a1", "250-a1", "100-a1"]


def test_of_many_who_pin_and_tag_at_once_nobody_is_overruled(run):
    names = [f"{step}-a1" for step in range(150, 400, 25)]
    for step in range(150, 400, 25):
        checkpoint(run, step)

    def mark(name):
        marks.pin_checkpoint(run, name, True)
        marks.tag(run, [f"t{name}"])

    with ThreadPoolExecutor(len(names)) as people:
        list(people.map(mark, names))
    assert run.pinned_checkpoints >= set(names)
    assert set(run.about.tags) >= {f"t{name}" for name in names}


def test_the_terminal_says_what_would_go_and_then_lets_it_go(store, run, capsys):
    path = aged(store.root / "trials" / "a.json", 200)
    assert main(["tidy", "--dry-run"]) == 0
    assert "Timings of steps: 1, 0.0 MB (older than 180 days)" in capsys.readouterr().out
    assert path.exists()
    assert main(["tidy"]) == 0
    assert not path.exists()
    assert main(["pin", "1", "--checkpoint", "best"]) == 0
    assert main(["pin", "1"]) == 0
    assert run.is_pinned
    assert main(["pin", "1", "--off"]) == 0
    assert not run.is_pinned


def test_the_executor_tidies_once_a_day_and_cuts_its_own_log_as_it_grows(store):
    service, supervisor = Service(store), Supervisor(store, roster=lending(store))
    first = aged(store.root / "trials" / "a.json", 200)
    service.clean_up(supervisor)
    second = aged(store.root / "trials" / "b.json", 200)
    log = store.root / "executor.log"
    log.write_bytes(b"a line\n" * (logs.LONGEST // 7 + 1))
    service.clean_up(supervisor)
    assert (first.exists(), second.exists()) == (False, True)
    assert log.stat().st_size < logs.LONGEST
    os.utime(store.root / retention.MARK, (0, 0))
    service.clean_up(supervisor)
    assert not second.exists()


def test_the_executor_keeps_in_bounds_while_it_works(tmp_path, monkeypatch):
    seen, store = [], Store(tmp_path)
    monkeypatch.setattr(Service, "clean_up", lambda self, supervisor: seen.append(supervisor))
    assert Service(store, idle_seconds=0).serve() == 0
    assert seen
