"""An explanation's files are enough to make its map again."""

import io
import json

import numpy as np
import pytest
from pages import make_run
from PIL import Image

from cifar_core.data.pictures.images import to_tensor
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


@pytest.mark.parametrize("method", ["occlusion", "rise", "integrated_gradients", "gradient"])
def test_a_record_of_an_earlier_version_gets_the_map_of_that_version(store, method):
    record, seen, map_ = contents(explained(store, method))
    assert record["format"] == 2
    earlier = reproduce({**record, "format": 1}, seen, store)
    assert np.array_equal(earlier, map_) == (method == "gradient")
    if method == "occlusion":
        assert_inside(earlier, store.run(record["run"]), seen)


def assert_inside(map_, run, seen):
    """Compare with Captum's windows inside the picture, which format 1 had."""
    from captum.attr import Occlusion

    classifier, image = load_classifier(run), to_tensor(seen)
    expected = Occlusion(classifier.model).attribute(
        image, (3, 8, 8), strides=(3, 4, 4), baselines=0.5, target=classifier.classes.index("ring")
    )
    np.testing.assert_allclose(map_, expected.mean(dim=1)[0].numpy(), rtol=1e-4, atol=1e-5)


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
