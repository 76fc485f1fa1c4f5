"""Sweeps over made-up and real runs."""

import json

import pytest
from run_helpers import store_without_executor

from cifar_core.__main__ import main
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.errors import ConfigError, RunError
from cifar_core.runs import Store
from cifar_core.runs.record import status
from cifar_core.runs.store import sweep_files
from cifar_core.runs.sweeps import edits, sweeps
from cifar_core.runs.sweeps.edits import Edit
from cifar_core.runs.sweeps.sweep_results import (
    accuracy_at,
    as_csv,
    best_of,
    compared,
    conclusion,
    equal_time,
    results,
    seconds_to,
)

BASE = TrainConfig(data="synthetic:300", epochs=2, batch_size=32)
TWO = [[{"optimizer": "sgd"}, {"optimizer": "adam"}]]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def finish(store, row, history, *, test=0.5, seconds=10.0):
    """Let a run look as if it had trained to its end."""
    run = store.run(row.id)
    best = max(history)
    values = {"history": history, "sparkline": history, "best_val_accuracy": best,
              "best_epoch": history.index(best) + 1, "epochs_done": len(history),
              "test_accuracy": test, "seconds": seconds}  # fmt: skip
    files.write_json(run.path / "summary.json", values)
    status.move(run.path, ("queued", "draft"), "finished")


def finish_all(store, sweep, accuracy):
    """Finish every run; `accuracy(cell, seed)` says how well."""
    for row in sweeps.runs_of(store, sweep):
        value = accuracy(row.cell, row.seed)
        finish(store, row, [value / 2, value], seconds=10.0 * (row.cell + 1))
    return results(sweep, sweeps.runs_of(store, sweep))


def test_every_setting_is_queued_with_every_seed_and_all_settings_come_early(store):
    axes = [*TWO, [{"flip": True}, {"flip": False}]]
    sweep = sweeps.create(store, BASE, axes, [1, 2, 3])
    rows = sweeps.runs_of(store, sweep)
    assert len(rows) == 12
    assert {row.state for row in rows} == {"queued"}
    assert [(row.cell, row.seed) for row in rows[:5]] == [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2)]
    assert store.run(rows[3].id).settings["flip"] is False
    name = "Simple CNN on Synthetic shapes, SGD, learning rate 0.1, no mirror, seed 1"
    assert rows[1].name == name


def test_an_optimizer_that_varies_alone_takes_its_usual_rate(store):
    sweep = sweeps.create(store, BASE, TWO, [0])
    assert [row.learning_rate for row in sweeps.runs_of(store, sweep)] == [0.1, 0.001]
    fixed = sweeps.planned(BASE, [*TWO, [{"learning_rate": 0.02}]], [0])
    assert [cell.changes["learning_rate"] for cell in fixed] == [0.02, 0.02]


def test_the_click_that_made_a_sweep_makes_no_second_one(store):
    first = sweeps.create(store, BASE, TWO, [1, 2], token="a click")
    again = sweeps.create(store, BASE, TWO, [1, 2], token="a click")
    assert again.id == first.id
    assert len(store.runs()) == 4
    assert sweeps.create(store, BASE, TWO, [1, 2], token="another").number == 2


def test_a_sweep_that_was_cut_off_while_it_was_made_is_completed(store):
    sweep = sweeps.begin(store, BASE, sweeps.planned(BASE, TWO, [1, 2]), [1, 2])
    cell = sweep.cells[0]
    config = TrainConfig.from_dict({**sweep.base, **cell.changes, "seed": 1})
    draft = store.create(config, marks={"sweep": sweep.id, "cell": 0})
    assert sweeps.missing(store, sweep) == 3
    assert len(sweeps.complete(store, sweep)) == 3
    assert sweeps.missing(store, sweep) == 0
    assert store.run(draft.id).status.state == "queued"
    assert sweeps.complete(store, sweep) == []


def test_all_that_is_wrong_is_said_before_anything_is_made(store):
    axes = [
        [{"momentum": 0.0}, {"momentum": 0.9}],
        [{"schedule": "cosine"}],
        [{"warmup_epochs": 1.0}, {"warmup_epochs": 5.0}],
    ]
    with pytest.raises(ConfigError) as caught:
        sweeps.create(store, BASE, axes, [1])
    said = str(caught.value)
    assert len(caught.value.problems) == 4  # both conflicts of the worst cell
    assert "momentum 0, Cosine" in said
    assert "nesterov is on" in said
    assert "warmup_epochs is 5" in said
    assert store.runs() == []
    assert sweeps.listed(store) == []


