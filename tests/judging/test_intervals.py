import pytest

from cifar_core.statistics.intervals import wilson


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
