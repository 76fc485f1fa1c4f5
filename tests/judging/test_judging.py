import math

import numpy as np
import pytest

from cifar_core.evaluation import calibration, confusion, coverage, mistakes
from cifar_core.evaluation.calibration import Tendency
from cifar_core.evaluation.scores import scores, within_top
from cifar_core.evaluation.softmax import log_softmax, softmax
from cifar_core.statistics.intervals import wilson

CHANCES = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.3, 0.6], [0.4, 0.35, 0.25]])
LOGITS, LABELS = np.log(CHANCES), np.array([0, 1, 2, 2])  # the first and the third are right


@pytest.fixture
def many():
    rng = np.random.default_rng(3)
    return rng.normal(0, 2, (300, 5)), rng.integers(0, 5, 300)


def test_the_headline_figures_of_four_images_by_hand():
    found = scores(LOGITS, LABELS)
    assert (found.top1.hits, found.top1.count, found.top1.share) == (2, 4, 0.5)
    assert found.top1.interval == wilson(0.5, 4)
    assert found.top3.share == 1.0
    assert found.loss == pytest.approx(-math.log(0.7 * 0.4 * 0.6 * 0.25) / 4)
    by_hand = (0.14 + (0.25 + 0.36 + 0.01) + (0.01 + 0.09 + 0.16) + (0.16 + 0.1225 + 0.5625)) / 4
    assert found.brier == pytest.approx(by_hand)


def test_precision_recall_and_f1_of_four_images_by_hand():
    zero, one, two = scores(LOGITS, LABELS).classes
    assert (zero.precision, zero.recall, zero.f1) == pytest.approx((1 / 3, 1, 0.5))
    assert (one.precision, one.recall, one.f1) == (0, 0, 0)  # never predicted
    assert (two.precision, two.recall, two.f1) == pytest.approx((1, 0.5, 2 / 3))
    assert (two.count, two.predicted) == (2, 1)
    assert scores(LOGITS, LABELS).macro_f1 == pytest.approx((0.5 + 0 + 2 / 3) / 3)


def test_the_figures_of_each_class_equal_counts_by_loops(many):
    logits, labels = many
    answers = [max(range(5), key=lambda k: row[k]) for row in logits]
    for k, found in enumerate(scores(logits, labels).classes):
        hits = sum(a == y == k for a, y in zip(answers, labels, strict=True))
        assert found.precision == pytest.approx(hits / answers.count(k))
        assert found.recall == pytest.approx(hits / list(labels).count(k))
        harmonic = 2 / (1 / found.precision + 1 / found.recall)
        assert found.f1 == pytest.approx(harmonic)


def test_top_three_equals_sorting(many):
    logits, labels = many
    by_loop = [y in sorted(range(5), key=lambda k: -row[k])[:3] for row, y in zip(*many)]  # noqa: B905
    assert within_top(logits, labels, 3).tolist() == by_loop


def test_with_equal_logits_top_three_is_three_classes():
    labels = np.arange(5)
    assert within_top(np.zeros((5, 5)), labels, 3).tolist() == [True, True, True, False, False]


def test_a_temperature_leaves_the_answers_and_changes_the_loss(many):
    before, after = scores(*many), scores(*many, temperature=3.0)
    assert (after.top1, after.top3, after.classes) == (before.top1, before.top3, before.classes)
    assert after.loss < before.loss


def test_the_calibration_error_of_two_bins_by_hand():
    # 0.9 twice, half of them right; 0.6 twice, all right: (2 * 0.4 + 2 * 0.4) / 4
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    found = calibration.reliability(chances, np.array([0, 1, 0, 0]), bins=4)
    assert found.counts.tolist() == [0, 0, 2, 2]
    assert found.accuracy[2:].tolist() == [1.0, 0.5]
    assert found.ece == pytest.approx(0.4)


def test_the_calibration_error_equals_a_loop_over_bins(many):
    logits, labels = many
    chances, total = softmax(logits), 0.0
    for m in range(15):
        inside = [
            (row.max(), row.argmax() == y)
            for row, y in zip(chances, labels, strict=True)
            if m / 15 < row.max() <= (m + 1) / 15
        ]
        total += abs(sum(right for _, right in inside) - sum(sure for sure, _ in inside))
    assert calibration.reliability(chances, labels).ece == pytest.approx(total / len(labels))


def test_a_probability_on_an_edge_belongs_to_the_lower_bin():
    found = calibration.reliability(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0]), bins=2)
    assert found.counts.tolist() == [1, 1]


def test_the_confusion_matrix_has_the_true_class_in_rows():
    counts = confusion.confusion(LOGITS.argmax(axis=1), LABELS, 3)
    assert counts.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 1]]
    assert confusion.errors_only(counts).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert confusion.row_shares(counts)[2].tolist() == [0.5, 0, 0.5]


def test_a_class_without_images_has_no_shares():
    assert np.isnan(confusion.row_shares(np.array([[2, 0], [0, 0]]))[1]).all()


def test_confused_classes_come_next_to_each_other():
    counts = np.diag([50] * 6)
    for a, b in ((0, 3), (3, 5), (1, 4), (4, 2)):  # two chains: 0-3-5 and 1-4-2
        counts[a, b] = counts[b, a] = 20
    order = confusion.by_similarity(counts).tolist()
    assert sorted(order) == list(range(6))
    assert {frozenset(order[:3]), frozenset(order[3:])} == {
        frozenset({0, 3, 5}),
        frozenset({1, 2, 4}),
    }
    assert abs(order.index(3) - order.index(0)) == abs(order.index(3) - order.index(5)) == 1


