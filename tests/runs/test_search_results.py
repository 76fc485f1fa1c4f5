"""What is said of a search: the best, what was given up, which settings mattered."""

import json

import pytest
from run_helpers import store_without_executor
from test_hyperparameter_search import bowl, go
from test_sweeps import BASE, finish

from cifar_core.__main__ import main
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.record import status
from cifar_core.runs.sweeps import edits, hyperparameter_search, search_space, sweeps
from cifar_core.runs.sweeps.edits import Edit
from cifar_core.runs.sweeps.search_results import (
    DIVERGED,
    PRUNED,
    conclusion,
    importance,
    ranked,
    runs_needed,
    seconds_left,
    share_of,
    tried,
)

RATES = search_space.space_of(["learning_rate=0.001..0.1"])
TWO = search_space.space_of(["learning_rate=0.001..0.1", "weight_decay=0.00001..0.01"])


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def found_in(store):
    sweep = sweeps.find(store, 1)
    return sweep, tried(store, sweep, sweeps.runs_of(store, sweep))


def give_up(store, row):
    """Let a run look as if the search had stopped it after an epoch."""
    run = store.run(row.id)
    values = {"history": [0.1], "epochs_done": 1, "best_val_accuracy": 0.1, "seconds": 5.0}
    files.write_json(run.path / "summary.json", values)
    status.move(run.path, ("queued",), "running", attempt=1, device="cpu")
    run.stop("now", reason=hyperparameter_search.PRUNED, note="Pruned.")
    status.move(run.path, ("running", "stopping"), "stopped")


def next_run(store, made):
    hyperparameter_search.step(store, made.id)
    return next(row for row in sweeps.runs_of(store, made) if row.state == "queued")


def test_every_proposal_says_what_became_of_it(store):
    made = hyperparameter_search.create(store, BASE, RATES, budget=5)
    finish(store, next_run(store, made), [0.3, 0.6])
    give_up(store, next_run(store, made))
    diverged = store.run(next_run(store, made).id)
    status.move(diverged.path, ("queued",), "failed", reason="diverged")
    next_run(store, made)
    sweep, found = found_in(store)
    assert [one.outcome for one in found] == ["Finished", PRUNED, DIVERGED, "Queued"]
    assert [one.number for one in ranked(found)] == [1]
    words = conclusion(sweep, found)
    assert words.startswith(f"Best so far: {found[0].title} with 60.00 %. 4 of 5 runs were")
    assert "proposed: 1 finished, 1 pruned, 1 diverged, 1 queued." in words


def test_nothing_is_called_best_before_a_run_has_finished(store):
    hyperparameter_search.create(store, BASE, RATES, budget=3)
    assert conclusion(*found_in(store)) == ("No run has finished yet. 0 of 3 runs were proposed.")


def test_a_best_value_at_the_end_of_its_range_and_one_as_good_are_said(store):
    made = hyperparameter_search.create(store, BASE, RATES, budget=4)
    go(store, made, lambda settings: 0.6)
    words = conclusion(*found_in(store))
    assert "3 other runs are within one point of the best, which may be chance." in words
    sweep, found = found_in(store)
    best = ranked(found)[0].changes["learning_rate"]
    narrow = {"learning_rate": {"low": best, "high": 10 * best, "log": True}}
    sweep.search["space"] = narrow
    assert "Its learning rate is at the edge of the searched range" in conclusion(sweep, found)


def test_the_middle_of_a_range_is_that_of_its_factors():
    assert share_of({"low": 0.001, "high": 0.1, "log": True}, 0.01) == pytest.approx(0.5)
    assert share_of({"low": 0, "high": 8, "log": False}, 2) == 0.25


def test_importance_is_said_of_the_setting_that_decides_and_only_after_enough_runs(store):
    made = hyperparameter_search.create(store, BASE, TWO, budget=20)
    go(store, made, bowl)
    sweep, rows = sweeps.find(store, 1), sweeps.runs_of(store, made)
    assert runs_needed(sweep) == 20
    shares = importance(store, sweep, rows)
    assert shares["learning_rate"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)
    assert importance(store, sweep, rows[:-1]) == {}


def test_the_rest_of_a_search_is_estimated_from_the_runs_that_are_over(store):
    made = hyperparameter_search.create(store, BASE, RATES, budget=5)
    finish(store, next_run(store, made), [0.3, 0.6], seconds=10.0)
    next_run(store, made)
    assert seconds_left(sweeps.find(store, 1), sweeps.runs_of(store, made)) == 40.0


def test_a_search_that_goes_on_leaves_what_it_gave_up(store):
    made = hyperparameter_search.create(store, BASE, RATES, budget=3)
    give_up(store, next_run(store, made))
    mine = store.run(next_run(store, made).id)
    mine.stop("now")
    hyperparameter_search.end(store, made)
    assert hyperparameter_search.go_on(store, sweeps.find(store, 1)) == 1
    assert {row.id: row.state for row in sweeps.runs_of(store, made)}[mine.id] == "queued"
    assert sweeps.find(store, 1).is_active


def test_the_terminal_speaks_of_runs_and_outcomes_and_not_of_seeds(store, capsys):
    made = hyperparameter_search.create(store, BASE, TWO, budget=3, name="Rates")
    finish(store, next_run(store, made), [0.3, 0.6])
    give_up(store, next_run(store, made))
    where = ["--store", str(store.root)]
    assert main(["sweeps", "show", "1", *where]) == 0
    told = capsys.readouterr().out
    assert "a search over learning_rate, weight_decay" in told
    assert "Pruned" in told
    assert "Which setting matters most is shown after 20 finished runs." in told
    assert "seed" not in told
    assert main(["sweeps", "--json", *where]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["kind"], row["seeds"], row["finished"]) == ("search", None, "1/3")
    assert main(["sweeps", "show", "1", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["outcomes"] == ["Finished", PRUNED]


def test_further_seeds_of_a_search_are_refused_with_what_to_do(store):
    made = hyperparameter_search.create(store, BASE, RATES, budget=3)
    with pytest.raises(RunError, match="trains every setting once"):
        edits.apply(store, made, Edit(add_seeds=[5]))
