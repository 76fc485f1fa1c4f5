"""Why one class rather than another."""

import pytest
import torch

from cifar_core.explain import SALIENCY, explain
from cifar_core.inference import make_classifier, predict
from cifar_core.models import MODELS

LINEAR = [
    "input_x_gradient", "integrated_gradients", "deep_lift", "hires_cam", "occlusion", "rise",
]  # fmt: skip
CAT, DOG = torch.tensor([3, 3]), torch.tensor([5, 5])


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    spec = MODELS["simple_cnn"]
    model = spec.build(10)
    return make_classifier(
        model, model.state_dict(), classes=tuple("abcdefghij"), layer=spec.cam_layer
    )


@pytest.mark.parametrize("key", LINEAR)
def test_the_lead_over_another_class_is_the_difference_of_both_maps(key, classifier, images):
    lead = explain(classifier, images, CAT, key, rival=5)
    cat, dog = (explain(classifier, images, which, key) for which in (CAT, DOG))
    assert torch.allclose(lead, cat - dog, atol=1e-5 * float(cat.abs().max()), rtol=1e-3)


@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_can_compare_and_finds_no_lead_over_itself(key, classifier, images):
    assert explain(classifier, images, CAT, key, rival=5).any()
    assert not explain(classifier, images, CAT, key, rival=3).any()


def test_comparing_leaves_the_network_as_it_was(classifier, images):
    before = predict(classifier, images)
    explain(classifier, images, CAT, "deep_lift", rival=5)
    assert torch.equal(predict(classifier, images), before)
    assert classifier.kept["subject"].model is classifier.model
