"""Edits of sweeps and searches, while their runs wait, train and end."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_struct
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.__main__ import main
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import AccessError, ConfigError, RunError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs import Store
from cifar_core.runs.record import status
from cifar_core.runs.record.queue.priorities import FIRST, LAST, NORMAL
from cifar_core.runs.store import sweep_files
from cifar_core.runs.store.sweep_files import Cell
from cifar_core.runs.sweeps import edits, hyperparameter_search, search_space, sweeps
from cifar_core.runs.sweeps.edits import Edit
from cifar_core.runs.sweeps.hyperparameter_search import SPENT, mark_ended, proposed, replayed
from cifar_core.runs.sweeps.search_results import importance, tried
from cifar_core.runs.sweeps.sweep_results import compared, results

BASE = TrainConfig(data="synthetic:300", epochs=2, batch_size=32)
RATES = [[{"learning_rate": 0.01}, {"learning_rate": 0.1}]]
SPACE = search_space.space_of(["learning_rate=0.001..0.1", "optimizer=sgd,adam"])


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def sweep(store):
    return sweeps.create(store, BASE, RATES, [1, 2])


def finish(store, row, accuracy=0.5):
    """Let a run look as if it had trained to its end."""
    run = store.run(row.id)
    files.write_json(run.path / "summary.json", {
        "history": [accuracy], "best_val_accuracy": accuracy, "best_epoch": 1, "epochs_done": 1,
        "seconds": 10.0})  # fmt: skip
    status.move(run.path, ("queued", "draft"), "finished", attempt=1)


def cells_of(sweep):
    return [cell.changes for cell in sweep.cells]


def combos(store, sweep):
    """The runs that wait, as (cell, seed)."""
    return sorted((row.cell, row.seed) for row in store.queue() if row.sweep == sweep.id)


def test_another_value_is_trained_with_every_seed_and_with_every_value_of_the_others(store):
    sweep = sweeps.create(store, BASE, [*RATES, [{"flip": True}, {"flip": False}]], [1, 2])
    done = edits.apply(store, sweep, Edit(add=[[{"learning_rate": 0.03}]]))
    assert done.new_runs == 4
    assert done.sentence == "4 runs are added to the queue."
    new = sweeps.find(store, 1)
    assert new.cells[:4] == sweep.cells  # runs name their cell by its place
    assert cells_of(new)[4:] == [{"flip": True, "learning_rate": 0.03},
                                 {"flip": False, "learning_rate": 0.03}]  # fmt: skip
    assert len(combos(store, sweep)) == 12


def test_a_setting_that_did_not_vary_joins_with_what_the_runs_so_far_had(store, sweep):
    done = edits.apply(store, sweep, Edit(add=[[{"flip": False}, {"flip": BASE.flip}]]))
    assert done.new_runs == 4  # the value of the base is there already
    assert cells_of(done.sweep)[2:] == [{"learning_rate": 0.01, "flip": False},
                                        {"learning_rate": 0.1, "flip": False}]  # fmt: skip
    assert done.sweep.varied == ["learning_rate", "flip"]


def test_an_edit_whose_runs_could_not_be_made_is_refused_before_it_is_saved(store, sweep):
    with pytest.raises(ConfigError, match="no run is chosen as a teacher"):
        edits.apply(store, sweep, Edit(add=[[{"distill_share": 0.5}]]))
    assert sweeps.find(store, sweep.id) == sweep
    trained = make_run(store, "Trained", data="synthetic", epochs=2)
    begun = sweeps.create(store, trained.config, RATES, [0], start=(trained, "best"))
    store.delete(trained)
    store.empty_trash(older_than_days=-1)
    with pytest.raises(RunError, match="none of them fits"):
        edits.apply(store, begun, Edit(add=[[{"model": "vit_small"}]]))
    assert sweeps.find(store, begun.id) == begun


def test_an_edit_that_is_applied_twice_changes_nothing_more(store, sweep):
    edit = Edit(add=[[{"learning_rate": 0.03}]], add_seeds=[3], name="Rates", priority=LAST)
    edits.apply(store, sweep, edit)
    again = edits.apply(store, sweep, edit)  # by a person who saw it as it was before
    assert (again.changed, again.sentence) == (False, "Nothing would change.")
    assert len(combos(store, sweep)) == 9


def test_two_edits_of_the_same_moment_both_count(store, sweep):
    edits.apply(store, sweep, Edit(add=[[{"learning_rate": 0.03}]]))
    edits.apply(store, sweep, Edit(add=[[{"learning_rate": 0.3}]], add_seeds=[3]))
    new = sweeps.find(store, 1)
    assert [changes["learning_rate"] for changes in cells_of(new)] == [0.01, 0.1, 0.03, 0.3]
    assert len(combos(store, sweep)) == 12


def test_an_optimizer_that_is_added_takes_its_usual_rate_if_the_others_do(store):
    optimizers = [[{"optimizer": "sgd"}, {"optimizer": "adam"}]]
    sweep = sweeps.create(store, BASE, optimizers, [1])
    done = edits.apply(store, sweep, Edit(add=[[{"optimizer": "yogi"}]]))
    assert cells_of(done.sweep)[2:] == [{"optimizer": "yogi", "learning_rate": 0.01}]
    fixed = sweeps.create(store, BASE, [*optimizers, [{"learning_rate": 0.02}]], [1])
    done = edits.apply(store, fixed, Edit(add=[[{"optimizer": "yogi"}]]))
    assert cells_of(done.sweep)[2:] == [{"learning_rate": 0.02, "optimizer": "yogi"}]


def test_a_removed_setting_leaves_the_queue_and_the_comparison_and_can_return(store, sweep):
    first, *_ = [row for row in sweeps.runs_of(store, sweep) if row.cell == 1]
    finish(store, first)
    done = edits.apply(store, sweep, Edit(remove=[1]))
    assert done.sentence == "1 waiting run leaves the queue."
    assert combos(store, sweep) == [(0, 1), (0, 2)]
    new = sweeps.find(store, 1)
    assert (new.planned_runs, sweeps.missing(store, new)) == (2, 0)
    rows = sweeps.runs_of(store, new)
    assert [cell.place for cell in results(new, rows)] == [0]
    kept = results(new, rows, removed=True)[1]
    assert (kept.removed, len(kept.finished)) == (True, 1)

    back = edits.apply(store, new, Edit(restore=[1]))
    assert back.sentence == "1 run is added to the queue."
    assert combos(store, sweep) == [(0, 1), (0, 2), (1, 2)]  # seed 1 has finished


def test_asking_for_the_value_of_a_removed_setting_takes_it_in_again(store, sweep):
    edits.apply(store, sweep, Edit(remove=[1]))
    done = edits.apply(store, sweep, Edit(add=[[{"learning_rate": 0.1}]]))
    assert done.sweep.cells == sweep.cells
    assert combos(store, sweep) == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_only_seeds_that_have_not_begun_can_be_left_out(store, sweep):
    rows = sweeps.runs_of(store, sweep)
    finish(store, next(row for row in rows if row.seed == 1))
    with pytest.raises(RunError, match="seed 1 have begun already"):
        edits.apply(store, sweep, Edit(drop_seeds=[1]))
    done = edits.apply(store, sweep, Edit(drop_seeds=[2]))
    assert done.sweep.seeds == [1]
    assert combos(store, sweep) == [(1, 1)]
    assert [len(cell.rows) for cell in results(done.sweep, sweeps.runs_of(store, sweep))] == [1, 1]
    edits.apply(store, sweep, Edit(add_seeds=[2]))
    assert combos(store, sweep) == [(0, 2), (1, 1), (1, 2)]


@pytest.mark.parametrize(("edit", "said"), [
    (Edit(remove=[0, 1]), "no setting left"),
    (Edit(drop_seeds=[1, 2]), "no seed left"),
    (Edit(remove=[5]), "has no setting 6"),
    (Edit(budget=5), "not a search"),
    (Edit(add=[[{"seed": 7}]]), "add seeds instead"),
    (Edit(add_seeds=list(range(3, 2000))), "the maximum is 1,000"),
    (Edit(add=[[{"momentum": 0.0}]]), "nesterov is on"),
])  # fmt: skip
def test_an_edit_that_is_refused_changes_nothing(store, sweep, edit, said):
    with pytest.raises((RunError, ConfigError), match=said):
        edits.apply(store, sweep, edit)
    assert sweeps.find(store, 1) == sweep
    assert len(combos(store, sweep)) == 4


def test_runs_of_a_removed_setting_that_train_go_on(store, sweep):
    row = sweeps.runs_of(store, sweep)[0]
    status.move(store.run(row.id).path, ("queued",), "running", attempt=1)
    done = edits.apply(store, sweep, Edit(remove=[row.cell]))
    assert done.sentence == (
        "1 waiting run leaves the queue. 1 run of removed settings trains to the end."
    )
    assert store.run(row.id).status.state == "running"


def test_an_edit_that_was_cut_off_after_its_file_is_completed(store, sweep):
    longer = edits.outcome(store, sweep, Edit(add=[[{"learning_rate": 0.03}]])).sweep
    sweep_files.save(store.root, longer)  # and then the process was killed
    assert sweeps.missing(store, sweeps.find(store, 1)) == 2
    edits.follow(store, edits.outcome(store, longer, Edit()))
    assert len(combos(store, sweep)) == 6


def test_priorities_move_what_waits_and_hold_for_later_runs(store, sweep):
    other = store.create(BASE)
    store.submit(other)
    edits.apply(store, sweep, Edit(priority=LAST))
    assert store.queue()[0].id == other.id
    edits.apply(store, sweep, Edit(add_seeds=[3]))
    latest = store.create(BASE)
    store.submit(latest)
    waiting = [row.id for row in store.queue()]
    assert waiting[:2] == [other.id, latest.id]
    assert {row.sweep for row in store.queue()[2:]} == {sweep.id}

    run = store.run(waiting[2])
    run.stop("now")
    run.resume()  # its priority stays
    assert [row.id for row in store.queue()][:2] == [other.id, latest.id]
    edits.apply(store, sweep, Edit(priority=FIRST))
    assert [row.id for row in store.queue()][-2:] == [other.id, latest.id]
    edits.apply(store, sweep, Edit(priority=NORMAL))
    assert sweeps.find(store, 1).priority == ""


def test_a_run_that_was_moved_by_hand_gets_no_better_place_with_its_old_priority(store, sweep):
    other = store.create(BASE)
    store.submit(other)
    edits.apply(store, sweep, Edit(priority=LAST))
    dragged = store.queue()[-1].id
    store.to_front(store.run(dragged))
    store.move_up(store.run(other.id))
    assert [row.id for row in store.queue()][:2] == [other.id, dragged]
    edits.apply(store, sweep, Edit(priority=NORMAL))
    edits.apply(store, sweep, Edit(priority=FIRST))
    first = store.create(BASE)
    store.submit(first)
    edits.apply(store, sweep, Edit(priority=NORMAL))
    assert store.queue()[-1].id == first.id
    positions = [row.position for row in store.queue()]
    assert all(abs(position - positions[-1]) < 3600 for position in positions)


def test_only_an_admin_lets_a_sweep_overtake_others(store, sweep):
    ann = Store(store.root, Person(name="ann", role=OPERATOR))
    hers = sweeps.create(ann, BASE, RATES, [5])
    before = [row.id for row in store.queue()]
    with pytest.raises(AccessError, match="is an operator here and may not"):
        edits.apply(ann, hers, Edit(priority=FIRST))
    assert [row.id for row in store.queue()] == before
    edits.apply(ann, hers, Edit(priority=LAST))
    edits.apply(store, hers, Edit(priority=FIRST))
    edits.apply(ann, hers, Edit(add_seeds=[6]))  # what an admin allowed stays
    assert {row.sweep for row in store.queue()[:4]} == {hers.id}


def test_a_priority_keeps_why_a_run_waits(store, sweep):
    run = store.run(sweeps.runs_of(store, sweep)[0].id)
    status.move(run.path, ("queued",), "queued", reason="disk", needs=10**9)
    before = run.status
    edits.apply(store, sweep, Edit(priority=LAST))
    assert replace_struct(run.status, position=before.position) == before


def test_a_sweep_is_decided_when_nothing_is_left_to_do(store, sweep):
    assert not sweeps.is_decided(store, sweep, sweeps.runs_of(store, sweep))
    for row in sweeps.runs_of(store, sweep):
        finish(store, row)
    assert sweeps.is_decided(store, sweep, sweeps.runs_of(store, sweep))
    longer = replace(sweep, seeds=[1, 2, 3])
    assert not sweeps.is_decided(store, longer, sweeps.runs_of(store, longer))


def test_removed_settings_do_not_count_among_the_comparisons(store):
    sweep = sweeps.create(store, BASE, [[*RATES[0], {"learning_rate": 0.5}]], [1, 2, 3])
    for row in sweeps.runs_of(store, sweep):
        finish(store, row, 0.5 + 0.1 * row.cell + 0.001 * row.seed * (row.cell + 1))
    rows = sweeps.runs_of(store, sweep)
    all_cells = results(sweep, rows)
    fewer = edits.apply(store, sweep, Edit(remove=[1])).sweep
    (left,) = compared(results(fewer, rows), all_cells[0])
    before = next(c for c in compared(all_cells, all_cells[0]) if c.place == 2)
    assert left.corrected < before.corrected  # Holm counts one comparison instead of two


def test_files_of_earlier_versions_are_read(store, sweep):
    path = store.root / "sweeps" / f"{sweep.id}.json"
    values = files.read_json(path)
    del values["priority"]
    for cell in values["cells"]:
        del cell["removed"]
    files.write_json(path, values)
    assert sweeps.find(store, 1) == sweep


def searching(store, budget=4):
    """A search with a finished run at each of two points."""
    search = hyperparameter_search.create(store, BASE, SPACE, budget=budget)
    for accuracy in (0.4, 0.6):
        hyperparameter_search.step(store, search.id)
        (row,) = store.queue()
        finish(store, row, accuracy)
    return sweeps.find(store, search.id)


def test_a_larger_budget_takes_up_a_search_that_had_spent_it(store):
    search = searching(store, budget=2)
    mark_ended(store, search, SPENT)
    edits.apply(store, search, Edit(budget=3))
    assert sweeps.find(store, search.id).is_active
    mark_ended(store, search, "Ended by a person.")
    edits.apply(store, search, Edit(budget=9))
    assert not sweeps.find(store, search.id).is_active
    with pytest.raises(ConfigError, match="must be 2 to"):
        edits.apply(store, search, Edit(budget=1))


def values_of(study):
    return [trial.value for trial in study.trials]


def test_results_teach_a_search_whose_ranges_have_changed_where_they_can(store):
    search = searching(store)
    rows = sweeps.runs_of(store, search)
    narrow = search_space.space_of(["learning_rate=0.2..0.5", "optimizer=sgd,adam"])
    edits.apply(store, search, Edit(space=narrow))
    edited = sweeps.find(store, search.id)
    assert values_of(replayed(store, edited, rows)[0]) == [0.4, 0.6]
    assert values_of(replayed(store, edited, rows, outside=False)[0]) == []
    cell = proposed(store, edited, rows)
    assert 0.2 <= cell.changes["learning_rate"] <= 0.5
    assert proposed(store, edited, rows) == cell  # by any process

    first = search.cells[0].changes["optimizer"]
    without = search_space.space_of(["learning_rate=0.001..0.1", "optimizer=yogi,lamb"])
    edits.apply(store, search, Edit(space=without))
    assert first not in ("yogi", "lamb")
    assert values_of(replayed(store, sweeps.find(store, search.id), rows)[0]) == []


def test_a_setting_that_is_added_has_the_value_of_the_base_in_the_runs_so_far(store):
    search = searching(store)
    wider = {**SPACE, **search_space.space_of(["weight_decay=0.0001..0.01"])}
    edits.apply(store, search, Edit(space=wider))
    edited = sweeps.find(store, search.id)
    rows = sweeps.runs_of(store, edited)
    study, _ = replayed(store, edited, rows)
    assert [t.params["weight_decay"] for t in study.trials] == [BASE.weight_decay] * 2
    assert set(proposed(store, edited, rows).changes) == set(wider)
    assert tried(store, edited, rows)[0].changes["weight_decay"] == BASE.weight_decay
    assert importance(store, edited, rows) == {}


def test_a_point_that_the_space_cannot_have_teaches_nothing():
    base = BASE.to_dict()
    rate = search_space.space_of(["learning_rate=0.001..0.1"])
    point_of = search_space.point_of
    assert point_of(Cell(title="", changes={"learning_rate": 5.0}), rate, base) == {
        "learning_rate": 5.0
    }
    other = Cell(title="", changes={"learning_rate": 0.01, "optimizer": "adam"})
    assert point_of(other, rate, base) is None  # the optimizer is no longer searched
    same = Cell(title="", changes={"learning_rate": 0.01, "optimizer": base["optimizer"]})
    assert point_of(same, rate, base) == {"learning_rate": 0.01}
    decay = search_space.space_of(["weight_decay=0.0001..0.1"])
    assert point_of(Cell(title="", changes={}), decay, {**base, "weight_decay": 0.0}) is None


def test_ranges_are_written_as_they_are_read():
    for text in ("learning_rate=0.001..0.1", "optimizer=sgd, adam", "flip=yes, no"):
        space = search_space.space_of([text])
        ((name, range_),) = space.items()
        assert f"{name}={search_space.as_typed(range_)}" == text


def test_the_terminal_edits_a_sweep_and_says_what_follows(store, sweep, capsys):
    where = ["--store", str(store.root)]
    edit = ["sweeps", "edit", "1", "--add-values", "learning_rate=0.03", "--seeds", "3"]
    assert main([*edit, "--dry-run", *where]) == 0
    assert sweeps.find(store, 1) == sweep
    assert main([*edit, *where]) == 0
    assert capsys.readouterr().out == "5 runs are added to the queue.\n" * 2
    assert main(["sweeps", "edit", "1", "--remove", "0.03", *where]) == 0
    assert "3 waiting runs leave the queue." in capsys.readouterr().out
    assert main(["sweeps", "edit", "1", "--remove", "nothing", *where]) == 2
    assert "No setting of 1-sweep-1" in capsys.readouterr().err
