import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.reading import (
    ALARMS,
    CASES,
    SOUND,
    constructed,
    found,
    reading_of,
    returns,
    watched,
)
from cifar_core.config import TrainConfig
from cifar_core.reading import KINDS, PHASES, Situation, ends, overfits, read
from cifar_core.reading import statistics as stats
from cifar_core.reading.curves import curves, until

OVER = Situation(state="finished", settings={"epochs": 24, "learning_rate": 0.1})


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "case", [c for c in CASES if c.kind != "underfitting"], ids=lambda c: c.kind
)
def test_every_kind_is_found_where_it_begins(case, seed):
    finding = found(reading_of(case, seed), case.kind)
    assert finding is not None
    if case.onset is not None:
        assert finding.span.start == pytest.approx(case.onset, abs=1.5)


def test_a_network_without_room_is_found_to_underfit_in_most_tries():
    (case,) = (c for c in CASES if c.kind == "underfitting")
    assert sum(found(reading_of(case, seed), "underfitting") is not None for seed in range(5)) >= 4


def test_sound_runs_raise_hardly_any_alarm():
    readings = [reading_of(case, seed) for case in SOUND for seed in range(100, 104)]
    alarms = [f.kind for reading in readings for f in reading.findings if f.kind in ALARMS]
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize("case", CASES[::6], ids=lambda c: c.kind)
def test_what_is_said_of_a_growing_run_hardly_ever_comes_back_after_it_has_gone(case):
    said = watched(case, seed=0)
    assert sum(returns(said, kind) for kind in KINDS) <= 1


@pytest.mark.parametrize("case", CASES + SOUND, ids=lambda c: c.kind)
def test_the_phases_cover_the_run_without_gaps(case):
    phases = reading_of(case, 0).phases
    assert phases[0].span.start == 0
    assert phases[-1].span.end == case.epochs
    for one, next_ in pairwise(phases):
        assert one.span.end == next_.span.start
        assert one.key != next_.key
    assert all(phase.key in PHASES for phase in phases)


def test_every_change_that_is_advised_makes_valid_settings():
    base = TrainConfig().to_dict()
    for case in CASES:
        run = constructed(case, 0)
        reading = read(run, replace(OVER, settings=base | {"epochs": case.epochs}))
        for trial in (t for f in reading.findings for t in f.trials):
            changed = TrainConfig.from_dict(base | {"epochs": case.epochs} | dict(trial.changes))
            assert changed != TrainConfig.from_dict(base | {"epochs": case.epochs})


def test_steps_of_another_length_change_nothing():
    run = constructed(CASES[0], 0)
    slower = replace(run, step=run.step * 7, epoch_step=run.epoch_step * 7)
    assert read(run, OVER) == read(slower, OVER)


def test_a_loss_that_is_no_number_is_the_headline():
    run = constructed(CASES[0], 0)
    loss = run.train_loss.copy()
    loss[-3:] = math.nan
    reading = read(replace(run, train_loss=loss), replace(OVER, state="failed", reason="diverged"))
    assert reading.headline.startswith("The loss stopped being a number")


def test_a_restart_of_the_rate_is_no_divergence():
    run = constructed(CASES[0], 0)
    at = run.step_epoch
    saw = 0.5 + 0.5 * (12 - at % 12) / 12 + np.where(at > 12.1, 0.1, 0)
    rate = 0.1 * (12 - (at - 0.01) % 12) / 12
    restarted = replace(run, train_loss=2 * saw, learning_rate=rate)
    assert found(read(restarted, OVER), "divergence") is None


@pytest.mark.parametrize(("end", "settings", "words"), [
    (ends.GOAL, {"goal": 0.9, "best_by": "accuracy"},
     "because its goal was reached, a validation accuracy of 90.0\u00a0%."),
    (ends.GOAL, {"goal": 0.25, "best_by": "loss"},
     "because its goal was reached, a validation loss of 0.250."),
    (ends.TIME, {"most_hours": 2.0}, "because its time of 2 hours was up."),
    (ends.TIME, {"most_hours": 0.5}, "because its time of 30 minutes was up."),
    (ends.OVERFITTING, {"stop_overfitting": True}, "because it overfitted: the validation loss"),
    (ends.EARLY_STOPPING, {"patience": 3}, "Early stopping ended it after 24 of 40 epochs"),
    ("", {"patience": 3}, "Early stopping ended it after 24 of 40 epochs"),
    ("", {}, "It ended after 24 of 40 epochs."),
    ("of a later version", {}, "It ended after 24 of 40 epochs."),
])  # fmt: skip
def test_it_says_what_ended_a_run_early(end, settings, words):
    run = constructed(CASES[0], 0)
    best = np.zeros(len(run.epoch))
    best[5] = 1.0
    situation = Situation(state="finished", settings={"epochs": 40, **settings}, end=end)
    reading = read(replace(run, val_best=best), situation)
    assert words in found(reading, "stopped_early").sentence


