"""Training on: a run that goes on where another one ended, as if that had never ended."""

import errno
import shutil

import pytest
from run_helpers import SMALL, attempt, store_without_executor, timeless, until, weights_of
from run_helpers import supervisor as chief_of

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import CheckpointError, ConfigError, DiskFullError, RunError
from cifar_core.runs.family import again, inheritance, start_from, train_on
from cifar_core.runs.record import checkpoints, control, metrics, status
from cifar_core.runs.record.checkpoints import STATE
from cifar_core.runs.record.run_kinds import CURVES
from cifar_core.runs.record.watched import rows as watched
from cifar_core.runs.results import verify
from cifar_core.runs.store import damage, retention
from cifar_core.training.snapshot import select


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.training.reports.BY_STEP", True)
    with store_without_executor(tmp_path / "store") as store:
        yield store


def trained(run, number=1):
    """Train a run to its end, as the executor would."""
    result = attempt(run, number).work()
    ended(run, result.outcome, number)
    return run


def ended(run, state="finished", number=1):
    status.write(run.path, status.RunStatus(**status.described(state), attempt=number))


def new(store, **settings):
    return store.create(TrainConfig(**{**SMALL, "schedule": "constant", **settings}), name="One")


def longer(store, run, epochs, **how):
    return trained(train_on.create(store, train_on.plan(run, epochs=epochs, **how)))


def outcome(run):
    """Return what a run has learned, with its optimizer's memory, and every row."""
    last = run.checkpoint("last")
    _, state = checkpoints.load(last.path)
    progress = {k: v for k, v in last.manifest["meta"]["progress"].items() if k != "began"}
    progress |= {"tally": {}, "best": {**progress["best"], "stale_epochs": 0}}
    return (
        timeless(run.metrics()),
        [weights_of(run, name) for name in ("best", "last")],
        {name: tensor.tolist() for name, tensor in select(state, "optimizer/").items()},
        progress,
        [row.right for row in watched.read(run.path)],
    )


def stopped_in_the_middle(store, **settings):
    """Return a run that a person stopped within its second epoch."""
    run = new(store, **settings)
    worker = attempt(run)
    keep = worker.after_steps
    asked = []

    def stop_later(event):
        keep(event)
        if event.step == 14 and not asked:
            asked.append(control.write(run.path, "now"))

    worker.after_steps = stop_later
    assert worker.work().outcome == "stopped"
    ended(run, "stopped")
    return run


@pytest.mark.parametrize(
    "settings",
    [
        {"ema_epochs": 0.5, "mixup": 0.2, "patience": 9},
        {"model": "simple_cnn_dropout", "optimizer": "adamw", "precision": "bfloat16"},
    ],
    ids=["averaged", "dropout"],
)
def test_two_and_two_epochs_are_four(store, settings):
    whole = trained(new(store, epochs=4, **settings))
    half = trained(new(store, epochs=2, **settings))
    before = files.sha256_of(half.path / "about.json"), len(half.metrics())
    child = longer(store, half, 2)
    assert outcome(child) == outcome(whole)
    assert child.summary.best_epoch == whole.summary.best_epoch
    assert before == (files.sha256_of(half.path / "about.json"), len(half.metrics()))
    assert child.about.parent == child.about.start.run == half.id
    assert child.about.start.checkpoint == half.checkpoint("last").name


def test_no_more_epochs_change_nothing(store):
    whole = trained(new(store, epochs=2, schedule="one_cycle"))
    child = longer(store, whole, 0)
    assert timeless(child.metrics()) == timeless(whole.metrics())
    assert [weights_of(child, n) for n in ("best", "last")] == [
        weights_of(whole, n) for n in ("best", "last")
    ]
    assert child.status.state == "finished"
    assert child.summary.test_accuracy == whole.summary.test_accuracy


def test_an_epoch_that_had_begun_is_the_first_of_those_that_are_added(store):
    whole = trained(new(store, epochs=4))
    half = stopped_in_the_middle(store, epochs=3)
    with pytest.raises(ConfigError, match="in the middle of epoch 2"):
        train_on.plan(half, epochs=0)
    plan = train_on.plan(half, epochs=3)
    assert (plan.began, plan.new_epochs, plan.config.epochs) == (1, 3, 4)
    assert 1 < plan.first_epoch < 2
    child = trained(train_on.create(store, plan))
    assert outcome(child)[1:] == outcome(whole)[1:]


def test_a_child_is_trained_on_again_when_both_before_it_are_gone(store):
    whole = trained(new(store, epochs=4))
    first = trained(new(store, epochs=2))
    second = longer(store, first, 1)
    store.delete(first)
    third = train_on.create(store, train_on.plan(second, epochs=1))
    store.delete(second)
    store.empty_trash(older_than_days=-1)
    assert outcome(trained(third)) == outcome(whole)


def test_a_child_whose_checkpoints_are_damaged_begins_again_where_it_began(store):
    whole = trained(new(store, epochs=4))
    child = longer(store, trained(new(store, epochs=2)), 2)
    for path in checkpoints.folders(child.path / "checkpoints"):
        (path / "manifest.json").write_text("{}")
    trained(child, 2)
    assert "begins again" in child.attempts()[-1].note
    assert outcome(child) == outcome(whole)


