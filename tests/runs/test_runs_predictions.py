import numpy as np
import pytest
from pages import make_run

from cifar_core.data import load
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.results.evaluation import evaluate_run
from cifar_core.runs.results.predictions import PARTS, compute, job, kept, path_of


@pytest.fixture
def run(page_store):
    return make_run(page_store, "Done", train_fraction=0.02)


@pytest.mark.parametrize("part", ["val", "test"])
def test_the_answers_agree_with_an_evaluation_of_the_run(run, part):
    made = compute(run, part)
    score = evaluate_run(run, part)
    assert made.right.mean() == pytest.approx(score.accuracy)
    chosen = made.probabilities()[np.arange(len(made.labels)), made.labels]
    assert -np.log(chosen).mean() == pytest.approx(score.loss, rel=1e-5)


def test_places_name_the_images_that_were_answered(run):
    made = compute(run, "val")
    dataset = load("synthetic", run.store_root)
    assert (dataset.train.labels[made.indexes] == made.labels).all()
    assert set(made.indexes).isdisjoint(compute(run, "train").indexes)


def test_answers_are_kept_and_read_back_without_computing(run):
    assert kept(run, "val") is None
    made = compute(run, "val")
    found = kept(run, "val")
    assert (found.logits == made.logits).all()
    assert found.classes == made.classes
    assert found.checkpoint == run.checkpoint("best").name
    assert kept(run, "test") is None


@pytest.mark.parametrize("offset", [0.01, 0.5, 0.99])
def test_a_flipped_bit_makes_kept_answers_void(run, offset):
    compute(run, "val")
    path = path_of(run, "val", run.checkpoint().name)
    data = bytearray(path.read_bytes())
    data[int(offset * len(data))] ^= 1
    path.write_bytes(data)
    assert kept(run, "val") is None


def test_answers_to_images_that_have_changed_are_refused(run):
    path = run.path / "environment.json"
    files.edit(path, dict, lambda old: {"data": {**old["data"], "fingerprint": "0" * 64}})
    with pytest.raises(RunError, match="have changed"):
        compute(run, "val")


def test_every_part_has_a_job_of_its_own(run):
    assert len({job(run, part).path for part in PARTS}) == len(PARTS)
