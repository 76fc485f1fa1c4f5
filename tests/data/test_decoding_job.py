import time

import pytest
from PIL import Image

from cifar_core.data import find
from cifar_core.data.decoding.job import job_of, state_of
from cifar_core.disk import files
from cifar_core.errors import DataError


@pytest.fixture
def pets(tmp_path):
    """A folder of images of two classes."""
    for part, amount in (("train", 300), ("test", 2)):
        for label, shade in (("cat", 0), ("dog", 99)):
            folder = tmp_path / "pets" / part / label
            folder.mkdir(parents=True)
            for number in range(amount):
                color = (number % 256, shade, number // 256)
                Image.new("RGB", (32, 32), color).save(folder / f"{number}.png")
    return tmp_path / "pets"


def ended(job):
    deadline = time.monotonic() + 100
    while job.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return job


def test_a_job_decodes_images_that_then_open_at_once(tmp_path, pets):
    store, name = tmp_path / "store", str(pets)
    assert find.kept(name, store) is None
    job = job_of(name, store, "ann")
    assert job.start()
    assert state_of(job, name) is not None
    assert not job.start()
    ended(job)
    assert job.error == ""
    assert job.asker == "ann"
    assert state_of(job, name) is None
    assert len(find.kept(name, store).train) == 600
    assert files.read_json(job.path)["fingerprint"] == find.kept(name, store).fingerprint


def test_a_canceled_job_goes_on_where_it_stopped(tmp_path, pets):
    store, name = tmp_path / "store", str(pets)
    job = job_of(name, store, "ann")
    job.start()
    deadline = time.monotonic() + 100
    while not job.cancel():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    ended(job)
    if not job.is_done:  # it was canceled before its end
        assert job.error == "It was canceled."
        assert find.kept(name, store) is None
    job.start()
    ended(job)
    assert len(find.kept(name, store).train) == 600


def test_a_refusal_is_a_result_and_is_said_again_until_the_source_changes(tmp_path, pets):
    store, name = tmp_path / "store", str(pets)
    for number in range(30):
        (pets / "train" / "cat" / f"{number}.png").write_bytes(b"no picture")
    job = job_of(name, store, "")
    job.start()
    assert ended(job).error == ""
    with pytest.raises(DataError, match="30 pictures that cannot be used"):
        find.kept(name, store)
    for number in range(30):
        (pets / "train" / "cat" / f"{number}.png").unlink()
    assert find.kept(name, store) is None
    job.start()
    ended(job)
    assert len(find.kept(name, store).train) == 570


def test_what_is_not_there_needs_no_job(tmp_path):
    with pytest.raises(DataError, match="There is nothing at"):
        find.kept(str(tmp_path / "gone"), tmp_path)
    assert find.kept("synthetic:20", tmp_path) is None
    with pytest.raises(DataError, match="not on this machine"):
        find.kept("cifar10", tmp_path)


def test_drawn_images_are_made_by_a_job_too(tmp_path):
    job = job_of("synthetic:20", tmp_path, "")
    job.start()
    ended(job)
    assert len(find.kept("synthetic:20", tmp_path).train) == 20
