"""What is said of the machine, on made samples: of what is wrong, and nothing of what is usual."""

from types import SimpleNamespace

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.reading import KINDS, Situation, read
from cifar_core.reading.curves import curves
from cifar_core.reading.machine.findings import machine_findings
from cifar_core.reading.machine.kinds import MACHINE_KINDS
from cifar_core.reading.machine.samples import joined, placed, samples
from cifar_core.reading.machine.stretch import lasting

START = 1_000.0  # unix seconds at which the attempt began to train
EPOCH, VALIDATION = 100.0, 20.0  # seconds of an epoch, the last of them for its validation
RUNS = Situation(
    state="running", settings=TrainConfig(epochs=100).to_dict(), device="cuda:0", threads=4
)
OVER = Situation(**{**vars(RUNS), "state": "finished"})
ON_CPU = Situation(**{**vars(RUNS), "device": "cpu"})
USUAL = {"cpu": 1.0, "cpu_allowed": 8.0, "cpu_busy": 2.0, "cpu_all": 8.0, "memory": 2e9,
         "memory_used": 4e9, "memory_limit": 16e9, "swapped": 0.0, "disk_free": 50e9}  # fmt: skip
GPU = {"device": "cuda:0", "utilization": 90.0, "memory_used": 5e9, "memory_total": 12e9,
       "memory_others": 0.0, "temperature": 71.0, "hot": 0.0, "capped": 1.0}  # fmt: skip


def metrics(until, start=START, first=0.0):
    """Rows of a run that reports every second but while it validates."""
    rows = []
    for second in range(1, int(until - start) + 1):
        epochs, within = divmod(second, EPOCH)
        share = min(1.0, within / (EPOCH - VALIDATION))
        row = {"t": start + second, "step": int(80 * (first + epochs + share)),
               "epoch": first + epochs + share, "loss": 2.0, "accuracy": 0.3,
               "learning_rate": 0.1}  # fmt: skip
        if within == 0:
            rows.append(row | {"kind": "epoch", "epoch": first + epochs, "val_loss": 1.9,
                               "val_accuracy": 0.3})  # fmt: skip
        elif within <= EPOCH - VALIDATION:
            rows.append(row | {"kind": "step"})
    return rows


def machine(until, change=lambda age, random: {}, gpu=lambda age, random: {}, start=START):
    """Rows of the machine from a minute before the training on, with some noise."""
    random, rows = np.random.default_rng(0), []
    for t in np.arange(start - 60, until + 1):
        noise = {name: value * (1 + 0.01 * random.normal()) for name, value in USUAL.items()
                 if name in ("cpu", "memory", "memory_used")}  # fmt: skip
        age = t - start
        one = SimpleNamespace(**{**GPU, **gpu(age, random)})
        row = {"t": t, "seconds": 1.0, "gpus": [one], **USUAL, **noise, **change(age, random)}
        rows.append(SimpleNamespace(**row))
    return rows


def found(seconds=1500, situation=RUNS, **how):
    """The findings about a machine after so many seconds of training."""
    rows, until = metrics(START + seconds), START + seconds
    where = placed(samples(machine(until, **how)), curves(rows), [START])
    return {finding.kind: finding for finding in machine_findings(where, situation)}


def test_nothing_is_said_of_a_machine_that_does_what_it_should():
    for situation in (RUNS, OVER, ON_CPU):
        for seconds in (5, 100, 700, 5000):
            assert found(seconds, situation) == {}


def test_samples_belong_to_training_reports_of_their_own_attempt():
    rows = metrics(START + 250)
    where = placed(samples(machine(START + 300)), curves(rows), [START])
    assert where.samples.time.min() == START + 1  # not before the start
    assert where.samples.time.max() == START + 250  # not after the last report
    within = (where.samples.time - START) % EPOCH
    assert within.max() <= EPOCH - VALIDATION
    assert 0 not in within  # the row of an epoch's end belongs to its validation
    assert np.all(np.diff(where.step) > 0)
    at = np.flatnonzero(where.samples.time == START + 140)[0]
    assert where.epoch[at] == pytest.approx(1.5)
    assert where.age[at] == 140


