import math

import numpy as np
import pytest

from cifar_core.errors import CifarError
from cifar_core.evaluation.softmax import log_softmax, softmax
from cifar_core.evaluation.temperature import FEWEST, HIGHEST, LOWEST, fit, fit_temperature


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
    assert fit_temperature(logits, np.array([0, 0, 1, 0]), prior=0) == pytest.approx(
        4 / math.log(3)
    )


def test_no_temperature_of_a_fine_grid_makes_the_labels_likelier():
    logits, labels = answers(count=60)
    found = fit_temperature(3 * logits, labels, prior=0)
    best = min(nll(3 * logits, labels, found * factor) for factor in np.linspace(0.5, 2, 151))
    assert nll(3 * logits, labels, found) <= best + 1e-9


def test_logits_three_times_too_large_need_a_temperature_three_times_as_high():
    logits, labels = answers()
    alone = fit_temperature(logits, labels, prior=0)
    assert alone == pytest.approx(1, abs=0.1)
    assert fit_temperature(3 * logits, labels, prior=0) == pytest.approx(3 * alone)


def test_adding_a_number_to_all_logits_of_an_image_changes_nothing():
    logits, labels = answers()
    raised = logits + np.arange(len(logits))[:, None]
    assert fit_temperature(raised, labels) == pytest.approx(fit_temperature(logits, labels))


@pytest.mark.parametrize(("label", "bound"), [(0, LOWEST), (1, HIGHEST)])
def test_without_a_best_temperature_it_ends_at_a_bound(label, bound):
    found = fit_temperature(np.tile([1.0, 0.0], (5, 1)), np.full(5, label), prior=0)
    assert found == pytest.approx(bound, rel=1e-6)


def test_equal_logits_end_somewhere_finite():
    assert LOWEST <= fit_temperature(np.zeros((3, 10)), np.zeros(3, int)) <= HIGHEST


def test_float32_logits_far_apart_do_not_overflow():
    logits = np.array([[400.0, -400.0], [400.0, -400.0], [-400.0, 400.0]], np.float32)
    labels = np.array([0, 1, 1])
    assert fit_temperature(logits, labels, prior=0) == pytest.approx(100.0, rel=1e-6)


def test_no_images_have_no_temperature():
    with pytest.raises(CifarError, match="at least one image"):
        fit_temperature(np.zeros((0, 10)), np.zeros(0, int))


def test_probabilities_add_up_to_one_and_a_high_temperature_evens_them_out():
    logits = np.array([[1000.0, 999.0, -1000.0]])
    assert softmax(logits).sum() == pytest.approx(1)
    assert softmax(logits)[0, 1] == pytest.approx(1 / (1 + math.e))
    assert softmax(logits, 1e9) == pytest.approx(np.full((1, 3), 1 / 3), abs=1e-5)
    assert log_softmax(logits)[0, 2] == pytest.approx(-2000 - math.log(1 + 1 / math.e))


def test_a_handful_of_right_pictures_does_not_make_a_network_surer():
    logits = np.tile([3.0, 0.0, 0.0], (5, 1))
    assert fit_temperature(logits, np.zeros(5, int), prior=0) == pytest.approx(LOWEST, rel=1e-6)
    assert 0.9 < fit_temperature(logits, np.zeros(5, int)) < 1
    few = fit(logits, np.zeros(5, int))
    assert few.temperature == 1
    assert f"at least {FEWEST} validation images, but there are 5." in few.why_not


def test_the_prior_is_added_to_the_likelihood_as_stated():
    logits, labels = answers(count=40)
    found = fit_temperature(2 * logits, labels, prior=10)

    def total(temperature):
        s = 1 / temperature
        return nll(2 * logits, labels, temperature) + 10 * (s - 1 - math.log(s))

    assert total(found) <= min(total(found * factor) for factor in np.linspace(0.7, 1.4, 71)) + 1e-9


def test_with_many_images_the_prior_no_longer_matters():
    logits, labels = answers(count=5000)
    assert fit_temperature(2 * logits, labels) == pytest.approx(
        fit_temperature(2 * logits, labels, prior=0), rel=0.005
    )


def test_an_overconfident_network_is_calibrated_and_its_interval_holds_the_right_temperature():
    logits, labels = answers(count=400)
    found = fit(2 * logits, labels)
    assert found.is_clear
    assert found.temperature == found.found
    assert found.interval[0] < 2 < found.interval[1]
    assert found.why_not == ""


def test_a_network_whose_confidence_is_right_stays_as_it_is_and_says_why():
    logits, labels = answers(count=200, seed=1)
    found = fit(logits, labels)
    assert found.temperature == 1
    assert found.why_not.startswith(
        "On the 200 validation images, no temperature is clearly better"
    )


def test_the_gain_of_left_out_images_is_nearly_that_of_as_many_fits():
    logits, labels = answers(count=30, seed=2)
    logits = 2 * logits
    kept = [np.delete(np.arange(30), i) for i in range(30)]
    gains = [
        nll(logits[i : i + 1], labels[i : i + 1], 1)
        - nll(logits[i : i + 1], labels[i : i + 1], fit_temperature(logits[rest], labels[rest]))
        for i, rest in enumerate(kept)
    ]
    assert fit(logits, labels).gain == pytest.approx(np.mean(gains), abs=0.005)


@pytest.mark.parametrize("count", [2, 30, 40])
@pytest.mark.parametrize("scale", [0.6, 1.0, 2.0])
def test_new_images_are_never_worse_off_than_uncalibrated(count, scale):
    logits, labels = answers(count=4000, seed=3)
    logits = scale * logits
    rng, worse = np.random.default_rng(0), []
    rest = np.arange(3000, 4000)
    plain = np.mean(-log_softmax(logits[rest])[np.arange(1000), labels[rest]])
    for _ in range(60):
        some = rng.choice(3000, count, replace=False)
        used = fit(logits[some], labels[some]).temperature
        logs = log_softmax(logits[rest], used)
        worse.append(np.mean(-logs[np.arange(1000), labels[rest]]) - plain)
    assert np.mean(worse) < 0.003  # with the likeliest temperature: 0.02 to 20
