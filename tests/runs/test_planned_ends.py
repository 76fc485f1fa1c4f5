"""The ends of a training before its last epoch: each with its reason, and equal after any kill."""

import json
import math
import sys
from pathlib import Path

import pytest
from run_helpers import (
    CHIEFS,
    CPU,
    SMALL,
    attempt,
    lending,
    queued,
    store_without_executor,
    supervisor,
    timeless,
    until,
    weights_of,
)

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import RunError, TrainingDivergedError
from cifar_core.reading import ends
from cifar_core.runs.engine import waiting
from cifar_core.runs.engine.ending import conclude
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.family import train_on
from cifar_core.runs.record import checkpoints, control, metrics, status
from cifar_core.runs.record.divergences.decisions import rate_shares
from cifar_core.runs.record.records import AttemptEnd, ShimEnd
from cifar_core.runs.record.summary import Pace
from cifar_core.runs.results import verify
from cifar_core.runs.results.reading import reading_of
from cifar_core.training.step.finite import stop_unless_finite

DIVERGING = Path(__file__).parents[1] / "diverging_trainer.py"
STEPS = 10  # an epoch, of the runs here


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A store of runs with which several tests compare their own."""
    with store_without_executor(tmp_path_factory.mktemp("lasting") / "store") as store:
        yield store


class PulledPlugError(Exception):
    """Stands for a power cut: nothing after it is executed."""


def new_run(store, **settings):
    return store.create(TrainConfig(**{**SMALL, **settings}))


def at_row(worker, number, act):
    """Do something as soon as an attempt has kept so many rows."""
    keep, kept = worker.keep, []

    def keep_and_act(event):
        keep(event)
        kept.append(event)
        if len(kept) == number:
            act(worker)

    worker.keep = keep_and_act


def pull_the_plug(worker):
    raise PulledPlugError


def poison(worker):
    next(worker.trainer.model.parameters()).data.fill_(math.nan)


def cut(run, row, number=1):
    worker = attempt(run, number)
    at_row(worker, row, pull_the_plug)
    with pytest.raises(PulledPlugError):
        worker.work()


def step_rows(run):
    return [row for row in run.metrics() if row["kind"] == "step"]


def assert_same(run, other):
    assert timeless(run.metrics()) == timeless(other.metrics())
    for name in ("last", "best"):
        assert weights_of(run, name) == weights_of(other, name)
    assert run.summary.end == other.summary.end


def concluded(run, number, result):
    """Conclude an attempt as the executor does, and return the ending."""
    ending = conclude(
        attempt=number, result=result, ended=ShimEnd(), control=control.read(run.path),
        settings=run.settings, saved=True, deaths=0, diverged_before=len(rate_shares(run.path)) - 1,
    )  # fmt: skip
    end = AttemptEnd(message=ending.message, state=ending.state, diverged_at=ending.diverged_at)
    files.write_json(metrics.attempt_folder(run.path, number) / "end.json", end)
    return ending


GOAL = {"epochs": 40, "goal": 0.15, "best_by": "accuracy"}


@pytest.fixture(scope="module")
def at_goal(lasting):
    """A run that has reached its goal."""
    whole = new_run(lasting, **GOAL)
    result = attempt(whole).work()
    assert result.outcome == "finished"
    assert "because its goal was reached, a validation accuracy of 15.0" in result.message
    assert whole.summary.end == ends.GOAL
    assert whole.metrics()[-1]["end"] == ends.GOAL
    assert whole.summary.epochs_done < 40
    return whole


@pytest.mark.parametrize("row", [5, 11, 16])  # the last is the rows' end: before the test
def test_a_goal_that_is_reached_ends_alike_after_a_power_cut(store, at_goal, row):
    cut_off = new_run(store, **GOAL)
    cut(cut_off, min(row, len(at_goal.metrics()) - 1))
    attempt(cut_off, 2).work()
    assert_same(cut_off, at_goal)


def by_steps(monkeypatch, seconds):
    """Let the clock of a run go forward by so many seconds with each of its steps."""
    worker_of = {}

    def spent(pace):
        worker = worker_of["latest"]
        return seconds * worker.trainer.step

    monkeypatch.setattr(Pace, "seconds", property(spent))
    return worker_of


def test_when_the_time_is_up_it_saves_and_finishes_with_the_best_epoch(store, monkeypatch):
    run, clock = new_run(store, epochs=40, most_hours=1.0), by_steps(monkeypatch, 240.0)
    clock["latest"] = attempt(run)
    result = clock["latest"].work()
    assert result.outcome == "finished"
    assert "because its time of 1 hour was up" in result.message
    assert run.checkpoint("last").step == 15  # 3,600 s, in the middle of the second epoch
    assert (run.summary.end, run.summary.epochs_done) == (ends.TIME, 1)
    assert run.summary.test_accuracy is not None
    other = new_run(store, epochs=40)
    cut(other, 15 + 1)  # 15 steps and an epoch
    assert timeless(run.metrics())[:-1] == timeless(other.metrics())


def test_a_run_whose_time_was_up_before_a_power_cut_trains_no_further(store, monkeypatch):
    run, clock = new_run(store, epochs=40, most_hours=1.0), by_steps(monkeypatch, 240.0)
    clock["latest"] = worker = attempt(run)
    at_row(worker, 15 + 2, pull_the_plug)  # the row of the test, whose message is never written
    with pytest.raises(PulledPlugError):
        worker.work()
    clock["latest"] = attempt(run, 2)
    assert clock["latest"].work().outcome == "finished"
    assert run.metrics()[-2]["step"] == run.metrics()[-1]["step"] == 15


def test_at_least_one_epoch_is_trained_and_validated(store, monkeypatch):
    run, clock = new_run(store, most_hours=0.5), by_steps(monkeypatch, 3600.0)
    clock["latest"] = attempt(run)
    clock["latest"].work()
    assert (run.summary.step, run.summary.epochs_done) == (STEPS, 1)
    assert run.summary.best_epoch == 1


def test_the_time_that_is_left_is_at_most_that_of_the_limit(store, monkeypatch):
    run, left = new_run(store, epochs=40, most_hours=1.0), []
    clock = by_steps(monkeypatch, 240.0)
    monkeypatch.setattr(Pace, "eta_seconds", lambda pace, step, total: 1000.0 * (total - step))
    clock["latest"] = worker = attempt(run)
    for row in (3, 13):
        at_row(worker, row, lambda worker: left.append(worker.seconds_left))
    worker.work()
    # in the first epoch until its end, which is always trained; then until the limit
    assert left == [1000.0 * (STEPS - 3), 3600.0 - 240.0 * 12]


def overfit_after(monkeypatch, epochs):
    """Let the reading find that a run overfits from an epoch on."""
    seen = []

    def overfits(curves, situation):
        seen.append((len(curves.epoch), len(curves.step), situation.state))
        return len(curves.epoch) >= epochs

    monkeypatch.setattr("cifar_core.runs.engine.worker.planned_ends.overfits", overfits)
    return seen


@pytest.fixture(scope="module")
def overfitted(lasting):
    """A run that ended because it overfitted."""
    whole = new_run(lasting, epochs=9, stop_overfitting=True)
    with pytest.MonkeyPatch.context() as patch:
        seen = overfit_after(patch, 2)
        result = attempt(whole).work()
    assert "2 of 9 epochs because it overfitted" in result.message
    assert seen == [(1, 1, "running"), (2, 2, "running")]  # each epoch once, by its own rows
    assert whole.summary.end == ends.OVERFITTING
    return whole


@pytest.mark.parametrize("row", [5, 15, 22, 23])
def test_overfitting_ends_it_and_ends_alike_after_a_power_cut(store, overfitted, monkeypatch, row):
    overfit_after(monkeypatch, 2)
    cut_off = new_run(store, epochs=9, stop_overfitting=True)
    cut(cut_off, row)
    attempt(cut_off, 2).work()
    assert_same(cut_off, overfitted)


def test_a_run_that_is_not_to_stop_when_it_overfits_is_not_judged(store, monkeypatch):
    seen = overfit_after(monkeypatch, 1)
    assert "Finished after 3 epochs:" in attempt(run := new_run(store)).work().message
    assert (seen, run.summary.end) == ([], ends.LAST_EPOCH)


def test_stopping_after_the_epoch_that_ends_it_anyway_lets_it_finish(store, monkeypatch):
    overfit_after(monkeypatch, 1)
    worker = attempt(run := new_run(store, stop_overfitting=True))
    at_row(worker, 4, lambda worker: control.write(run.path, "epoch"))
    assert worker.work().outcome == "finished"


def test_at_a_time_of_day_it_stops_with_a_checkpoint(store, monkeypatch):
    run = new_run(store)
    worker = attempt(run)
    at_row(worker, 6, lambda worker: control.set_until(run.path, 1.0))
    result = worker.work()
    assert (result.outcome, result.message) == (
        "stopped", "Stopped at epoch 0.6, step 6, at the time that was set.",
    )  # fmt: skip
    assert run.checkpoint("last").step == 6
    control.write(run.path, "")  # as resuming does
    assert control.read(run.path).until == 0.0
    assert attempt(run, 2).work().outcome == "finished"
    undisturbed = new_run(store)
    attempt(undisturbed).work()
    assert_same(run, undisturbed)


def test_a_time_that_has_passed_and_a_run_that_is_over_are_refused(store):
    run = new_run(store)
    with pytest.raises(RunError, match="nothing to stop"):
        control.stop_at(run, 2e9)
    store.submit(run)
    with pytest.raises(RunError, match="in the future"):
        control.stop_at(run, 1.0)
    control.stop_at(run, 4e9)
    assert control.read(run.path).until == 4e9
    control.write(run.path, "")  # as a restart does; the time has not come yet
    assert control.read(run.path).until == 4e9


def test_a_waiting_run_whose_time_has_come_is_not_started(store):
    run, chief = queued(store), supervisor(store, "finish")
    control.set_until(run.path, 1.0)
    chief.step()
    assert (run.status.state, run.status.message) == ("stopped", waiting.TOO_LATE)
    assert run.attempts() == []
    run.resume()
    until(lambda: run.status.state == "finished", chief.step)


def test_a_run_that_waits_for_disk_space_is_stopped_when_its_time_has_come(store):
    run, chief = queued(store), supervisor(store, "finish")
    status.move(run.path, ("queued",), "paused", reason="disk")
    control.set_until(run.path, 1.0)
    chief.step()
    assert (run.status.state, run.attempts()) == ("stopped", [])


def diverged(store, row=15, **settings):
    """Train until a weight is no number, and let the executor decide to go on."""
    run = new_run(store, retries_diverged=2, epochs=4, schedule="constant", **settings)
    worker = attempt(run)
    at_row(worker, row, poison)
    result = run_attempt(worker)
    assert (result.outcome, result.reason) == ("failed", "diverged")
    ending = concluded(run, 1, result)
    assert (ending.state, ending.diverged_at) == ("queued", result.diverged_at)
    return run


@pytest.fixture(scope="module")
def at_a_tenth(lasting):
    """A run that diverged and was trained to its end at a tenth of its rate."""
    whole = diverged(lasting)
    assert attempt(whole, 2).work().outcome == "finished"
    return whole


def test_after_a_divergence_it_goes_on_from_the_last_good_checkpoint_at_a_tenth(at_a_tenth):
    run = at_a_tenth
    rates = {row["step"]: row["learning_rate"] for row in step_rows(run)}
    assert set(rates) == set(range(1, 41))
    assert [rates[step] for step in range(1, 11)] == [0.02] * 10
    assert [rates[step] for step in range(11, 41)] == [pytest.approx(0.002)] * 30
    words = "After the divergence at step 15 it continued at a tenth of the learning rate."
    assert words in run.attempts()[1].note
    assert words in [finding.sentence for finding in reading_of(run).findings]


@pytest.mark.parametrize("row", [3, 11, 20, 31])
def test_the_attempt_at_a_tenth_equals_itself_after_a_power_cut(store, at_a_tenth, row):
    cut_off = diverged(store)
    cut(cut_off, row, number=2)
    attempt(cut_off, 3).work()
    assert_same(cut_off, at_a_tenth)


def test_it_can_be_verified_across_the_change_of_the_rate(at_a_tenth):
    assert rate_shares(at_a_tenth.path) == {0: 1.0, 10: 0.1}
    result = verify.verify(at_a_tenth)
    assert result.equal, result.sentence


def test_a_child_that_diverges_goes_on_from_where_it_began_and_can_be_verified(store):
    parent = new_run(store, epochs=1, schedule="constant")
    assert attempt(parent).work().outcome == "finished"
    status.write(parent.path, status.RunStatus(**status.described("finished"), attempt=1))
    plan = train_on.plan(parent, epochs=2, changes={"retries_diverged": 2})
    child = train_on.create(store, plan)
    for number in (1, 2):  # the second time no own checkpoint is there either
        worker = attempt(child, number)
        at_row(worker, 5, poison)
        assert concluded(child, number, run_attempt(worker)).state == "queued"
    assert attempt(child, 3).work().outcome == "finished"
    own = [row["learning_rate"] for row in step_rows(child) if row["step"] > STEPS]
    assert own == [pytest.approx(0.0002)] * 20
    found = verify.verify(child, steps=4)
    assert found.equal, found.sentence


def test_a_checkpoint_whose_weights_are_no_numbers_is_passed_over(store):
    run = new_run(store, retries_diverged=1, epochs=3)
    worker = attempt(run)

    def save_what_is_wrong(worker):
        poison(worker)
        worker.save()

    at_row(worker, 15, save_what_is_wrong)
    concluded(run, 1, run_attempt(worker))
    assert run.checkpoint("last").step == 14
    worker = attempt(run, 2)
    worker.prepare()
    assert worker.trainer.step == STEPS
    assert "00000014-a1 is not used: not all of its numbers are finite." in run.attempts()[1].note
    assert run.checkpoint("last").step == STEPS  # what is superseded is gone


def test_a_second_divergence_at_the_same_place_goes_one_checkpoint_further_back(store):
    run = diverged(store, row=25)
    worker = attempt(run, 2)
    at_row(worker, 4, poison)
    assert concluded(run, 2, run_attempt(worker)).state == "queued"
    worker = attempt(run, 3)
    worker.prepare()
    assert worker.trainer.step == STEPS  # not 20 again
    assert worker.trainer.learning_rate == pytest.approx(0.0002)
    with pytest.raises(TrainingDivergedError, match=r"Try a peak rate of 2e-05,"):
        stop_unless_finite(worker.trainer, math.nan, 1.0, STEPS)
    assert "the run diverged from it again" in run.attempts()[2].note


def test_without_a_good_checkpoint_it_begins_again_at_a_tenth(store):
    run = diverged(store, row=4)
    attempt(run, 2).work()
    rates = [row["learning_rate"] for row in step_rows(run)]
    assert rates == [pytest.approx(0.002)] * 40
    assert rate_shares(run.path) == {0: 0.1}


def test_a_pinned_checkpoint_from_after_the_good_one_stays_as_weights(store):
    run = new_run(store, retries_diverged=1, epochs=3)
    worker = attempt(run)

    def save_and_pin(worker):
        poison(worker)
        worker.save()
        run.edit_about(pinned_checkpoints=["00000014-a1"])

    at_row(worker, 15, save_and_pin)
    concluded(run, 1, run_attempt(worker))
    attempt(run, 2).work()
    (pinned,) = [info for info in run.checkpoints() if info.name == "00000014-a1"]
    assert not pinned.resumable


@pytest.mark.parametrize(("allowed", "before"), [(0, 0), (1, 1), (2, 2)])
def test_when_its_retries_are_used_up_it_fails(allowed, before):
    from cifar_core.runs.record.records import AttemptResult

    ending = conclude(
        attempt=1, result=AttemptResult(outcome="failed", reason="diverged", diverged_at=5,
                                        message="The loss became nan."),
        ended=ShimEnd(), control=control.Control(), saved=True, deaths=0, diverged_before=before,
        settings={"retries_diverged": allowed, "learning_rate": 0.1},
    )  # fmt: skip
    assert (ending.state, ending.reason) == ("failed", "diverged")
    assert ending.suggestion == {"learning_rate": pytest.approx(0.01 / 10**before)}


def test_a_run_that_was_asked_to_stop_does_not_go_on_after_a_divergence(store):
    run = new_run(store, retries_diverged=1)
    worker = attempt(run)
    at_row(worker, 5, poison)
    result = run_attempt(worker)
    control.write(run.path, "epoch")
    assert concluded(run, 1, result).state == "failed"


def test_what_later_versions_add_to_a_row_does_no_harm(store):
    run = new_run(store, epochs=1)
    attempt(run).work()
    path = metrics.metrics_path(run.path, 1)
    *others, last = path.read_text().splitlines()
    old = {key: value for key, value in json.loads(last).items() if key != "end"}
    path.write_text("\n".join([*others, json.dumps(old)]) + "\n")
    assert run.metrics()[-1]["kind"] == "test"
    assert checkpoints.newest_valid(run.path)[0].step == STEPS


def test_the_executor_lets_a_run_go_on_more_slowly_until_it_trains(store):
    run = diverged(store, row=14)
    store.submit(run)

    def command(run, attempt):
        return [sys.executable, str(DIVERGING), str(run.path), str(attempt), "0.001"]

    chief = Supervisor(store, command=command, roster=lending(store, CPU))
    CHIEFS.append(chief)
    until(lambda: run.status.state in ("finished", "failed"), chief.step, seconds=240)
    assert run.status.state == "finished", run.status.message
    first, second, last = run.attempts()  # at 0.02, 0.002 and 0.0002
    assert [one.from_step for one in (first, second, last)] == [0, 10, 0]
    assert "stopped being a number at step 14. It continues at a tenth" in first.ended
    assert "continued at a hundredth of the learning rate" in last.note
    assert {row["learning_rate"] for row in step_rows(run)} == {0.02 / 10 / 10}
