"""Searches: proposals, pruning, and that nothing is lost when anything is killed."""

import json
import os
import signal
from pathlib import Path

import pytest
from run_helpers import kill_all, store_without_executor, until
from test_sweeps import BASE, finish

from cifar_core.__main__ import main
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.errors import ConfigError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs import Store
from cifar_core.runs.engine import search_driver
from cifar_core.runs.record import control, status
from cifar_core.runs.store import sweep_files
from cifar_core.runs.sweeps import hyperparameter_search, search_space, sweeps

SPACE = search_space.space_of(["learning_rate=0.001..0.1", "optimizer=sgd,adam"])


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def go(store, found, accuracy, steps=100):
    """Drive a search, finishing each run as soon as it is queued."""
    for _ in range(steps):
        if not hyperparameter_search.step(store, found.id):
            return
        for row in sweeps.runs_of(store, found):
            if row.state == "queued":
                value = accuracy(store.run(row.id).settings)
                finish(store, row, [value / 2, value])
    raise AssertionError("the search does not end")


def bowl(settings):
    """An accuracy with its top near a rate of 0.01."""
    import math

    return 0.8 - 0.2 * abs(math.log10(settings["learning_rate"] / 0.01))


def test_a_range_and_choices_are_read():
    assert SPACE["learning_rate"] == {"low": 0.001, "high": 0.1, "log": True}
    assert SPACE["optimizer"] == {"choices": ["sgd", "adam"]}
    assert search_space.space_of(["epochs=2..5"])["epochs"] == {
        "low": 2,
        "high": 5,
        "log": False,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rate=0.001..50", "learning_rate is 50"),
        ("learning_rate=0.1..0.1", "equal ends"),
        ("rate=0.1..0.2", "no setting called 'rate'"),
        ("optimizer=addam", "Did you mean 'adam'"),
        ("seed=1..5", "The best seed is luck"),
        ("optimizer=sgd", "optimizer has only one value"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        search_space.space_of([text])


def test_a_search_spends_its_budget_one_run_at_a_time_and_gets_better(store):
    found = hyperparameter_search.create(store, BASE, SPACE, budget=25, name="Rates")
    go(store, found, bowl)
    rows = sweeps.runs_of(store, found)
    assert len(rows) == 25
    values = [row.best_val_accuracy for row in rows]
    by_chance = 0.7  # the mean over the range
    assert sum(values[6:]) / len(values[6:]) > by_chance + 0.02
    assert max(values[6:]) > 0.78
    assert store.run(rows[3].id).settings == {
        **store.run(rows[0].id).settings, **sweeps.find(store, 1).cells[3].changes
    }  # fmt: skip


def test_the_runs_of_a_search_belong_to_whoever_began_it(store):
    theirs = Store(store.root, Person(name="ada@example.org", role=OPERATOR))
    found = hyperparameter_search.create(theirs, BASE, SPACE, budget=2)
    hyperparameter_search.step(store, found.id)  # as the driver does, which is the lab's own
    (row,) = sweeps.runs_of(store, found)
    assert store.run(row.id).owner == "ada@example.org"


def test_the_same_history_gives_the_same_proposal_in_another_process(store):
    found = hyperparameter_search.create(store, BASE, SPACE, budget=10)
    for _ in range(6):
        hyperparameter_search.step(store, found.id)
        for row in sweeps.runs_of(store, found):
            if row.state == "queued":
                finish(store, row, [bowl(store.run(row.id).settings)])
    now = sweeps.find(store, found.id)
    rows = sweeps.runs_of(store, now)
    assert hyperparameter_search.proposed(store, now, rows) == hyperparameter_search.proposed(
        Store(store.root), now, rows
    )


def test_a_proposal_whose_run_was_never_made_is_made_next_time(store):
    found = hyperparameter_search.create(store, BASE, SPACE, budget=3)
    from dataclasses import replace

    cell = hyperparameter_search.proposed(store, found, [])
    sweep_files.save(store.root, replace(found, cells=[cell]))  # killed before the run was made
    assert hyperparameter_search.step(store, found.id)
    (row,) = sweeps.runs_of(store, found)
    assert row.learning_rate == cell.changes["learning_rate"]


def test_a_run_far_behind_the_others_is_stopped_with_the_reason(store):
    base = TrainConfig(data="synthetic:300", epochs=10, batch_size=32)
    found = hyperparameter_search.create(store, base, SPACE, budget=8)
    for _ in range(4):
        hyperparameter_search.step(store, found.id)
        for row in sweeps.runs_of(store, found):
            if row.state == "queued":
                finish(store, row, [0.4, 0.5, 0.6, 0.7])
    hyperparameter_search.step(store, found.id)
    bad = next(row for row in sweeps.runs_of(store, found) if row.state == "queued")
    run = store.run(bad.id)
    status.move(run.path, ("queued",), "running", attempt=1, device="cpu")
    for history in ([0.1], [0.1, 0.1, 0.12]):
        best = {"best_val_accuracy": max(history), "best_epoch": 1}
        files.write_json(
            run.path / "summary.json", {"history": history, "epochs_done": len(history), **best}
        )
        hyperparameter_search.step(store, found.id)
        asked = control.read(run.path)
        if len(history) == 1:
            assert asked.request == ""  # too early to tell
    assert (asked.request, asked.reason) == ("now", "pruned")
    assert asked.note == "Pruned: its 12.0\xa0% after epoch 3 is behind the other runs."
    status.move(run.path, ("running",), "stopped")
    row = next(row for row in sweeps.runs_of(store, found) if row.id == run.id)
    assert hyperparameter_search.was_pruned(store, row)


def test_successive_halving_compares_with_runs_that_were_replayed(store):
    base = TrainConfig(data="synthetic:300", epochs=10, batch_size=32)
    found = hyperparameter_search.create(store, base, SPACE, budget=8, pruner="halving")
    for _ in range(4):
        hyperparameter_search.step(store, found.id)
        for row in sweeps.runs_of(store, found):
            if row.state == "queued":
                finish(store, row, [0.4, 0.5, 0.6, 0.7])
    hyperparameter_search.step(store, found.id)
    bad = next(row for row in sweeps.runs_of(store, found) if row.state == "queued")
    run = store.run(bad.id)
    status.move(run.path, ("queued",), "running", attempt=1, device="cpu")
    values = {"history": [0.1], "epochs_done": 1, "best_val_accuracy": 0.1}
    files.write_json(run.path / "summary.json", values)
    hyperparameter_search.step(store, found.id)
    assert control.read(run.path).reason == "pruned"


def test_a_search_that_was_ended_proposes_nothing_more_until_it_may_go_on(store):
    found = hyperparameter_search.create(store, BASE, SPACE, budget=5)
    hyperparameter_search.end(store, found)
    assert not hyperparameter_search.step(store, found.id)
    assert sweeps.runs_of(store, found) == []
    hyperparameter_search.mark_ended(store, found, "")
    assert hyperparameter_search.step(store, found.id)
    assert len(sweeps.runs_of(store, found)) == 1


def test_a_search_goes_on_by_itself_after_its_driver_was_killed(tmp_path, capsys):
    root = tmp_path / "store"
    words = ["search", "--data", "synthetic:300", "--set", "epochs=1", "--set", "batch_size=32",
             "--over", "learning_rate=0.001..0.1", "--runs", "2", "--store", str(root)]  # fmt: skip
    store = Store(root)
    path = search_driver.driver_lock(root, "1-search")
    try:
        with store_without_executor(root):
            assert main(words) == 0
            assert processes.wake_file(root).exists()  # by which an executor is asked for
            search_driver.look_after(root)  # what an executor does
            until(lambda: store.runs(), seconds=60)
            assert lock.is_locked(path)
            kill_drivers(root)
            until(lambda: not lock.is_locked(path))
            finish(store, store.runs()[0], [0.3])
            search_driver.look_after(root)  # what the next executor does
            until(lambda: len(store.runs()) == 2, seconds=60)
        until(lambda: not sweeps.find(store, 1).is_active, store.runs, seconds=300)
        assert [row.state for row in store.runs()] == ["finished"] * 2
        assert main(["sweeps", "show", "1", "--json", "--store", str(root)]) == 0
        assert len(json.loads(capsys.readouterr().out.split("\n", 1)[1])["cells"]) == 2
    finally:
        store.shutdown_executor()
        kill_drivers(root)


def test_listing_the_runs_wakes_a_search_whose_processes_were_killed_between_two_runs(tmp_path):
    root = tmp_path / "store"
    with store_without_executor(root) as store:
        found = hyperparameter_search.create(store, BASE, SPACE, budget=2)
    os.utime(processes.wake_file(root), (0, 0))  # long ago
    try:
        assert store.runs() == []
        until(lambda: processes.is_running(root), seconds=60)
        until(lambda: lock.is_locked(search_driver.driver_lock(root, found.id)), seconds=60)
    finally:
        hyperparameter_search.end(store, found)
        store.shutdown_executor()
        kill_drivers(root)
        kill_all(store)


def kill_drivers(root):
    """Kill whatever drives a search of this store."""
    for folder in Path("/proc").glob("[0-9]*"):
        if drives(folder, str(root)):
            os.kill(int(folder.name), signal.SIGKILL)


def drives(folder, root):
    """Tell whether a process is the driver of a search in this store."""
    try:
        words = (folder / "cmdline").read_text("utf-8").split("\0")
    except OSError:
        return False
    return search_driver.__name__ in words and root in words
