import itertools
import math

import numpy as np
import pytest

from cifar_core.statistics.same_images import (
    Counts,
    by_class,
    confusion_difference,
    counted,
    difference_interval,
    front,
    mcnemar,
)


def by_enumeration(only_first, only_second):
    """Try every way in which a fair coin could have split the images."""
    count, reached = only_first + only_second, abs(only_first - only_second)
    gaps = [abs(2 * sum(way) - count) for way in itertools.product((0, 1), repeat=count)]
    return np.mean([(gap > reached) + 0.5 * (gap == reached) for gap in gaps])


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(a, count - a) for count in range(1, 11) for a in range(count + 1)],
)
def test_mcnemar_is_what_trying_every_split_gives(only_first, only_second):
    expected = by_enumeration(only_first, only_second)
    assert mcnemar(only_first, only_second) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("only_first", "only_second", "published"), [(1, 7, 0.0391), (6, 16, 0.0347)]
)
def test_mcnemar_gives_the_values_of_fagerland_2013(only_first, only_second, published):
    assert mcnemar(only_first, only_second) == pytest.approx(published, abs=5e-5)


def test_mcnemar_of_many_images_is_that_of_exact_fractions():
    count, fewer = 900, 400
    below = sum(math.comb(count, k) for k in range(fewer))
    exact = (2 * below + math.comb(count, fewer)) / 2**count
    assert mcnemar(400, 500) == pytest.approx(exact, rel=1e-9)
    assert mcnemar(500, 400) == mcnemar(400, 500)


def test_networks_that_answer_alike_do_not_differ():
    assert mcnemar(0, 0) == 1.0
    same = Counts(both=80, only_first=0, only_second=0, neither=20)
    assert same.p_value == 1.0
    assert same.difference == 0
    assert same.interval[0] < 0 < same.interval[1]


@pytest.mark.parametrize(
    ("cells", "published"),
    [((36, 12, 2, 0), (0.0569, 0.3404)), ((1, 1, 7, 12), (-0.507, -0.026))],
)
def test_the_interval_is_the_published_one(cells, published):
    """Newcombe (1998), method 10; Fagerland, Lydersen and Laake (2014)."""
    names = ("both", "only_first", "only_second", "neither")
    found = difference_interval(Counts(**dict(zip(names, cells, strict=True))))
    assert found == pytest.approx(published, abs=5e-4)


def test_the_interval_holds_the_true_difference_in_95_of_100_tries():
    rng, hits, tries = np.random.default_rng(0), 0, 1000
    for cells in rng.multinomial(500, (0.6, 0.12, 0.08, 0.2), size=tries):
        low, high = difference_interval(
            Counts(both=cells[0], only_first=cells[1], only_second=cells[2], neither=cells[3])
        )
        hits += low <= 0.04 <= high
    assert hits / tries == pytest.approx(0.95, abs=0.02)


def test_counts_are_those_of_the_four_kinds_of_images():
    first, second = np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 0, 0, 1, 0, 0], bool)
    found = counted(first, second)
    assert found == Counts(both=1, only_first=2, only_second=1, neither=2)
    assert (found.first, found.second) == (first.mean(), second.mean())
    assert found.difference == pytest.approx(first.mean() - second.mean())


def test_the_classes_add_up_to_the_whole():
    rng = np.random.default_rng(1)
    first, second = rng.random(200) < 0.7, rng.random(200) < 0.6
    classes = by_class(first, second, rng.integers(0, 4, 200), 4)
    assert sum(c.only_first for c in classes) == counted(first, second).only_first
    assert sum(c.total for c in classes) == 200


def test_the_confusion_difference_counts_answers_that_one_gives_more_often():
    labels, first, second = np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0, 1, 0])
    found = confusion_difference(first, second, labels, 2)
    assert found.tolist() == [[1, -1], [-1, 1]]


def test_the_front_holds_what_nothing_cheaper_beats():
    assert front([3.0, 1.0, 2.0, 4.0], [0.7, 0.5, 0.8, 0.9]) == [1, 2, 3]
    assert front([1.0, 1.0], [0.5, 0.6]) == [1]