def test_a_child_never_begins_from_nothing(store):
    child = train_on.create(store, train_on.plan(trained(new(store, epochs=1)), epochs=1))
    for path in child.path.rglob("*.safetensors"):
        path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="1-one on, but the copy of its checkpoint"):
        attempt(child).work()


def test_a_child_never_begins_again_from_numbers_that_are_not_finite(store):
    child = train_on.create(store, train_on.plan(trained(new(store, epochs=1)), epochs=1))
    (begun,) = (path for path in child.path.glob("checkpoints/*") if path.is_dir())
    later = begun.with_name("00000020-a2")
    shutil.copytree(begun, later)
    manifest = {**files.read_json(later / "manifest.json"), "name": later.name, "step": 20}
    files.write_json(later / "manifest.json", checkpoints.seal({**manifest, "attempt": 2}))
    found, _ = inheritance.or_begin_again(child, None, [])
    assert found.name == begun.name


def test_a_run_that_cannot_be_made_leaves_nothing_behind(store):
    run = trained(new(store, epochs=1))
    plan = train_on.plan(run, epochs=1)
    (run.checkpoint("last").path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="Choose another checkpoint of run 1-one"):
        train_on.create(store, plan)
    assert [path.name for path in (store.root / "runs").iterdir()] == [run.id]


def test_a_run_for_which_the_disk_has_no_room_leaves_nothing_behind(store):
    def full(draft):
        (draft / "large").write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="a new run needs"):
        store.create(TrainConfig(**SMALL), fill=full)
    assert not list((store.root / "runs").iterdir())


def test_a_run_that_is_no_training_is_called_what_it_is(store):
    run = new(store)
    run.edit_about(kind=CURVES)
    words = "has only curves that were imported from another tool"
    with pytest.raises(RunError, match=words):
        train_on.plan(run, epochs=1)
    with pytest.raises(RunError, match=words):
        start_from.must_have_weights(run)


def test_an_end_that_would_come_before_the_first_new_epoch_is_refused(store):
    run = trained(new(store, epochs=1))
    with pytest.raises(ConfigError, match="hours that run 1-one has trained count too"):
        train_on.plan(run, epochs=1, changes={"most_hours": 1e-9})
    with pytest.raises(ConfigError, match="which run 1-one has reached"):
        train_on.plan(run, epochs=1, changes={"goal": run.summary.best_val_accuracy})
    assert train_on.plan(run, epochs=1).turned_off == ""
    plan = train_on.plan(run, epochs=1, changes={"goal": 1.0, "most_hours": 1.0})
    assert (plan.config.goal, plan.config.most_hours) == (1.0, 1.0)


def test_what_ended_a_run_does_not_end_the_epochs_that_are_added(store):
    run = trained(new(store, goal=0.001, most_hours=5.0, epochs=3))
    assert run.summary.epochs_done == 1  # its goal was reached at once
    plan = train_on.plan(run, epochs=2)
    assert (plan.config.goal, plan.config.most_hours) == (0.0, 0.0)
    assert plan.turned_off == "Turned off for the new epochs: goal, longest time in hours."
    assert train_on.plan(run, epochs=2, changes={"goal": 0.999}).config.goal == 0.999
    assert trained(train_on.create(store, plan)).summary.epochs_done == 3


def test_a_goal_that_was_not_reached_still_ends_the_epochs_that_are_added(store):
    run = trained(new(store, goal=0.999, epochs=1))
    plan = train_on.plan(run, epochs=1)
    assert (plan.config.goal, plan.turned_off) == (0.999, "")


def test_a_schedule_runs_over_the_new_epochs_alone(store):
    run = trained(new(store, epochs=2, schedule="one_cycle", learning_rate=0.04))
    plan = train_on.plan(run, epochs=2, rate="cycle")
    epochs, rates = plan.rates()
    assert max(rates) == pytest.approx(0.04, rel=0.01)
    assert 2 < epochs[0] < epochs[rates.index(max(rates))] < 2.6
    child = trained(train_on.create(store, plan))
    drawn = dict(zip([round(epoch * 10 - 0.5) for epoch in epochs], rates, strict=True))
    steps = [r for r in child.metrics() if r["kind"] == "step" and r["step"] > 20]
    assert steps
    for row in steps:  # a report is of the step before it
        assert row["learning_rate"] == drawn[row["step"] - 1]
    assert plan.past()[0][-1] == 2


def test_a_rate_of_nearly_zero_is_refused_with_another(store):
    run = trained(new(store, epochs=2, schedule="cosine", learning_rate=0.02))
    stands = train_on.plan(run, epochs=2, rate="last")
    assert "change almost nothing" in stands.refused
    assert (stands.proposed_rate, stands.proposed_learning_rate) == ("decay", 0.002)
    with pytest.raises(RunError, match="almost nothing"):
        train_on.create(store, stands)
    usual = train_on.plan(run, epochs=2)
    assert (usual.rate, usual.config.learning_rate, usual.refused) == ("decay", 0.002, "")
    assert usual.rates()[1][0] > 0.0019
    assert usual.rates()[1][-1] < 0.0001


