import time
from threading import Thread

import numpy as np
import pytest
import torch
from torch import nn

from cifar_core.errors import CheckpointError
from cifar_core.inference import (
    BATCH,
    Classifier,
    job_seconds_per_image,
    last_layer,
    make_classifier,
    outputs,
    predict,
    predictions,
    seconds_per_image,
    top,
)
from cifar_core.models import MODELS

TEN = tuple(f"class {number}" for number in range(10))
SIMPLE = MODELS["simple_cnn"]


def built(num_classes=10, seed=0):
    torch.manual_seed(seed)
    return SIMPLE.build(num_classes)


def weights(**changes):
    return {**built(seed=1).state_dict(), **changes}


def classifier(**changes):
    given = {"classes": TEN, "layer": SIMPLE.cam_layer, "title": "run 1"} | changes
    return make_classifier(built(), weights(), **given)


SMALL = [key for key, spec in MODELS.items() if spec.input_size == 32]


@pytest.mark.parametrize("key", SMALL)
def test_every_model_becomes_a_classifier_with_its_cam_layer(key, images):
    spec = MODELS[key]
    made = make_classifier(
        spec.build(10), spec.build(10).state_dict(), classes=TEN, layer=spec.cam_layer
    )
    wanted = made.model.get_submodule(spec.cam_layer) if spec.cam_layer else None
    assert made.layer is wanted
    assert predict(made, images).shape == (2, 10)


def test_a_classifier_answers_like_the_network_whose_weights_it_got(images):
    source = built(seed=1).eval()
    with torch.no_grad():
        expected = source(images).softmax(dim=1)
    torch.testing.assert_close(predict(classifier(), images), expected)


def test_a_classifier_is_frozen_in_evaluation_mode_and_float32():
    made = make_classifier(built().half().train(), weights(), classes=TEN, layer="block2")
    assert not any(module.training for module in made.model.modules())
    assert all(value.dtype == torch.float32 for value in made.model.parameters())
    assert not any(value.requires_grad for value in made.model.parameters())


def test_half_precision_weights_are_widened(images):
    halves = {name: value.half() if value.is_floating_point() else value
              for name, value in weights().items()}  # fmt: skip
    made = make_classifier(built(), halves, classes=TEN, layer="block2")
    torch.testing.assert_close(
        predict(made, images), predict(classifier(), images), atol=5e-3, rtol=0
    )


def test_probabilities_are_positive_and_sum_to_one():
    images = torch.rand(300, 3, 32, 32)  # more than one batch
    probabilities = predict(classifier(), images)
    assert probabilities.shape == (300, 10)
    assert (probabilities > 0).all()
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(300))


def test_the_answer_does_not_depend_on_the_company(images):
    made = classifier()
    torch.testing.assert_close(predict(made, images)[1:], predict(made, images[1:]))


def test_the_likeliest_classes_come_first():
    made = classifier(classes=[*"abcdefghij"])
    probabilities = torch.tensor([0.1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.4])
    assert top(made, probabilities, 2) == [("b", 0.5), ("j", pytest.approx(0.4))]
    assert len(top(made, probabilities, 99)) == 10


def test_misfitting_weights_are_named_all_at_once():
    given = weights(**{"head.weight": torch.zeros(3, 128), "extra": torch.zeros(1)})
    del given["head.bias"]
    with pytest.raises(CheckpointError) as caught:
        make_classifier(built(), given, classes=TEN, layer="block2")
    message = str(caught.value)
    assert "missing head.bias" in message
    assert "unknown extra" in message
    assert "head.weight is [3, 128], but it must be [10, 128]" in message


def test_misfitting_weights_leave_the_network_as_it_was():
    model = built()
    before = model.block1[0].weight.clone()
    given = weights()
    del given["head.bias"]
    with pytest.raises(CheckpointError):
        make_classifier(model, given, classes=TEN, layer="block2")
    assert torch.equal(model.block1[0].weight, before)


def test_a_long_list_of_missing_weights_is_cut_short():
    with pytest.raises(CheckpointError, match=r"missing block1.0.weight, .* and 16 more"):
        make_classifier(built(), {}, classes=TEN, layer="block2")


