import os
import time

import pytest
from pages import make_run

from cifar_core.background.jobs import progress_report
from cifar_core.disk import files, lock
from cifar_core.runs.results.predictions import job, kept


@pytest.fixture
def run(page_store):
    return make_run(page_store, "Done", train_fraction=0.02)


def wait_for(work):
    end = time.monotonic() + 120
    while work.is_running:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_job_is_done_in_the_background_and_says_how_far_it_is(run):
    work = job(run, "val")
    assert not work.is_done
    assert work.progress == (0, 0)
    assert work.start()
    wait_for(work)
    assert work.error == ""
    assert work.is_done
    assert work.progress == (len(kept(run, "val").labels),) * 2


def test_two_that_ask_have_it_done_once(run):
    work = job(run, "val")
    work.path.parent.mkdir()
    descriptor = lock.take(work.lock)
    assert work.is_running
    assert not work.start()
    os.close(descriptor)
    assert not work.is_running


def test_a_job_that_fails_says_why(run):
    work = job(run, "val")
    weights = run.checkpoint().path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    work.start()
    wait_for(work)
    assert not work.is_done
    assert "checksum differs" in work.error


def test_a_job_can_be_cancelled(run):
    work = job(run, "train")
    assert not work.cancel()
    work.start()
    end = time.monotonic() + 60
    while not work.cancel() and not work.is_done:
        assert time.monotonic() < end
        time.sleep(0.01)
    wait_for(work)
    assert work.is_done or not kept(run, "train")
    assert work.error == ("" if work.is_done else "It was canceled.")


def test_progress_is_noted_at_the_end_whatever_the_time(tmp_path):
    report = progress_report(tmp_path / "work.progress")
    report(1, 9)
    report(9, 9)
    assert files.read_json(tmp_path / "work.progress")["done"] == 9