def test_every_end_but_the_last_epoch_has_its_words():
    settings = TrainConfig(goal=0.5, most_hours=1.0, patience=1).to_dict()
    assert {end for end in ends.ENDS if not ends.why(end, settings)} == {ends.LAST_EPOCH}


def test_divergences_are_told_with_their_steps_and_the_rate():
    run = constructed(CASES[0], 0)
    reading = read(run, replace(OVER, divergences=(812, 1900)))
    assert found(reading, "slowed_down").sentence == (
        "After the divergences at steps 812 and 1,900 it continued at a hundredth of the learning "
        "rate."
    )


def test_a_run_overfits_when_the_reading_of_it_says_so():
    case = next(case for case in CASES if case.kind == "overfitting")
    run, live = constructed(case, 0), replace(OVER, state="running")
    judged = [overfits(until(run, epoch), live) for epoch in run.epoch]
    said = [found(read(until(run, epoch), live), "overfitting") is not None for epoch in run.epoch]
    first = judged.index(True)
    assert run.epoch[first] > case.onset
    assert judged[first:] == said[first:]
    assert not any(judged[:first])
    sound = constructed(SOUND[0], 100)
    assert not any(overfits(until(sound, epoch), live) for epoch in sound.epoch)


def test_a_run_without_rows_says_that_nothing_was_measured():
    reading = read(curves([]), Situation())
    assert (reading.headline, reading.findings) == ("Nothing has been measured yet.", ())


def test_before_the_first_validation_it_says_what_cannot_be_told():
    rows = [{"kind": "step", "step": n, "epoch": n / 100, "loss": 2.3, "accuracy": 0.1,
             "learning_rate": 0.1} for n in range(10, 60, 10)]  # fmt: skip
    (doubt,) = read(curves(rows), Situation()).findings
    assert doubt.kind == "cannot_tell"
    assert "No epoch has been validated" in doubt.sentence


@pytest.mark.parametrize(("state", "words"), [
    ("running", "After 2 epochs it is too early to say much"),
    ("finished", "2 epochs are too little to say much"),
])  # fmt: skip
def test_a_short_run_that_is_over_is_not_called_early(state, words):
    case = replace(SOUND[0], epochs=2)
    reading = read(constructed(case, 0), replace(OVER, state=state))
    assert reading.headline.startswith(words)
    assert "it takes 5 to see overfitting or a plateau" in found(reading, "cannot_tell").sentence


def test_few_validation_images_are_pointed_out_with_their_error():
    reading = read(constructed(CASES[0], 0), replace(OVER, val_images=100))
    assert "Only 100 images" in found(reading, "cannot_tell").sentence


def test_noise_is_told_from_a_trend():
    random = np.random.default_rng(0)
    noisy = 5 - 0.3 * np.arange(400) + 0.1 * random.normal(size=400)
    assert np.median(stats.noise_around(noisy)) == pytest.approx(0.1, rel=0.2)
    assert stats.noise_around(np.linspace(3, 1, 50)).max() < 1e-12


def test_mann_kendall_agrees_with_counting_all_orders():
    from itertools import permutations

    series = (3.0, 1.0, 4.0, 2.0, 5.0)
    score = sum(np.sign(b - a) for i, a in enumerate(series) for b in series[i + 1 :])
    scores = [sum(np.sign(b - a) for i, a in enumerate(p) for b in p[i + 1 :])
              for p in permutations(series)]  # fmt: skip
    assert stats.mann_kendall(np.array(series)) == pytest.approx(np.mean(np.array(scores) >= score))


def test_mann_kendall_is_rarely_fooled_by_noise():
    random = np.random.default_rng(1)
    p_values = [stats.mann_kendall(random.normal(size=15)) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.025)


def test_theil_sen_shrugs_off_an_outlier():
    y = 2.0 * np.arange(9.0)
    y[4] = 500
    assert stats.theil_sen(np.arange(9.0), y) == pytest.approx(2)


def test_a_series_is_cut_where_its_line_bends():
    y = np.concatenate([np.linspace(2, 1, 11), np.linspace(1, 1.5, 10)[1:]])
    y += 0.01 * np.random.default_rng(2).normal(size=len(y))
    (_, bend), (_, end) = stats.segments(y, np.full(len(y), 0.01))
    assert abs(bend - 11) <= 1
    assert end == len(y)


def test_the_knee_of_two_straight_lines_is_where_they_meet():
    x = np.arange(11.0)
    y = np.where(x <= 2, 10 - 4 * x, 2 - 0.2 * (x - 2))
    place, bend = stats.knee(x, y)
    assert place == 2
    assert bend == pytest.approx((10 - 2) / (10 - y.min()) - 0.2)