def test_class_names_that_do_not_fit_are_refused():
    with pytest.raises(CheckpointError, match="distinguishes 10 classes, but 3 names"):
        classifier(classes=("cat", "dog", "frog"))


def test_predictions_wait_for_the_lock(images):
    made: Classifier = classifier()
    answers = []
    waiting = Thread(target=lambda: answers.append(predict(made, images)))
    with made.lock:
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
        assert not answers
    waiting.join(timeout=10)
    assert answers[0].shape == (2, 10)


SCALED = ("resnet9", "speed_net")  # multiply what the last layer yields by a constant


@pytest.mark.parametrize("key", SMALL)
def test_the_last_layer_makes_the_logits_of_the_features(key, images):
    torch.manual_seed(0)
    model = MODELS[key].build(10).eval().requires_grad_(False)
    made = Classifier(model=model, classes=TEN, layer=None, layer_note="Not needed.")
    layer = made.last_layer
    nn.init.normal_(layer.weight, std=0.1)  # some start at zero
    logits, features = outputs(made, images)
    again = features @ layer.weight.flatten(1).T
    if layer.bias is not None:
        again += layer.bias
    factor = (again * logits).sum() / again.square().sum()
    assert factor < 0.2 if key.startswith(SCALED) else factor == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(factor * again, logits, atol=1e-5, rtol=1e-4)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), logits, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("key", [key for key in MODELS if MODELS[key].head])
def test_the_last_layer_of_a_pretrained_network_is_the_one_that_is_made_anew(key):
    with torch.device("meta"):
        model = MODELS[key].build(10).eval()
    assert last_layer(model, 10) is model.get_submodule(MODELS[key].head)


def test_a_layer_of_as_many_values_in_the_middle_is_not_the_last():
    middle, last = nn.Conv2d(3, 10, 1), nn.Linear(10, 10)
    model = nn.ModuleDict({"last": last, "middle": middle})
    model.forward = lambda images: last(middle(images).mean(dim=(2, 3)))
    assert last_layer(model, 10) is last


def test_features_of_several_batches_come_in_order_and_no_hook_stays():
    made = classifier()
    images = torch.rand(BATCH + 3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits, features = outputs(made, images)
    alone = outputs(made, images[-1:])
    torch.testing.assert_close((logits[-1:], features[-1:]), alone)
    assert features.shape == (BATCH + 3, 128)
    assert not any(module._forward_pre_hooks for module in made.model.modules())


def test_the_time_of_a_job_is_that_of_batches_like_its_own():
    network, images = classifier(), torch.rand(500, 3, 32, 32)
    predict(network, images)

    def ratio():
        guess = job_seconds_per_image(network, 250)
        start = time.process_time()
        predict(network, images)
        return guess * len(images) / (time.process_time() - start)

    assert 0.5 < sorted(ratio() for _ in range(3))[1] < 2


class Recording(nn.Module):
    """A network for images of one size only, and the sizes of its batches."""

    def __init__(self, side):
        super().__init__()
        self.head, self.fed = nn.Linear(3 * side**2, 10), []

    def forward(self, images):
        self.fed.append(len(images))
        return self.head(images.flatten(1))


def test_a_network_for_larger_images_is_never_given_others_and_never_too_many():
    model = Recording(224)
    made = make_classifier(model, model.state_dict(), classes=TEN, layer=None, side=224)
    assert made.last_layer is model.head
    assert made.at_once == 20
    assert predict(made, torch.zeros(45, 3, 224, 224)).shape == (45, 10)
    assert model.fed[-3:] == [20, 20, 5]
    _, features = outputs(made, torch.zeros(3, 3, 224, 224))
    assert features.shape == (3, 3 * 224**2)
    assert predictions(made, np.zeros((21, 224, 224, 3), np.uint8))[0].shape == (21,)
    assert seconds_per_image(made) > 0
    assert job_seconds_per_image(made, 8) > 0
    assert max(model.fed) <= made.at_once


def test_batches_of_small_images_are_as_large_as_ever():
    assert classifier().at_once == BATCH