def test_what_a_later_attempt_did_again_is_left_out():
    again = START + 400
    rows = metrics(START + 140) + metrics(again + 100, start=again, first=1.0)
    first, second = machine(START + 200), machine(again + 90, start=again)
    both = joined(samples(first), samples(second))
    where = placed(both, curves(rows), [START, again])
    assert not np.any((where.samples.time > START + 140) & (where.samples.time <= again))
    assert np.all(np.diff(where.samples.time) > 0)
    assert where.age[-1] < 100
    assert len(placed(both, curves([]), [])) == 0
    assert len(placed(samples([]), curves(rows), [START])) == 0


def idle(age, random):
    return {"utilization": 30.0 if age > 0 else 0.0}


def test_a_gpu_that_mostly_waits_is_named_with_what_to_do():
    finding = found(gpu=idle)["gpu_idle"]
    assert "The GPU (cuda:0) computed for 30\u00a0% of the time" in finding.sentence
    assert "the last 10 minutes of training" in finding.sentence
    assert "its whole training" in found(situation=OVER, gpu=idle)["gpu_idle"].sentence
    assert [trial.changes for trial in finding.trials] == [{"batch_size": 256}]
    settings = {**RUNS.settings, "startup": "fast_start", "micro_batch": 16}
    tried = found(gpu=idle, situation=Situation(**{**vars(RUNS), "settings": settings}))
    changes = [trial.changes for trial in tried["gpu_idle"].trials]
    assert changes == [{"startup": "automatic"}, {"micro_batch": 0}, {"batch_size": 256}]
    full = found(gpu=lambda age, random: {**idle(age, random), "memory_used": 11e9})
    assert full["gpu_idle"].trials == ()


@pytest.mark.parametrize(
    "gpu",
    [
        lambda age, random: {"utilization": 41.0},
        lambda age, random: {"utilization": 0.0 if age < 10 else 90.0},  # startup, first seconds
        lambda age, random: {"utilization": 0.0 if age % 100 > 80 else 45.0},  # validation
        lambda age, random: {"utilization": None},
        lambda age, random: {"utilization": 10.0 if age < 600 else 90.0},  # it has passed
    ],
)
def test_a_gpu_that_works_is_not_called_idle(gpu):
    assert found(gpu=gpu) == {}


def test_nothing_is_said_before_a_minute_was_seen():
    assert found(65, gpu=idle) == {}
    assert "gpu_idle" in found(95, gpu=idle)


def test_heat_counts_and_a_limit_of_power_does_not():
    hot = found(gpu=lambda age, random: {"hot": float(random.random() < 0.3), "temperature": 93.0})
    assert set(hot) == {"gpu_hot"}
    assert "it reached 93\u00a0°C" in hot["gpu_hot"].sentence
    assert found(gpu=lambda age, random: {"hot": float(random.random() < 0.05)}) == {}
    unknown = {"hot": 1.0, "temperature": None}
    assert "reached" not in found(gpu=lambda age, random: unknown)["gpu_hot"].sentence


def test_other_programs_on_the_gpu_are_named():
    said = found(gpu=lambda age, random: {"memory_others": 3e9})["gpu_shared"].sentence
    assert "up to 3.0 of its 12.0\u00a0GB" in said
    assert found(gpu=lambda age, random: {"memory_others": 0.5e9}) == {}
    assert found(gpu=lambda age, random: {"memory_others": None}) == {}
    brief = found(gpu=lambda age, random: {"memory_others": 3e9 if age % 100 < 20 else 0.0})
    assert brief == {}


@pytest.mark.parametrize(
    ("situation", "own", "busy", "said"),
    [(ON_CPU, 2.0, 7.9, True), (ON_CPU, 3.9, 7.9, False), (ON_CPU, 2.0, 6.0, False),
     (RUNS, 0.5, 7.9, True), (RUNS, 0.98, 7.9, False), (ON_CPU, None, 7.9, False),
     (Situation(**{**vars(ON_CPU), "threads": 0}), 0.1, 7.9, False),
     (Situation(**{**vars(ON_CPU), "threads": 2, "settings": {"devices": 2}}), 2.0, 7.9, True)],
)  # fmt: skip
def test_other_programs_on_the_cores_are_named_if_they_take_what_the_run_could_use(
    situation, own, busy, said
):
    kinds = found(situation=situation, change=lambda age, random: {"cpu": own, "cpu_busy": busy})
    assert (set(kinds) == {"cpu_shared"}) is said
    if said and situation is ON_CPU:
        assert "the run got 2.0 cores where it could use 4" in kinds["cpu_shared"].sentence


