import dataclasses
from itertools import islice

import pytest
import torch
from test_trainer import events, through_files, trainer, values, weights

from cifar_core.errors import TrainingDivergedError
from cifar_core.training import reports
from cifar_core.training.arrival import Arrival
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.reports import Clock, always, never


@pytest.fixture
def at(monkeypatch):
    """Set the time of day, in seconds."""

    def set_to(seconds):
        monkeypatch.setattr(reports.time, "perf_counter", lambda: seconds)

    set_to(0.0)
    return set_to


def reported(at, clock, *, steps, seconds_each):
    """The batches of an epoch after which a report is due, if each takes so long."""
    due = []
    for done in range(1, steps + 1):
        at(done * seconds_each)
        if clock(done, steps):
            due.append(done)
    return due


def test_an_epoch_of_some_length_has_forty_reports(at):
    due = reported(at, Clock(by_step=False), steps=400, seconds_each=0.05)
    assert due == list(range(10, 401, 10))


def test_a_quick_network_reports_ten_times_a_second_at_most(at):
    due = reported(at, Clock(by_step=False), steps=400, seconds_each=1 / 512)
    assert due == [60, 120, 180, 240, 300, 360]


def test_a_slow_network_reports_every_five_seconds(at):
    due = reported(at, Clock(by_step=False), steps=400, seconds_each=2.5)
    assert due[:6] == [2, 4, 6, 8, 10, 12]


def test_by_step_no_clock_is_looked_at(at):
    due = reported(at, Clock(by_step=True), steps=80, seconds_each=100.0)
    assert due == list(range(2, 81, 2))


def test_when_it_is_reported_changes_neither_the_weights_nor_what_an_epoch_says():
    often, seldom = trainer(), trainer()
    often.due, seldom.due = always, never
    said, said_seldom = list(often.run()), list(seldom.run())
    for kind, count in ((StepEvent, 2), (EpochEvent, 2)):
        assert sum(isinstance(e, kind) for e in said_seldom) == count
    assert [values(e) for e in said if isinstance(e, EpochEvent)] == [
        values(e) for e in said_seldom if isinstance(e, EpochEvent)
    ]
    assert torch.equal(weights(often), weights(seldom))


@pytest.fixture
def slow_device(monkeypatch):
    """A device whose copies arrive only when they are waited for."""
    monkeypatch.setattr(Arrival, "is_there", False)


def test_reports_that_are_late_say_the_same_in_the_same_order(slow_device, monkeypatch):
    late = trainer()
    seen = list(late.run())
    steps = [e for e in seen if isinstance(e, StepEvent)]
    first_five = [e for e in seen if not isinstance(e, StepEvent)][:5]
    assert seen[:4] == first_five[:4]  # nothing has arrived before the end of the epoch
    monkeypatch.undo()
    assert [values(e) for e in steps] == [values(e) for e in events(trainer(), StepEvent)]


def test_reports_on_their_way_are_kept_in_a_snapshot(slow_device):
    whole = [values(e) for e in events(trainer(), StepEvent | EpochEvent)]
    first, second = trainer(), trainer()
    ticks = list(islice(first.run(), 3))
    assert not any(isinstance(e, StepEvent) for e in ticks)
    second.restore(through_files(first.snapshot()))
    assert [values(e) for e in events(second, StepEvent | EpochEvent)] == whole
    assert [values(e) for e in events(first, StepEvent | EpochEvent)] == whole  # it goes on too


def test_a_snapshot_at_the_end_of_an_epoch_loses_no_report_and_keeps_their_order(slow_device):
    """Such as one that is due while the reports of the last steps arrive together."""
    it, resumed, said = trainer(), trainer(), []
    for event in it.run():
        if not isinstance(event, Tick):
            said.append(values(event))
        if isinstance(event, StepEvent) and event.step == 4:
            resumed.restore(through_files(it.snapshot()))
    assert [event["step"] for event in said] == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10]
    later = [values(event) for event in events(resumed, StepEvent | EpochEvent)]
    assert later == said[4:]


def test_reports_that_arrive_together_share_the_time_since_the_one_before(slow_device):
    rates = [event.images_per_second for event in events(trainer(), StepEvent)]
    assert len(set(rates[:5])) == len(set(rates[5:])) == 1


def test_reports_before_a_number_that_is_not_finite_are_yielded_first(slow_device):
    running, seen = (it := trainer()).run(), []
    for _ in range(3):
        next(running)
    it.sums.values[0, 0] = float("nan")  # in the fourth step
    with pytest.raises(TrainingDivergedError, match="step 4"):
        seen.extend(running)  # keeps those before the error
    assert [event.step for event in seen if isinstance(event, StepEvent)] == [1, 2, 3]


def test_a_snapshot_without_sums_of_the_epoch_is_restored():
    """Such as all had when the epoch's sums were added up from the reports."""
    first, second = trainer(), trainer()
    running = first.run()
    list(islice(running, 6))  # three reports, each with its tick
    snapshot = first.snapshot()
    assert first.progress.tally.loss > 0
    old = dataclasses.replace(
        snapshot, state={**snapshot.state, "window": snapshot.state["window"][0].clone()}
    )
    second.restore(old)
    said, said_later = (
        next(e for e in steps if isinstance(e, EpochEvent)) for steps in (running, second.run())
    )
    assert said_later.train_loss == pytest.approx(said.train_loss, rel=1e-6)
    assert said_later.train_accuracy == said.train_accuracy