def test_coverage_of_four_images_by_hand():
    found = coverage.coverage(np.array([0.9, 0.6, 0.8, 0.6]), np.array([True, True, False, False]))
    assert found.thresholds.tolist() == [0.9, 0.8, 0.6]
    assert found.coverage.tolist() == [0.25, 0.5, 1.0]
    assert found.accuracy.tolist() == [1.0, 0.5, 0.5]


def test_a_threshold_leaves_out_what_is_less_sure(many):
    logits, labels = many
    chances = softmax(logits)
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    whole = coverage.coverage(sure, right)
    for place in (0, 40, 299):
        kept, correct = coverage.at_threshold(sure, right, whole.thresholds[place])
        assert (kept.share, correct.share) == (whole.coverage[place], whole.accuracy[place])


def test_a_threshold_that_nothing_reaches_leaves_nothing():
    kept, correct = coverage.at_threshold(np.array([0.5]), np.array([True]), 0.9)
    assert (kept.hits, correct.count, correct.share) == (0, 0, 0.0)


def test_the_rankings_of_four_images_by_hand():
    # wrong: 1 (sure to 0.5) and 3 (0.4); losses: 3, 1, 2, 0; leads: 3: 0.05, 1: 0.1, 2: 0.3, 0: 0.5
    assert mistakes.ranked(LOGITS, LABELS, "confident").tolist() == [1, 3]
    assert mistakes.ranked(LOGITS, LABELS, "loss").tolist() == [3, 1, 2, 0]
    assert mistakes.ranked(LOGITS, LABELS, "margin").tolist() == [3, 1, 2, 0]
    assert mistakes.ranked(LOGITS, LABELS, "entropy")[0] == 3


@pytest.mark.parametrize("ranking", mistakes.RANKINGS)
def test_every_ranking_keeps_to_the_images_asked_for(ranking, many):
    among = np.zeros(300, bool)
    among[[5, 80, 200]] = True
    found = mistakes.ranked(*many, ranking, among=among).tolist()
    assert found
    assert set(found) <= {5, 80, 200}


def test_entropy_is_that_of_the_definition(many):
    by_loop = [-sum(p * math.log(p) for p in row) for row in softmax(many[0])]
    assert mistakes.entropy(log_softmax(many[0]), many[1]) == pytest.approx(by_loop)


def test_balanced_accuracy_counts_each_class_alike_however_many_images_it_has():
    labels = np.array([0] * 97 + [1] * 3)
    logits = np.tile([1.0, 0.0], (100, 1))  # always the larger class
    found = scores(logits, labels)
    assert found.top1.share == 0.97
    assert found.balanced_accuracy == 0.5
    assert found.macro_f1 == pytest.approx((2 * 97 / 197) / 2)
    logits[-1] = [0.0, 1.0]
    assert scores(logits, labels).balanced_accuracy == pytest.approx((1 + 1 / 3) / 2)


def test_classes_without_images_do_not_lower_the_balanced_accuracy():
    assert scores(np.eye(3)[[0, 1]], np.array([0, 1])).balanced_accuracy == 1


@pytest.mark.parametrize("images", [100, 300, 3000])
def test_a_perfect_network_has_a_calibration_error_within_chance_19_times_in_20(images):
    rng, within = np.random.default_rng(images), []
    for _ in range(100):
        chances = softmax(rng.normal(0, 2, (images, 10)))
        labels = (chances.cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1)
        found = calibration.reliability(chances, labels)
        within.append(found.by_chance[0] <= found.ece <= found.by_chance[1])
    assert np.mean(within) == pytest.approx(0.95, abs=0.06)


def test_an_overconfident_network_is_beyond_chance_and_few_images_allow_more():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2000, 10))
    labels = (softmax(logits).cumsum(axis=1) > rng.random((2000, 1))).argmax(axis=1)
    found = calibration.reliability(softmax(3 * logits), labels)
    assert found.ece > found.by_chance[1]
    few = calibration.reliability(softmax(3 * logits[:50]), labels[:50])
    assert few.by_chance[1] > 3 * found.by_chance[1]


@pytest.mark.parametrize(
    ("confidence", "tendency"),
    [
        (0.75, Tendency.RIGHT),
        (0.95, Tendency.OVER),
        (0.55, Tendency.UNDER),
    ],
)
def test_the_tendency_of_a_confidence_that_is_right_three_times_in_four(confidence, tendency):
    labels = np.arange(400) % 4 == 0  # one in four is not class 0
    probabilities = np.tile([confidence, 1 - confidence], (400, 1))
    assert calibration.reliability(probabilities, labels.astype(int)).tendency == tendency


def test_a_confidence_too_high_here_and_too_low_there_is_mixed():
    high, low = np.tile([0.95, 0.05], (200, 1)), np.tile([0.55, 0.45], (200, 1))
    labels = np.concatenate([np.arange(200) % 4 == 0, np.arange(200) % 4 == 0]).astype(int)
    found = calibration.reliability(np.concatenate([high, low]), labels)
    assert found.tendency == Tendency.MIXED