def test_a_machine_that_swaps_is_named():
    def change(age, random):
        return {"swapped": 5e6 if random.random() < 0.4 else 0.0, "memory_used": 15.5e9}

    swaps = found(change=change)["swapping"]
    assert "with 15.5 of 16.0\u00a0GB in use" in swaps.sentence
    assert [trial.changes for trial in swaps.trials] == [{"micro_batch": 64}]
    assert found(change=lambda age, random: {"swapped": 5e6 * (random.random() < 0.1)}) == {}
    assert found(change=lambda age, random: {"swapped": 0.5e6}) == {}


def growing(pace):
    def change(age, random):
        grown = pace * max(0.0, age)
        noise = 1e7 * random.normal()
        return {"memory": 2e9 + grown + noise, "memory_used": 4e9 + grown + noise}

    return change


def test_memory_that_will_not_last_is_said_with_the_time():
    finding = found(3000, change=growing(2e6))["memory_grows"]  # 12 GB in 6,000 seconds
    assert "all 16.0\u00a0GB will be taken in about 50 minutes" in finding.sentence
    assert finding.evidence[0].value == "7.2\u00a0GB"
    assert finding.trials


@pytest.mark.parametrize(
    ("seconds", "situation", "change"),
    [
        (3000, RUNS, growing(2e5)),  # it lasts until the end
        (600, RUNS, growing(2e6)),  # too early
        (3000, OVER, growing(2e6)),
        (3000, RUNS, lambda age, random: {"memory": 2e9 + 1e9 * (age > 250)}),  # one step, then not
        (3000, RUNS, lambda age, random: {"memory": 2e9 + 1e9 * (age // 100 % 2)}),  # to and fro
        (3000, RUNS, lambda age, random: {"memory": 2e9 + 2e9 * (age > 1640), "memory_used": 14e9}),
        (3000, RUNS, lambda age, random: {"memory": None}),
    ],
)
def test_memory_that_lasts_raises_no_alarm(seconds, situation, change):
    assert found(seconds, situation, change=change) == {}


def test_a_disk_that_will_be_full_before_the_end_is_said():
    def falls(age, random):
        return {"disk_free": 5e9 - 1e6 * max(0.0, age)}

    said = found(3000, change=falls)["disk_fills"].sentence
    assert "2.0\u00a0GB are free" in said
    assert "in about 34 minutes" in said
    assert found(3000, change=lambda age, random: {"disk_free": 5e9 - 1e4 * max(0, age)}) == {}
    once = {"disk_free": 1e9}
    assert found(3000, change=lambda age, random: once if age > 1000 else {}) == {}


def test_findings_about_the_machine_join_the_reading_and_do_not_lead_it():
    rows = metrics(START + 500)
    where = placed(samples(machine(START + 500, gpu=idle)), curves(rows), [START])
    plain, said = read(curves(rows), RUNS), read(curves(rows), RUNS, where)
    (added,) = [finding for finding in said.findings if finding not in plain.findings]
    assert (added.kind, added.span.panel) == ("gpu_idle", "machine")
    assert said.headline == plain.headline
    assert {kind.key for kind in MACHINE_KINDS} < set(KINDS)


def test_the_changes_that_are_advised_make_valid_settings():
    for kinds in (found(gpu=idle), found(3000, change=growing(2e6))):
        for trial in (trial for finding in kinds.values() for trial in finding.trials):
            TrainConfig.from_dict({**RUNS.settings, **trial.changes})


def test_times_are_written_roughly():
    written = [lasting(s) for s in (45, 119, 600, 5400, 7200, 10_000, 86400 * 2.5, 86400 * 250)]
    assert written == ["45 seconds", "2 minutes", "10 minutes", "90 minutes", "2 hours",
                       "2.8 hours", "2.5 days", "250 days"]  # fmt: skip
