import numpy as np
import pytest

from cifar_core.statistics.intervals import mean_of_shares, wilson


def test_the_interval_of_a_textbook_case():
    # 15 of 50, as in the worked example of Newcombe (1998) for the score method
    assert wilson(15 / 50, 50) == pytest.approx((0.191, 0.438), abs=5e-4)


def test_ten_thousand_images_leave_an_uncertainty_of_about_one_percent():
    low, high = wilson(0.6671, 10_000)
    assert high - low == pytest.approx(2 * 1.96 * (0.6671 * 0.3329 / 10_000) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("share", "certain"), [(0.0, 0), (1.0, 1)])
def test_the_interval_stays_within_0_and_1(share, certain):
    interval = wilson(share, 20)
    assert interval[certain] == share
    assert 0 <= interval[0] < interval[1] <= 1


def test_without_a_case_nothing_is_known():
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_the_interval_of_a_mean_of_shares_is_that_of_its_rarest_class_at_most():
    assert mean_of_shares([0.8], [50]) == pytest.approx(wilson(0.8, 50))
    low, high = mean_of_shares([1.0, 0.0], [1000, 10])
    assert low == pytest.approx(0.5 - (1 - wilson(1.0, 1000)[0]) / 2)
    assert high == pytest.approx(0.5 + wilson(0.0, 10)[1] / 2)
    assert mean_of_shares([], []) == (0.0, 1.0)


def test_the_interval_of_a_mean_of_shares_holds_the_truth_as_often_as_it_says():
    random, truth, counts = np.random.default_rng(0), (0.95, 0.6), (400, 20)
    drawn = [[random.binomial(n, p) / n for n, p in zip(counts, truth, strict=True)]
             for _ in range(2000)]  # fmt: skip
    held = [low <= 0.775 <= high for low, high in (mean_of_shares(d, counts) for d in drawn)]
    assert 0.93 <= np.mean(held) <= 0.98