def test_what_a_plateau_took_off_the_rate_stays_off(store):
    run = trained(
        new(store, epochs=3, schedule="plateau", plateau_epochs=0, step_factor=0.5,
            learning_rate=1e-6)
    )  # fmt: skip
    share = run.checkpoint("last").manifest["meta"]["progress"]["plateau"]["share"]
    assert share < 1
    plan = train_on.plan(run, epochs=1, rate="constant", learning_rate=0.01)
    child = trained(train_on.create(store, plan))
    rates = {r["learning_rate"] for r in child.metrics() if r["kind"] == "step" and r["step"] > 30}
    assert rates == {0.01}


def test_early_stopping_counts_anew(store):
    run = trained(new(store, epochs=9, patience=1, min_delta=0.5))
    assert run.summary.epochs_done == 2
    assert longer(store, run, 5).summary.epochs_done == 3


def test_what_would_be_another_run_is_refused(store):
    run = trained(new(store, epochs=1))
    with pytest.raises(ConfigError, match=r"batch_size would change.*Start from its weights"):
        train_on.plan(run, epochs=1, changes={"batch_size": 8})
    plan = train_on.plan(run, epochs=1, changes={"patience": 3, "device": "cpu"})
    assert plan.config.patience == 3
    with pytest.raises(ConfigError, match="cannot be added"):
        train_on.plan(run, epochs=-1)
    with pytest.raises(ConfigError, match="no rate can be given"):
        train_on.plan(run, epochs=1, rate="last", learning_rate=0.1)
    status.move(run.path, ("finished",), "running")
    with pytest.raises(RunError, match="is running"):
        train_on.plan(run, epochs=1)


def test_weights_alone_cannot_be_trained_on(store):
    run = trained(new(store, epochs=1))
    path = run.checkpoint("last").path
    manifest = files.read_json(path / "manifest.json")
    manifest["files"].pop(STATE)
    files.write_json(path / "manifest.json", checkpoints.seal(manifest))
    with pytest.raises(RunError, match="holds only weights"):
        train_on.create(store, train_on.plan(run, epochs=1))
    assert [row.id for row in store.runs()] == [run.id]


def test_a_draft_shows_the_history_it_will_continue(store):
    run = trained(new(store, epochs=2))
    child = train_on.create(store, train_on.plan(run, epochs=2))
    row = next(row for row in store.runs() if row.id == child.id)
    assert (row.epochs_done, row.epochs, row.test_accuracy) == (2, 4, None)
    assert row.history == run.summary.history
    assert child.attempts() == []
    assert child.log_tail() == ""
    assert child.name == "One, trained on to epoch 4"
    ended(child)
    later = train_on.create(store, train_on.plan(child, epochs=3))
    assert later.name == "One, trained on to epoch 5"


def test_a_child_is_verified_from_where_it_began(store):
    child = longer(store, trained(new(store, epochs=1)), 1)
    store.delete(store.run(1))
    found = verify.verify(child, steps=4)
    assert found.equal, found.sentence
    assert found.steps == 4


def test_a_copy_of_a_child_goes_on_from_the_same_checkpoint(store):
    first = trained(new(store, epochs=1))
    child = longer(store, first, 1)
    store.delete(first)
    fill = again.like(child, child.config)
    copy = trained(store.create(child.config, parent=child.id, fill=fill))
    assert outcome(copy) == outcome(child)
    with pytest.raises(ConfigError, match="seed would change"):
        again.like(child, TrainConfig(**{**child.config.to_dict(), "seed": 5}))


def test_deleting_the_parent_frees_only_what_no_child_needs(store):
    run = trained(new(store, epochs=1))
    whole = retention.size_of(run.path)
    child = train_on.create(store, train_on.plan(run, epochs=1))
    weights = sum(p.stat().st_size for p in run.path.glob("checkpoints/*/*.safetensors"))
    assert retention.size_of(run.path) == whole - weights
    store.delete(run)
    store.empty_trash(older_than_days=-1)
    assert retention.size_of(child.path) >= weights
    assert not [item for item in retention.unneeded(store) if "ancestors" in str(item.path)]


def test_the_executor_trains_a_run_on_in_a_process_of_its_own(store):
    import sys

    whole = trained(new(store, epochs=2))
    child = train_on.create(store, train_on.plan(trained(new(store, epochs=1)), epochs=1))
    store.submit(child)
    chief = chief_of(store, "finish")
    chief.command = lambda run, attempt: [
        sys.executable, "-m", "cifar_core.runs.worker", str(run.path), str(attempt)
    ]  # fmt: skip
    until(lambda: child.status.state == "finished", chief.step, seconds=120)
    assert metrics.attempt_numbers(child.path) == [0, 1]
    assert not damage.damages(child, thorough=True)
    assert [weights_of(child, n) for n in ("best", "last")] == [
        weights_of(whole, n) for n in ("best", "last")
    ]
