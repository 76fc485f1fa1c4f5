import numpy as np
import pytest

from cifar_core.reading.curves import (
    SMOOTHING,
    curves,
    half_life,
    joined,
    smooth,
    thin,
    thin_around,
)

STEP = {"kind": "step", "step": 20, "epoch": 0.5, "loss": 2.1, "accuracy": 0.2}
EPOCH = {"kind": "epoch", "step": 40, "epoch": 1, "val_loss": 1.9, "val_accuracy": 0.3}


def by_hand(values, steps, half_life):
    weights = [0.5 ** ((steps[-1] - step) / half_life) for step in steps]
    return np.dot(weights, values) / sum(weights)


def test_a_run_without_an_epoch_has_no_best_epoch():
    assert curves([STEP]).best is None
    assert curves([]).best is None


def test_rows_are_sorted_by_kind_and_a_missing_quantity_is_not_a_number():
    result = curves([STEP, EPOCH, {"kind": "test", "test_accuracy": 0.3}])
    assert result.train_loss.tolist() == [2.1]
    assert np.isnan(result.learning_rate).tolist() == [True]
    assert (result.epoch_step.tolist(), result.val_accuracy.tolist()) == ([40], [0.3])


def test_the_best_epoch_is_the_first_of_equals():
    rows = [{**EPOCH, "epoch": n, "val_accuracy": a} for n, a in enumerate([0.3, 0.5, 0.5], 1)]
    assert curves(rows).best == 1


@pytest.mark.parametrize("half_life", [0.01, 1, 30, 1e6])
def test_smoothing_is_the_weighted_mean_of_all_points_so_far(half_life):
    random = np.random.default_rng(0)
    steps = np.cumsum(random.integers(1, 40, 300)).astype(float)
    values = random.normal(size=300)
    smoothed = smooth(values, steps, half_life)
    for n in (1, 2, 17, 300):
        assert smoothed[n - 1] == pytest.approx(by_hand(values[:n], steps[:n], half_life))


def test_the_smoothed_past_does_not_change_when_the_run_goes_on():
    values = np.random.default_rng(1).normal(size=20_000)
    steps = np.arange(20_000.0)
    assert np.allclose(smooth(values[:9_000], steps[:9_000], 3), smooth(values, steps, 3)[:9_000])


def test_smoothing_a_constant_leaves_it_alone_from_the_first_point_on():
    assert np.allclose(smooth(np.full(5000, 2.3), np.arange(5000.0), 20), 2.3)


def test_without_a_half_life_nothing_is_smoothed():
    values = np.array([1.0, 5.0])
    assert smooth(values, np.array([1.0, 2.0]), 0) is values


@pytest.mark.parametrize(("planned", "light", "strong"), [(65, 1.625, 40.625), (4000, 10, 250)])
def test_a_short_run_is_smoothed_over_fewer_steps(planned, light, strong):
    found = half_life("Light", planned), half_life("Strong", planned), half_life("Off", planned)
    assert found == (light, strong, 0)
    assert half_life("Light", 0) == SMOOTHING["Light"], "nothing is known of the run's length"


def test_the_smoothed_end_of_a_short_run_is_near_its_last_reports():
    steps = np.arange(1.0, 66.0)
    accuracy = 1 - np.exp(-steps / 25)  # 0.926 in the end
    assert smooth(accuracy, steps, half_life("Light", 65))[-1] > accuracy[-1] - 0.01
    assert smooth(accuracy, steps, 10)[-1] < accuracy[-1] - 0.05


def test_few_points_are_all_kept():
    assert thin(np.zeros(100), 50).tolist() == list(range(100))


def test_thinning_keeps_every_peak_and_both_ends():
    values = np.zeros(100_000)
    values[[777, 54_321]] = 9, -9
    places = thin(values, 500)
    assert {0, 777, 54_321, 99_999} <= set(places.tolist())
    assert len(places) <= 1002


def test_an_enlarged_part_has_more_points_than_the_rest():
    x = np.arange(100_000.0)
    values = np.random.default_rng(2).normal(size=100_000)
    places = thin_around(x, values, 200, (5_000.0, 5_300.0))
    assert set(range(5_000, 5_301)) <= set(places.tolist())
    assert len(places) < 1200


def test_curves_read_in_two_parts_equal_those_read_at_once():
    rows = [{**STEP, "step": n} for n in range(5)] + [EPOCH] + [{**STEP, "step": 9}]
    both, whole = joined(curves(rows[:4]), curves(rows[4:])), curves(rows)
    assert both.step.tolist() == whole.step.tolist() == [0, 1, 2, 3, 4, 9]
    assert both.val_loss.tolist() == [1.9]
