import time

import pytest
import torch
from pages import make_run

from cifar_core.runs.record import checkpoints
from cifar_core.runs.results import look_back, predictions


@pytest.fixture
def run(page_store):
    run = make_run(page_store, "Done", train_fraction=0.02)
    for epoch, attempt in ((1, 1), (1, 2), (2, 2)):
        save(run, epoch, attempt)
    save(run, 1.5, 2, val_accuracy=None)  # in the middle of an epoch
    return run


def save(run, epoch, attempt, val_accuracy=0.3):
    torch.manual_seed(round(2 * epoch))
    model = run.config.build_model(10).state_dict()
    step = round(50 * epoch)
    manifest = {"step": step, "epoch": epoch, "attempt": attempt, "val_accuracy": val_accuracy}
    checkpoints.commit(run.path / "checkpoints", f"{step:08d}-a{attempt}", model=model,
                       state={"nothing": torch.zeros(1)}, manifest=manifest)  # fmt: skip


def test_each_ended_epoch_is_looked_back_at_once_oldest_first(run):
    assert [info.epoch for info in look_back.epochs(run)] == [1, 2]
    assert look_back.epochs(run)[0].attempt == 2


def kept(run):
    answers = {
        info.epoch: predictions.kept(run, "val", info.name) for info in look_back.epochs(run)
    }
    return {epoch: found for epoch, found in answers.items() if found is not None}


def test_one_job_answers_with_all_checkpoints_and_says_how_far_it_is(run):
    assert kept(run) == {}
    work = look_back.job(run, "val")
    work.start()
    end = time.monotonic() + 120
    while work.is_running:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert work.error == ""
    assert work.is_done
    known = kept(run)
    assert list(known) == [1, 2]
    assert (known[1].logits != known[2].logits).any()
    assert work.progress == (2 * len(known[1].labels),) * 2
