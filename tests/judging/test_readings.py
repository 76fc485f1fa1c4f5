"""The reading of curves on labeled runs: what share of its sentences is right."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import labeled_curves
from benchmarks import reading as reading_cases
from benchmarks.labeled_curves import FAMILIES, constructed
from benchmarks.readings import judge, real_runs, score
from cifar_core.numbers import percent
from cifar_core.reading import Situation, advice, read
from cifar_core.statistics.class_shares import guessing_loss, majority_share, uneven_words


@pytest.fixture(scope="module")
def report_half():
    return score(constructed(family, seed) for family in FAMILIES for seed in (1, 3, 5))


def test_sentences_on_constructed_runs_are_right(report_half):
    assert report_half.right >= 0.97
    assert report_half.against == 0
    assert report_half.causes == 0
    assert len(report_half.missed) <= 0.06 * report_half.musts


@pytest.mark.parametrize(("which", "least"), [("first", 0.94), ("second", 0.99)])
def test_sentences_on_real_runs_are_right(which, least):
    result = score(real_runs(which))
    wrong = [v for v in result.verdicts if v.wrong]
    assert result.right >= least, wrong
    assert result.causes == 0
    assert result.against <= 2, wrong


def test_at_least_thirty_runs_are_real_and_end_in_every_way():
    runs = list(real_runs())
    assert len(runs) >= 30
    ends = {(run.situation.state, run.situation.reason) for run in runs}
    assert {("finished", ""), ("stopped", ""), ("failed", "oom"), ("failed", "diverged")} <= ends
    rates = [run.situation.settings["learning_rate"] for run in runs]
    assert (min(rates), max(rates)) == (1e-5, 10.0)


def said(family, seed=2, **changes):
    """What is read of a constructed run, its situation changed."""
    run = constructed(getattr(labeled_curves, family), seed)
    return read(run.curves, replace(run.situation, **changes))


def found(reading, kind):
    return [finding for finding in reading.findings if finding.kind == kind]


def test_a_run_that_is_not_a_number_is_not_called_too_short():
    reading = said("not_a_number")
    assert not found(reading, "too_short")
    assert not any("epochs" in t.changes for f in reading.findings for t in f.trials)


def test_other_lengths_are_offered_with_a_verb():
    (longer,) = advice.longer({"epochs": 5}, 2, "Why.")
    (shorter,) = advice.shorter({"epochs": 5}, 1, "Why.")
    assert (longer.label, shorter.label) == ("Train for 10 epochs", "Train for 1 epoch")


def test_a_failed_run_is_said_to_have_failed_and_not_to_need_more_epochs():
    reading = said("failed")
    assert reading.headline.startswith("It failed after")
    assert "reason that is not in its curves" in found(reading, "stopped_early")[0].sentence
    assert not any("epochs" in t.changes for f in reading.findings for t in f.trials)


def test_a_stopped_run_says_who_ended_it():
    assert "as requested" in found(said("stopped"), "stopped_early")[0].sentence
    assert "Early stopping" in found(said("patient"), "stopped_early")[0].sentence


@pytest.mark.parametrize("rate", [1e-6, 1e-5, 10.0])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_no_advice_is_the_value_that_the_run_has(family, rate):
    run = constructed(family, 6)
    settings = {**run.situation.settings, "learning_rate": rate}
    reading = read(run.curves, replace(run.situation, settings=settings))
    for trial in (t for f in reading.findings for t in f.trials):
        assert any(settings.get(name) != value for name, value in trial.changes.items())


def test_advice_follows_the_direction_that_the_curves_show():
    up = {t.changes["learning_rate"] > 1e-5 for f in said("rate_tiny").findings for t in f.trials
          if "learning_rate" in t.changes}  # fmt: skip
    down = {t.changes["learning_rate"] < 10 for f in said("rate_high").findings for t in f.trials
            if "learning_rate" in t.changes}  # fmt: skip
    assert up == {True}
    assert down == {True}
    assert not [t for f in said("at_chance").findings for t in f.trials]


def test_contradicting_advice_is_left_out():
    case = next(case for case in reading_cases.CASES if case.kind == "rate_too_low")
    slow = found(reading_cases.reading_of(case, 0), "rate_too_low")[0]
    wild = found(said("noisy"), "spikes")[0]
    settings = {"learning_rate": 0.01, "schedule": "constant", "clip_norm": 0.0}
    kept = advice.consistent([slow, wild], settings)
    assert not [t for f in kept for t in f.trials if "learning_rate" in t.changes]


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_a_rate_without_an_effect_is_not_credited(seed):
    for family in ("annealed_idle", "dropped_idle"):
        reading = said(family, seed)
        assert not found(reading, "rate_end") + found(reading, "rate_drop")


def test_an_enormous_loss_is_not_compared_with_validation():
    reading = said("blown_up")
    assert reading.headline.startswith("The training loss is far above guessing")
    assert not found(reading, "val_below_train")


def test_random_labels_leave_validation_at_guessing():
    (finding,) = found(said("random_labels"), "val_at_chance")
    assert "guessing gives 10.0\xa0%" in finding.sentence
    assert not finding.trials


def test_a_rise_before_a_second_descent_is_mentioned():
    (finding,) = found(said("double_descent"), "rise_and_fall")
    assert "lower than before" in finding.sentence


def test_uneven_classes_are_read_beside_their_share():
    run = constructed(labeled_curves.uneven, 2)
    curves = replace(run.curves, val_balanced_accuracy=run.curves.val_balanced_accuracy + 0.2)
    reading = read(curves, run.situation)
    (finding,) = found(reading, "uneven")
    assert not found(reading, "majority")
    share = majority_share(run.situation.val_counts)
    assert f"right for {percent(share)} of the validation images" in finding.sentence
    assert "balanced accuracy is 70.0\xa0%" in finding.sentence
    assert f"always naming the largest class gives {percent(share)}" in reading.headline


def test_a_network_that_names_only_the_largest_class_is_found_out():
    run = constructed(labeled_curves.uneven, 2)
    reading = read(run.curves, run.situation)
    (finding,) = found(reading, "majority")
    assert "balanced accuracy is 50.0\xa0%, that of guessing 50.0\xa0%" in finding.sentence
    assert reading.headline.startswith("It answers with the largest class")
    assert finding.trials[0].changes == {"order": "balanced", "best_by": "balanced_accuracy"}
    assert not found(reading, "uneven") + found(reading, "val_at_chance")
    even = read(run.curves, replace(run.situation, train_counts=(9, 9), val_counts=(5, 5)))
    assert not found(even, "majority")


def test_a_network_that_finds_rare_classes_is_not_at_guessing_though_its_accuracy_is():
    run = constructed(labeled_curves.uneven, 2)
    settings = {**run.situation.settings, "order": "balanced"}
    loss = np.full_like(run.curves.val_loss, 0.7)  # as of guessing, for two classes
    lower = replace(run.curves, val_loss=loss, val_accuracy=run.curves.val_accuracy - 0.2)
    situation = replace(run.situation, settings=settings)
    learned = replace(lower, val_balanced_accuracy=run.curves.val_balanced_accuracy + 0.3)
    kinds = {finding.kind for finding in read(learned, situation).findings}
    assert not kinds & {"val_at_chance", "majority"}
    assert found(read(lower, situation), "val_at_chance")


def test_with_every_class_equally_often_guessing_is_that_of_equal_classes():
    situation = Situation(train_counts=(99, 1), val_counts=(99, 1), classes=2)
    assert situation.guessing_loss == pytest.approx(0.056, abs=0.001)
    for changes in ({"order": "balanced"}, {"class_weights": "balanced"}):
        assert replace(situation, settings=changes).guessing_loss == pytest.approx(math.log(2))


def test_training_that_weighs_classes_otherwise_is_not_compared_with_validation():
    run = constructed(labeled_curves.disturbed, 2)
    assert found(read(run.curves, run.situation), "val_below_train")
    counts = (900, *(10,) * 9)
    settings = {**run.situation.settings, "class_weights": "balanced"}
    weighed = replace(run.situation, settings=settings, train_counts=counts)
    assert not found(read(run.curves, weighed), "val_below_train")


def test_the_best_epoch_of_a_reading_is_that_of_the_runs_measure():
    run = constructed(labeled_curves.leveled, 2)
    marks = np.zeros(len(run.curves.epoch))
    marks[[0, 2]] = 1
    settings = {**run.situation.settings, "best_by": "loss"}
    curves = replace(run.curves, val_best=marks)
    assert curves.best == 2
    loss = curves.val_loss[2]
    headline = read(curves, replace(run.situation, settings=settings)).headline
    assert f"the best validation loss is {loss:.3f}, at epoch 3" in headline


def test_even_classes_are_left_unmentioned():
    reading = said("leveled")
    assert not found(reading, "uneven")
    assert "largest class" not in reading.headline
    assert uneven_words([100, 90], "test", 0.5, 0.5) == ""


def test_an_accuracy_below_the_largest_class_is_said_to_be_worse_than_naming_it():
    worse = uneven_words([50, 20], "test", 0.5, 0.5, 0.643)
    assert "71.4" in worse
    assert f"with {percent(0.643)} right, the network is worse than that." in worse
    for accuracy in (50 / 70, 0.9, None):
        assert "worse" not in uneven_words([50, 20], "test", None, None, accuracy)


def test_guessing_by_shares():
    assert guessing_loss([5] * 10) == pytest.approx(math.log(10))
    assert guessing_loss([99, 1]) == pytest.approx(0.056, abs=0.001)
    assert guessing_loss([7, 0]) == 0
    assert majority_share([]) == 0


@pytest.mark.parametrize("images", [1, 2])
def test_an_accuracy_of_very_few_images_has_an_interval(images):
    run = constructed(labeled_curves.leveled, 2)
    curves = replace(run.curves, val_accuracy=np.ones_like(run.curves.val_accuracy))
    counts = (1,) + (0,) * 9
    reading = read(curves, replace(run.situation, val_images=images, val_counts=counts))
    (doubt,) = found(reading, "cannot_tell")
    assert "± 0.0" not in doubt.sentence
    assert "to 100.0\xa0% (95 % interval)" in doubt.sentence


def test_dropout_is_named_only_if_the_network_declares_it():
    assert "dropout" not in found(said("disturbed"), "val_below_train")[0].sentence
    finding = found(said("disturbed", dropout=True), "val_below_train")[0]
    assert "with dropout and augmentation" in finding.sentence


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_training_on_mixed_images_is_named_and_not_taken_for_underfitting(way):
    for settings, mixed in (({way: 0.0}, False), ({way: 0.2}, True)):
        (finding,) = found(said("disturbed", settings=settings), "val_below_train")
        assert ("with mixed images" in finding.sentence) is mixed
    underfit = {seed for seed in range(5) if found(said("underfitted", seed), "underfitting")}
    assert underfit
    for seed in underfit:
        run = constructed(labeled_curves.underfitted, seed)
        mixes = replace(run.situation, settings={**run.situation.settings, way: 0.2})
        assert not found(read(run.curves, mixes), "underfitting")


def test_the_judge_notices_what_earlier_versions_said():
    run = constructed(labeled_curves.annealed_idle, 2)
    reading = read(run.curves, run.situation)
    finding = replace(
        reading.findings[0],
        kind="rate_end",
        sentence="The low rate from epoch 9 on pays off.",
        trials=(),
    )
    wrong = list(judge(run, replace(reading, findings=(finding,))))
    assert wrong[0].wrong == "not so"
