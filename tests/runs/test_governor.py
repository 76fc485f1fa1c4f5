"""The governor of threads, on an invented machine whose clock is that of its steps."""

import pytest

from cifar_core.disk import files
from cifar_core.runs.engine.thread_governor import LONGEST, SHORTEST, Governor, Stretch
from cifar_core.runs.engine.threads import OtherPrograms, ThreadKeeper, governor_of
from cifar_core.runs.record.records import AttemptPlan


class Machine:
    """Four cores; others may take some, and so many threads then train at so many images/s."""

    def __init__(self, most=3):
        self.governor = Governor(most, 4)
        self.others, self.known = 0.0, True
        self.rates = {1: 100.0, most: 250.0}
        self.clock, self.images, self.changes, self.at = 0.0, 0.0, [], []

    def train(self, seconds):
        end = self.clock + seconds
        while self.clock < end:
            threads = self.governor.threads
            self.at.append(threads)
            stretch = Stretch(
                wall=0.5,
                cpu=0.5 * threads,
                images=round(0.5 * self.rates[threads]),
                others=self.others if self.known else None,
            )
            self.clock += 0.5
            self.images += stretch.images
            if self.governor.add(stretch):
                self.changes.append((self.clock, self.governor.threads))

    def crowd(self, *, others=2.0, rate=30.0):
        self.others, self.rates = others, {**self.rates, self.governor.most: rate}

    def leave(self):
        self.others, self.rates = 0.0, {**self.rates, self.governor.most: 250.0}


@pytest.fixture
def machine():
    return Machine()


def test_nothing_is_tried_while_the_cores_are_free(machine):
    machine.train(1000)
    assert set(machine.at) == {3}


def test_a_slow_part_of_training_on_free_cores_changes_nothing(machine):
    machine.train(60)
    machine.rates[3] = 60.0  # as when all layers of a network begin to learn
    machine.train(600)
    assert set(machine.at) == {3}


def test_one_thread_is_left_soon_after_others_come(machine):
    machine.train(10)
    machine.crowd()
    machine.train(10)
    assert machine.governor.threads == 1
    assert "now 1, because other programs" in machine.governor.words
    assert "100 images per second with one, 30 with 3" in machine.governor.words


def test_cores_that_are_busy_from_the_beginning_are_noticed(machine):
    machine.crowd()
    machine.train(10)
    assert machine.governor.threads == 1


def test_without_counts_of_others_inflated_steps_are_noticed(machine):
    machine.known = False
    machine.train(10)
    machine.crowd()
    machine.train(10)
    assert machine.governor.threads == 1


def test_crowded_threads_that_are_still_faster_are_kept(machine):
    machine.crowd(rate=180.0)
    machine.train(300)
    assert machine.governor.threads == 3
    assert machine.changes == []


def test_all_threads_come_back_when_the_others_have_left(machine):
    machine.crowd()
    machine.train(60)
    machine.leave()
    machine.train(SHORTEST + 10)
    assert machine.governor.threads == 3
    assert "again 3" in machine.governor.words
    assert [count for _, count in machine.changes] == [1, 3]


def test_trials_that_gain_nothing_become_rare(machine):
    machine.known = False
    machine.train(10)
    machine.crowd()
    machine.train(3600)
    first, last = machine.at[:600], machine.at[-2 * int(LONGEST) :]
    assert first.count(3) > last.count(3)
    assert machine.images > 0.97 * 100 * machine.clock


@pytest.mark.parametrize("period", [3.0, 10.0, 50.0])
def test_others_that_come_and_go_cost_little_against_one_thread(machine, period):
    for _ in range(int(600 / period)):
        machine.crowd()
        machine.train(period / 2)
        machine.leave()
        machine.train(period / 2)
    assert len(machine.changes) <= 2 * 600 / SHORTEST
    assert machine.images > 0.9 * 100 * machine.clock


PLAN = {"device": "cpu", "threads": 3}
AUTOMATIC = {"threads": 0, "deterministic": False}


@pytest.mark.parametrize(
    ("settings", "plan"),
    [
        ({"threads": 3}, {}),
        ({"deterministic": True}, {}),
        ({}, {"threads": 1}),
        ({}, {"device": "cuda:0"}),
    ],
)
def test_a_number_that_must_not_change_has_no_governor(settings, plan):
    assert governor_of(AUTOMATIC, AttemptPlan(**PLAN)) is not None
    assert governor_of({**AUTOMATIC, **settings}, AttemptPlan(**{**PLAN, **plan})) is None


def test_only_whole_steps_of_one_epoch_are_timed(monkeypatch):
    from cifar_core.training.events import Tick

    clock = iter(range(100))
    monkeypatch.setattr("cifar_core.runs.engine.threads.STRETCH", 1e9)
    monkeypatch.setattr(
        "cifar_core.runs.engine.threads.time.perf_counter", lambda: float(next(clock))
    )
    keeper = ThreadKeeper(Governor(2, 2), 8, print)
    ticks = [("train", 1), ("train", 2), ("train", 3), ("validate", 1), ("train", 1), ("train", 2)]
    for phase, done in ticks:
        keeper.see(Tick(phase=phase, done=done, total=3))
    assert (keeper.stretch.images, keeper.stretch.wall) == (24, 3.0)


def test_other_programs_are_counted_without_this_one():
    others = OtherPrograms()
    sum(i * i for i in range(300_000))
    found = others.cores()
    assert found is None or found >= 0


def test_a_run_whose_threads_change_says_so_in_its_log_and_environment(tmp_path, capsys):
    import torch
    from run_helpers import store_without_executor
    from test_runs_worker import attempt, new_run

    class Decided(Governor):
        def add(self, stretch):
            changed, self.threads, self.words = self.threads == 2, 1, "now 1, because I say so"
            return changed

    with store_without_executor(tmp_path / "store") as store:
        run = new_run(store, epochs=1)
        worker = attempt(run, 1)
        prepare = worker.prepare

        def prepare_with_governor():
            prepare()
            watch = worker.watch
            watch.keeper = ThreadKeeper(Decided(2, 2), 16, watch.tell_threads)

        worker.prepare = prepare_with_governor
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cifar_core.runs.engine.threads.STRETCH", 0.0)
            worker.work()
        assert torch.get_num_threads() == 1
        assert capsys.readouterr().out.count("CPU threads: 2, now 1, because I say so.") == 1
        environment = files.read_json(run.path / "environment.json")
    assert environment["threads_now"] == "now 1, because I say so"
