"""An explanation's files are enough to make its map again."""

import io
import json

import numpy as np
import pytest
from pages import make_run
from PIL import Image

from cifar_core.errors import ExplanationError
from cifar_core.explain import SALIENCY
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.explanation import Drawing, Explanation, Question, attribute, reproduce


@pytest.fixture
def store(page_store):
    return page_store


def noise(side=32, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return Image.fromarray(pixels)


def explained(store, method="deep_lift", **asked):
    run = make_run(store, "Done")
    question = Question(method=method, settings=SALIENCY[method].settings(), target="ring", **asked)
    seen = noise()
    return Explanation(
        run=run, checkpoint=run.checkpoint().name, question=question, name="my photo.jpg",
        map=attribute(load_classifier(run), seen, question),
        photo=noise(64), box=(0, 0, 64, 64), seen=seen,
    )  # fmt: skip


def contents(explanation):
    files = explanation.files(Drawing(keep=0.2))
    (record,) = [json.loads(data) for name, data in files.items() if name.endswith(".json")]
    (map_,) = [np.load(io.BytesIO(data)) for name, data in files.items() if name.endswith(".npy")]
    return record, Image.open(io.BytesIO(files[record["seen"]])), map_


@pytest.mark.parametrize(
    ("method", "rival"), [("deep_lift", "disc"), ("smoothgrad", ""), ("gradient", "")]
)
def test_the_files_alone_make_the_same_map_again(store, method, rival):
    record, seen, map_ = contents(explained(store, method, rival=rival))
    assert map_.any()
    assert np.array_equal(reproduce(record, seen, store), map_)


def test_other_pixels_or_weights_are_refused(store):
    record, seen, _ = contents(explained(store))
    with pytest.raises(ExplanationError, match="pixels differ"):
        reproduce(record, noise(seed=1), store)
    with pytest.raises(ExplanationError, match="weights differ"):
        reproduce({**record, "weights_sha256": "0" * 64}, seen, store)


def test_the_names_of_the_files_say_what_they_hold(store):
    names = list(explained(store, "hires_cam", rival="disc").files(Drawing()))
    assert names[0] == "my_photo_jpg_run1_hires_cam_ring_not_disc.png"
    assert [name.rsplit(".")[-1] for name in names] == ["png", "npy", "json", "png"]
