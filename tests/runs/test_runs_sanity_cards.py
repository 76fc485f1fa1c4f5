import os
import time
from dataclasses import replace

import pytest
from pages import make_run

from cifar_core.disk import lock
from cifar_core.explain import SALIENCY
from cifar_core.runs.results.sanity_cards import IMAGES, CardFile, cards, compute


@pytest.fixture
def place(page_store):
    run = make_run(page_store, "Done")
    return CardFile(run=run, checkpoint=run.checkpoint().name, method="gradient")


def wait_for(place):
    end = time.monotonic() + 120
    while place.job.is_running:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_card_is_computed_in_the_background_and_kept(place):
    assert place.read() == {}
    assert place.job.start()
    wait_for(place)
    card = place.read()
    assert place.job.error == ""
    assert card["images"] == IMAGES
    assert 0 <= card["stays"] <= 1
    assert card["stages"][-1]["layers"] == card["stages"][-1]["of"]
    assert 0 < card["object"]["area"] < card["object"]["mass"] + 0.5
    assert cards(place.run, place.checkpoint) == [card]


def test_a_card_that_is_being_computed_is_not_begun_again(place):
    place.path.parent.mkdir()
    descriptor = lock.take(place.job.lock)
    assert place.job.is_running
    assert not place.job.start()
    os.close(descriptor)
    assert not place.job.is_running


def test_a_process_that_fails_is_noticed(place):
    weights = place.run.checkpoint().path / "model.safetensors"
    weights.write_bytes(b"damaged")
    place.job.start()
    wait_for(place)
    assert place.read() == {}
    assert "no checkpoint" in place.job.error


def test_other_settings_get_a_card_of_their_own(place):
    few = SALIENCY["smoothgrad"].settings(samples=2)
    other = replace(place, method="smoothgrad", settings=few)
    assert other.path != replace(other, settings=None).path


def test_the_same_card_comes_out_twice(place):
    first, again = (compute(place) for _ in range(2))
    assert first["stages"] == again["stages"]
