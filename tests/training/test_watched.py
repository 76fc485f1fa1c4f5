"""The images that a run watches, and the confusions of its validations."""

import numpy as np
import pytest
import torch

from cifar_core.evaluation.confusion import confusion
from cifar_core.training.evaluate import KeptLogits
from cifar_core.training.watched import IMAGES, PAIRS, Watch


def kept(logits):
    it = KeptLogits()
    it.keep(torch.as_tensor(logits, dtype=torch.float32))
    return it


def logits_of(images, classes, seed=0):
    return np.random.default_rng(seed).normal(size=(images, classes)).astype(np.float32)


def watch(images=400, classes=10, seed=0, **more):
    labels = torch.arange(images) % classes
    return Watch(labels=labels, classes=classes, seed=seed, **more)


def test_half_of_the_images_is_chosen_at_once_and_half_among_the_unsure():
    it, first, second = watch(), logits_of(400, 10), logits_of(400, 10, seed=1)
    it.look(kept(first), 1)
    half = list(it.chosen)
    assert len(half) == IMAGES // 2
    assert len({int(it.labels[place]) for place in half}) == IMAGES // 2, "of as many classes"
    it.look(kept(second), 2)
    assert it.chosen[: IMAGES // 2] == half
    assert len(set(it.chosen)) == IMAGES
    largest = np.sort(second, axis=1)
    unsure = np.argsort(largest[:, -1] - largest[:, -2])[:40]
    assert set(it.chosen[IMAGES // 2 :]) <= set(unsure.tolist())
    everything = list(it.chosen)
    it.look(kept(first), 3)
    assert it.chosen == everything, "they stay the same from then on"


def test_of_equally_unsure_images_the_first_are_not_preferred():
    it = watch()
    it.look(kept(np.zeros((400, 10))), 2)
    assert max(it.chosen[IMAGES // 2 :]) > 100
    assert len({int(it.labels[place]) for place in it.chosen[IMAGES // 2 :]}) == IMAGES // 2


def test_what_is_seen_is_what_the_logits_say():
    it, logits = watch(), logits_of(400, 10)
    it.look(kept(logits), 1)
    assert it.seen.predicted.tolist() == logits[it.chosen].argmax(axis=1).tolist()
    assert it.seen.labels.tolist() == it.labels[it.chosen].tolist()
    expected = confusion(logits.argmax(axis=1), it.labels.numpy(), 10)
    assert (it.seen.counts == expected).all()
    row = it.seen.row(np.arange(400) + 1000)
    assert row["images"] == [1000 + place for place in it.chosen]
    assert row["counts"] == expected.flatten().tolist()


@pytest.mark.parametrize("images", [0, 1, 5, 8, 11, 16, 17])
@pytest.mark.parametrize("classes", [1, 2, 10])
def test_few_images_are_all_watched(images, classes):
    it = watch(images, classes)
    for epoch in (1, 2, 3):
        it.look(kept(logits_of(images, classes)), epoch)
    assert len(set(it.chosen)) == len(it.chosen) == min(images, IMAGES)
    assert it.seen.counts.sum() == images


def test_a_run_of_one_epoch_chooses_all_images_in_it():
    it = watch(second=1)
    it.look(kept(logits_of(400, 10)), 1)
    assert len(set(it.chosen)) == IMAGES


def test_the_seed_chooses():
    chosen = []
    for seed in (0, 0, 1):
        it = watch(seed=seed)
        it.look(kept(logits_of(400, 10)), 1)
        chosen.append(it.chosen)
    assert chosen[0] == chosen[1] != chosen[2]


def test_of_many_classes_only_the_pairs_that_are_confused_most_are_written():
    it, logits = watch(3000, 30), logits_of(3000, 30)
    it.look(kept(logits), 1)
    row = it.seen.row(np.arange(3000))
    assert "counts" not in row
    counts = it.seen.counts - np.diag(np.diag(it.seen.counts))
    assert [n for _, _, n in row["pairs"]] == sorted(counts.flatten(), reverse=True)[:PAIRS]
    assert all(counts[true, predicted] == n for true, predicted, n in row["pairs"])


def test_watching_touches_no_random_numbers_of_torch():
    before = torch.get_rng_state()
    watch().look(kept(logits_of(400, 10)), 1)
    assert torch.equal(torch.get_rng_state(), before)
