import math

import numpy as np
import pytest

from cifar_core.statistics.over_seeds import (
    holm,
    mean_interval,
    paired,
    power,
    seeds_needed,
    sign_flip,
    spread,
    student_quantile,
    student_test,
    verdict,
    within,
)


@pytest.mark.parametrize(
    ("freedom", "quantile"),  # the 97.5 % column of any table of Student's t
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (7, 2.365), (10, 2.228), (30, 2.042)],
)
def test_the_quantiles_are_those_of_the_printed_table(freedom, quantile):
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, abs=6e-4)


def test_with_many_degrees_of_freedom_student_becomes_normal():
    assert within(1.959964, 100_000) == pytest.approx(0.95, abs=1e-5)


def test_the_interval_holds_the_true_mean_in_19_of_20_samples():
    samples = np.random.default_rng(0).normal(0.5, 2.0, (2000, 4)).tolist()
    held = [low < 0.5 < high for low, high in map(mean_interval, samples)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_a_paired_test_gives_what_students_own_sleep_data_give():
    # ten patients' extra hours of sleep, Student (1908): t = 4.0621, p = 0.002833
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert student_test(differences) == pytest.approx(0.002833, abs=1e-6)
    assert mean_interval(differences) == pytest.approx((0.70011, 2.45989), abs=1e-4)


def test_five_seeds_cannot_get_below_a_sixteenth_and_six_can():
    assert sign_flip([1, 2, 3, 4, 5]) == 2 / 2**5
    assert sign_flip([1, 2, 3, 4, 5, 6]) == 2 / 2**6


def test_the_exact_test_of_fishers_darwin_data():
    # heights of 15 pairs of maize plants, Fisher (1935): 1726 of 32768 assignments
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert sign_flip(darwin) == pytest.approx(1726 / 32768)


def test_many_pairs_are_judged_by_drawn_signs_the_same_way_every_time():
    values = np.random.default_rng(1).normal(0.3, 1, 40).tolist()
    assert sign_flip(values) == sign_flip(values)
    assert sign_flip(values) == pytest.approx(student_test(values), abs=0.02)


def test_holm_corrects_the_textbook_case():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.mark.parametrize(("ratio", "count"), [(1 / 2, 5), (2 / 3, 6), (1, 10), (2, 34), (10, 787)])
def test_the_seeds_needed_are_the_fewest_with_a_power_of_four_in_five(ratio, count):
    assert seeds_needed(0.005 * ratio, 0.005) == count
    assert power(count, 1 / ratio) >= 0.8 > power(count - 1, 1 / ratio)


def test_no_fewer_seeds_than_the_search_begins_with_would_do():
    for effect in np.linspace(0.15, 3, 40):
        assert seeds_needed(1, effect) == next(n for n in range(3, 500) if power(n, effect) >= 0.8)


@pytest.mark.parametrize(("count", "effect"), [(3, 2.0), (5, 1.4), (8, 1.0), (30, 0.4)])
def test_the_power_is_the_share_of_samples_with_a_significant_mean(count, effect):
    samples = np.random.default_rng(count).normal(effect, 1, (40_000, count))
    t = samples.mean(axis=1) / samples.std(axis=1, ddof=1) * math.sqrt(count)
    found = np.abs(t) > student_quantile(0.975, count - 1)
    assert power(count, effect) == pytest.approx(found.mean(), abs=0.008)


def test_without_an_effect_the_power_is_the_level():
    assert power(4, 0.0) == pytest.approx(0.05, abs=1e-4)


def test_at_least_three_seeds_are_needed_whatever_the_scatter():
    assert seeds_needed(0.0, 0.005) == 3
    assert seeds_needed(0.0001, 0.005) == 3


def test_a_single_result_has_no_spread():
    assert spread([0.7]).deviation is None
    assert spread([0.6, 0.7, 0.8]).deviation == pytest.approx(0.1)


def test_only_seeds_that_both_have_are_compared():
    found = paired({1: 0.5, 2: 0.6, 3: 0.9}, {2: 0.5, 3: 0.7, 4: 0.1})
    assert (found.count, found.mean) == (2, pytest.approx(0.15))
    assert paired({1: 0.5}, {2: 0.5}) is None


def test_the_verdict_says_when_the_seeds_cannot_tell_and_how_many_could():
    first = {1: 0.700, 2: 0.712, 3: 0.705}
    second = {1: 0.703, 2: 0.706, 3: 0.704}
    said = verdict("Adam", "SGD", paired(first, second))
    assert said.startswith("No difference between Adam and SGD that 3 seeds can show")
    assert "9 seeds would be needed to see 0.5 points, 4 for 1 point" in said


def test_the_verdict_names_the_better_one_whichever_is_first():
    low, high = {1: 0.60, 2: 0.61, 3: 0.605}, {1: 0.70, 2: 0.712, 3: 0.704}
    for said in (
        verdict("Adam", "SGD", paired(high, low)),
        verdict("SGD", "Adam", paired(low, high)),
    ):
        assert said.startswith("Adam is better than SGD by 10.03 points")
        assert "(95 % interval 9.65 to 10.41 points, 3 seeds)" in said


def test_a_difference_that_fails_the_correction_is_only_a_perhaps():
    found = paired({1: 0.70, 2: 0.71, 3: 0.72}, {1: 0.69, 2: 0.695, 3: 0.71})
    assert 0.01 < found.p_value < 0.05
    assert verdict("A", "B", found, corrected=0.2).startswith("Perhaps: A is better")
    assert verdict("A", "B", found).startswith("A is better")


def test_one_seed_says_nothing_about_chance():
    said = verdict("A", "B", paired({1: 0.7}, {1: 0.6}))
    assert "cannot rule out chance" in said
    assert "no finished run of the same seed" in verdict("A", "B", None)
