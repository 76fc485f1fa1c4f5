import numpy as np
import pytest

from cifar_core.evaluation.nearest import ROWS, evenly, kth_similarity, nearest, share_nearer, unit


def features(count, width=8, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, width)))


def test_directions_at_known_angles_come_in_their_order():
    angles = np.radians([90, 0, 180, 60])
    known = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    places, similarities = nearest(known, np.array([[1, 0]], np.float32), 4)
    assert places.tolist() == [[1, 3, 0, 2]]
    assert similarities[0] == pytest.approx([1, 0.5, 0, -1], abs=1e-6)


def test_the_search_finds_what_looking_at_every_pair_finds():
    known, asked = features(300), features(ROWS + 7, seed=1)
    places, similarities = nearest(known, asked, 5)
    for row, (found, near) in enumerate(zip(places, similarities, strict=True)):
        each = sorted(((float(np.dot(one, asked[row])), n) for n, one in enumerate(known)))[::-1]
        assert found.tolist() == [n for _, n in each[:5]]
        assert near == pytest.approx([s for s, _ in each[:5]], abs=1e-6)


def test_fewer_come_back_if_fewer_are_known():
    places, similarities = nearest(features(3), features(2, seed=1), 10)
    assert places.shape == similarities.shape == (2, 3)
    assert sorted(places[0]) == [0, 1, 2]


def test_the_kth_similarity_is_the_last_of_the_k_nearest():
    known, asked = features(50), features(4, seed=1)
    expected = np.sort(asked @ known.T, axis=1)[:, -3]
    assert kth_similarity(known, asked, 3) == pytest.approx(expected)


def test_length_is_brought_to_one_and_zeros_stay():
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == pytest.approx(
        np.array([[0.6, 0.8], [0, 0]])
    )


def test_the_share_that_is_nearer_counts_those_more_similar():
    others = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    assert share_nearer(0.25, others) == 0.5
    assert share_nearer(0.0, others) == 1
    assert share_nearer(0.4, others) == 0


def test_every_class_gives_as_many_and_a_small_one_all():
    labels = np.array([0] * 100 + [1] * 3 + [2] * 50)
    chosen = evenly(labels, 30)
    assert np.bincount(labels[chosen]).tolist() == [10, 3, 10]
    assert (np.diff(chosen) > 0).all()
    assert {0, 99, 103, 152} <= set(chosen)  # spread from the first to the last of a class
