import numpy as np
import pytest
from pages import make_run

from cifar_core.runs.results import robustness
from cifar_core.runs.results.predictions import compute as answer
from cifar_core.runs.results.predictions import indexes_of
from cifar_core.runs.results.robustness import KINDS, compute, drawn, job, kept


@pytest.fixture
def run(page_store, monkeypatch):
    monkeypatch.setattr(robustness, "IMAGES", 40)
    return make_run(page_store, "Done", train_fraction=0.02)


def test_a_run_is_tested_on_every_disturbance_and_the_result_is_kept(run):
    assert kept(run, "val") == []
    reports = []
    made = compute(run, "val", report=lambda done, total: reports.append((done, total)))
    assert kept(run, "val") == made
    assert len(made) == KINDS
    assert reports[-1] == (KINDS, KINDS)
    assert {each.count for each in made} == {40}
    assert job(run, "val").is_done
    assert made == compute(run, "val")


def test_without_a_disturbance_the_accuracy_is_that_of_the_same_images(run):
    predictions = answer(run, "val")
    chosen = np.isin(predictions.indexes, drawn(predictions.indexes))
    plain = compute(run, "val")[0]
    assert plain.disturbance == ""
    assert plain.hits == predictions.right[chosen].sum()
    assert plain.interval[0] <= plain.accuracy <= plain.interval[1]


def test_only_images_of_the_part_are_drawn(run):
    from cifar_core.data import load

    val = indexes_of(run, "val", load("synthetic", run.store_root).train)
    assert set(drawn(val)) <= set(val)
    assert len(set(drawn(val))) == 40
