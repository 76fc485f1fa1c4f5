import pytest

from cifar_core.config import TrainConfig
from cifar_core.schedules import SCHEDULES

CONFIG = TrainConfig(epochs=20, warmup_epochs=2.0, step_epochs=5, step_factor=0.5)


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_schedule_stays_between_nothing_and_the_peak_and_reaches_it(key):
    factors = [SCHEDULES[key].factor((i + 0.5) / 1000, CONFIG) for i in range(1000)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_schedule_is_a_pure_function(key):
    factor = SCHEDULES[key].factor
    assert factor(0.3, CONFIG) == factor(0.3, CONFIG)


def test_the_step_schedule_drops_every_five_epochs():
    factors = [SCHEDULES["step"].factor((epoch + 0.5) / 20, CONFIG) for epoch in range(20)]
    assert factors == [1.0] * 5 + [0.5] * 5 + [0.25] * 5 + [0.125] * 5


def test_cosine_rises_linearly_for_two_epochs_and_is_half_way_down_in_the_middle_of_the_rest():
    factor = SCHEDULES["cosine"].factor
    assert factor(0.05, CONFIG) == pytest.approx(0.5)
    assert factor(0.55, CONFIG) == pytest.approx(0.5)
    assert factor(1.0, CONFIG) == pytest.approx(0.0)


def test_linear_rises_for_two_epochs_and_falls_straight_to_nothing():
    factor = SCHEDULES["linear"].factor
    assert [factor(p, CONFIG) for p in (0.05, 0.1, 0.325, 0.55, 1.0)] == pytest.approx(
        [0.5, 1.0, 0.75, 0.5, 0.0]
    )


def test_one_cycle_starts_at_a_25th_and_peaks_after_a_quarter():
    factor = SCHEDULES["one_cycle"].factor
    assert factor(0.0, CONFIG) == pytest.approx(1 / 25)
    assert factor(0.25, CONFIG) == pytest.approx(1.0)
    assert factor(1.0, CONFIG) == pytest.approx(0.0)