def test_settings_that_mean_nothing_to_a_cell_do_not_train_it_twice(store):
    axes = [*TWO, [{"momentum": 0.5}, {"momentum": 0.9}]]
    titles = [cell.title for cell in sweeps.planned(BASE, axes, [1])]
    assert len(titles) == 3
    assert sum(title.startswith("Adam") for title in titles) == 1


def test_further_seeds_train_the_same_cells_and_leave_the_runs_that_are_there(store):
    sweep = sweeps.create(store, BASE, TWO, [3, 4])
    longer = edits.apply(store, sweep, Edit(add_seeds=edits.next_seeds(sweep, 2))).sweep
    assert longer.seeds == [3, 4, 5, 6]
    assert len(sweeps.runs_of(store, longer)) == 8
    assert sweeps.find(store, 1).seeds == longer.seeds
    with pytest.raises(RunError, match="must be 1 to 100"):
        edits.next_seeds(sweep, 0)


def test_a_deleted_run_is_not_made_again(store):
    sweep = sweeps.create(store, BASE, TWO, [1])
    store.delete(store.run(1))
    assert sweeps.complete(store, sweep) == []
    assert len(sweeps.runs_of(store, sweep)) == 1


def test_a_cancelled_sweep_leaves_the_queue_and_can_go_on(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    assert sweeps.cancel(store, sweep) == 4
    assert {row.state for row in sweeps.runs_of(store, sweep)} == {"stopped"}
    assert sweeps.cancel(store, sweep) == 0
    assert sweeps.go_on(store, sweep) == 4
    assert [row.cell for row in store.queue()] == [0, 1, 0, 1]


def test_the_runs_of_a_sweep_are_known_without_the_database(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    store.index.path.unlink()
    assert len(sweeps.runs_of(Store(store.root), sweep)) == 4


@pytest.mark.parametrize("ref", ["1", "#1", "01", "1-a"])
def test_a_sweep_whose_file_is_damaged_is_said_to_be_there(store, ref):
    sweeps.create(store, BASE, TWO, [0], name="A")
    path = sweep_files.folder(store.root) / "1-a.json"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(RunError, match=r"1-a\.json is damaged\. Its runs are still in the list"):
        sweeps.find(store, ref)


def test_a_damaged_file_hides_its_sweep_only(store):
    sweeps.create(store, BASE, TWO, [1], name="Good")
    bad = sweeps.create(store, BASE, TWO, [1], name="Bad")
    (sweep_files.folder(store.root) / f"{bad.id}.json").write_text("{")
    assert [sweep.name for sweep in sweeps.listed(store)] == ["Good"]
    with pytest.raises(RunError, match=r"sweeps/2-bad\.json is damaged"):
        sweeps.find(store, 2)


def test_the_better_setting_is_found_and_told_from_the_others(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2, 3])
    found = finish_all(
        store, sweep, lambda cell, seed: 0.6 + 0.1 * cell + 0.003 * seed * (1 + cell)
    )
    best = best_of(found)
    assert best.title == "Adam, learning rate 0.001"
    assert best.val.mean == pytest.approx(0.712)
    (comparison,) = compared(found, best)
    assert comparison.verdict.startswith("Adam, learning rate 0.001 is better than SGD")
    assert "better than every other setting" in conclusion(found)


def test_a_difference_within_the_noise_is_called_none(store):
    noise = {(0, 1): 0.70, (0, 2): 0.72, (0, 3): 0.71, (1, 1): 0.71, (1, 2): 0.713, (1, 3): 0.712}
    sweep = sweeps.create(store, BASE, TWO, [1, 2, 3])
    found = finish_all(store, sweep, lambda cell, seed: noise[cell, seed])
    (comparison,) = compared(found, best_of(found))
    assert "that 3 seeds can show" in comparison.verdict
    assert "do not distinguish it from SGD" in conclusion(found)


def test_one_lucky_run_does_not_win_against_settings_with_more_seeds(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    for row in sweeps.runs_of(store, sweep)[:3]:
        finish(store, row, [0.9 if row.cell else 0.5])
    assert best_of(results(sweep, sweeps.runs_of(store, sweep))).place == 0


def test_budgets_are_compared_in_time_as_well(store):
    sweep = sweeps.create(store, BASE, TWO, [1])
    found = finish_all(store, sweep, lambda cell, seed: 0.6 + 0.1 * cell)
    seconds, reached = equal_time(found)
    assert seconds == 10
    assert reached == pytest.approx({0: 0.6, 1: 0.35})  # the slower one is half-way by then
    slow = found[1].rows[0]
    assert seconds_to(slow, 0.7) == 20
    assert seconds_to(slow, 0.71) is None
    assert accuracy_at(slow, 5) is None


def test_nothing_is_claimed_before_a_run_has_finished(store):
    sweep = sweeps.create(store, BASE, TWO, [1])
    found = results(sweep, sweeps.runs_of(store, sweep))
    assert best_of(found) is None
    assert conclusion(found) == "No run has finished yet."
    assert equal_time(found) is None


def test_the_spreadsheet_has_a_line_for_each_run(store):
    sweep = sweeps.create(store, BASE, TWO, [1, 2])
    lines = as_csv(sweep, finish_all(store, sweep, lambda cell, seed: 0.5)).splitlines()
    assert lines[0].startswith("run,optimizer,learning_rate,seed,state,best_val_accuracy")
    assert lines[1].startswith("1,sgd,0.1,1,finished,0.5,2,0.5,2,10.0")
    assert len(lines) == 5


def test_a_sweep_from_the_terminal_trains_and_is_compared(tmp_path, capsys):
    root = str(tmp_path / "store")
    words = ["sweep", "--data", "synthetic:300", "--set", "epochs=1", "--set", "batch_size=32",
             "--vary", "learning_rate=0.01,0.05", "--name", "Rates"]  # fmt: skip
    store = Store(tmp_path / "store")

    def said(*words):
        assert main([*words, "--store", root]) == 0
        return capsys.readouterr().out

    assert "2 settings x 2 seeds = 4 runs" in said(*words, "--vary", "seed=1-2", "--dry-run")
    try:
        text = said(*words, "--foreground")
        assert "1-rates" in text
        assert "2 finished" in text
    finally:
        store.shutdown_executor()
    with lock.held(processes.executor_lock(store.root)):  # the second seed is not really trained
        said("sweeps", "seeds", "1", "--add", "1")
        for row in store.queue():
            finish(store, row, [0.1, 0.2])
    assert "4 finished" in (text := said("sweeps", "show", "1"))
    assert "seeds would be needed" in text or "is better than" in text
    record = json.loads(said("sweeps", "show", "1", "--json"))
    assert [len(cell["runs"]) for cell in record["cells"]] == [2, 2]
    assert "4/4" in said("sweeps")
    assert len(said("sweeps", "csv", "1").splitlines()) == 5
    assert main(["sweeps", "show", "7", "--store", root]) == 2
    assert "There is no sweep '7'" in capsys.readouterr().err


def gone(path):
    path.unlink()


def cut(path):
    path.write_text(path.read_text()[:100])


@pytest.mark.parametrize("damage", [gone, cut])
@pytest.mark.parametrize("where", ["runs", "trash"])
def test_a_new_sweep_never_adopts_the_runs_of_one_whose_file_is_damaged_or_gone(
    store, damage, where
):
    first = sweeps.create(store, BASE, TWO, [1], name="Dropout")
    if where == "trash":
        for row in sweeps.runs_of(store, first):
            store.delete(store.run(row.id))
    path = sweep_files.folder(store.root) / f"{first.id}.json"
    damage(path)
    left = path.read_text() if path.exists() else None
    second = sweeps.create(
        store, BASE, [[{"batch_size": 8}, {"batch_size": 9}]], [1], name="Dropout"
    )
    assert second.id == "2-dropout"
    rows = sweeps.runs_of(store, second)
    assert [row.settings["batch_size"] for row in rows] == [8, 9]
    assert (path.read_text() if path.exists() else None) == left


def test_the_number_of_a_sweep_follows_the_highest_one_readable_or_not(store):
    folder = sweep_files.folder(store.root)
    folder.mkdir()
    (folder / "7-old.json").write_text("{")
    (folder / "9.json.bak").write_text("")
    assert sweeps.create(store, BASE, TWO, [1]).number == 10
    assert sweeps.create(store, BASE, TWO, [1]).number == 11
