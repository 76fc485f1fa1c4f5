import math

import numpy as np
import pytest

from cifar_core.errors import CifarError
from cifar_core.evaluation.softmax import log_softmax, softmax
from cifar_core.evaluation.temperature import HIGHEST, LOWEST, fit_temperature


def answers(count=500, classes=10, seed=0):
    """Logits and labels that are drawn from their softmax, so that the right temperature is 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    chances = softmax(logits)
    labels = np.array([rng.choice(classes, p=row) for row in chances])
    return logits, labels


def nll(logits, labels, temperature):
    powers = [[math.exp(z / temperature) for z in row] for row in logits]
    return -sum(math.log(row[y] / sum(row)) for row, y in zip(powers, labels, strict=True))


def test_two_classes_have_a_temperature_in_closed_form():
    # three of four are right with a lead of 4: sigmoid(4 / T) = 3/4, so T = 4 / ln 3
    logits = np.tile([2.0, -2.0], (4, 1))
    assert fit_temperature(logits, np.array([0, 0, 1, 0])) == pytest.approx(4 / math.log(3))


def test_no_temperature_of_a_fine_grid_makes_the_labels_likelier():
    logits, labels = answers(count=60)
    found = fit_temperature(3 * logits, labels)
    best = min(nll(3 * logits, labels, found * factor) for factor in np.linspace(0.5, 2, 151))
    assert nll(3 * logits, labels, found) <= best + 1e-9


def test_logits_three_times_too_large_need_a_temperature_three_times_as_high():
    logits, labels = answers()
    alone = fit_temperature(logits, labels)
    assert alone == pytest.approx(1, abs=0.1)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3 * alone)


def test_adding_a_number_to_all_logits_of_an_image_changes_nothing():
    logits, labels = answers()
    raised = logits + np.arange(len(logits))[:, None]
    assert fit_temperature(raised, labels) == pytest.approx(fit_temperature(logits, labels))


@pytest.mark.parametrize(("label", "bound"), [(0, LOWEST), (1, HIGHEST)])
def test_without_a_best_temperature_it_ends_at_a_bound(label, bound):
    found = fit_temperature(np.tile([1.0, 0.0], (5, 1)), np.full(5, label))
    assert found == pytest.approx(bound, rel=1e-6)


def test_equal_logits_end_somewhere_finite():
    assert LOWEST <= fit_temperature(np.zeros((3, 10)), np.zeros(3, int)) <= HIGHEST


def test_float32_logits_far_apart_do_not_overflow():
    logits = np.array([[400.0, -400.0], [400.0, -400.0], [-400.0, 400.0]], np.float32)
    labels = np.array([0, 1, 1])
    assert fit_temperature(logits, labels) == pytest.approx(100.0, rel=1e-6)


def test_no_images_have_no_temperature():
    with pytest.raises(CifarError, match="at least one image"):
        fit_temperature(np.zeros((0, 10)), np.zeros(0, int))


def test_probabilities_add_up_to_one_and_a_high_temperature_evens_them_out():
    logits = np.array([[1000.0, 999.0, -1000.0]])
    assert softmax(logits).sum() == pytest.approx(1)
    assert softmax(logits)[0, 1] == pytest.approx(1 / (1 + math.e))
    assert softmax(logits, 1e9) == pytest.approx(np.full((1, 3), 1 / 3), abs=1e-5)
    assert log_softmax(logits)[0, 2] == pytest.approx(-2000 - math.log(1 + 1 / math.e))
