"""Class-activation maps against a hook and torch.autograd, and where the answer is known."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.errors import ExplanationError
from cifar_core.explain import SALIENCY, Subject
from cifar_core.models import MODELS

TARGETS = torch.tensor([3, 7])
GRAD_CAM, HIRES_CAM = SALIENCY["grad_cam"], SALIENCY["hires_cam"]
LAYERS = ["block1", "block2", "block3.0", "block3.1", "block3"]


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = MODELS["simple_cnn"].build(10)
    with torch.no_grad():
        model(torch.rand(16, 3, 32, 32))
    return model.eval()


def features_and_gradient(model, layer, images):
    """A layer's output and the gradient of the target scores there, [N, C, h, w] each."""
    outputs = []
    handle = layer.register_forward_hook(lambda module, given, output: outputs.append(output))
    score = model(images).gather(1, TARGETS[:, None]).sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, outputs[0])
    return outputs[0].detach(), gradient


def at_image_size(maps):
    return F.interpolate(maps, (32, 32), mode="bilinear")[:, 0]


@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_is_what_a_hook_and_autograd_give(layer, model, images):
    part = model.get_submodule(layer)
    features, gradient = features_and_gradient(model, part, images)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    expected = at_image_size((weights * features).sum(dim=1, keepdim=True).relu())
    result = GRAD_CAM.attribute(Subject(model, part), images, TARGETS)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_hires_cam_is_what_a_hook_and_autograd_give(layer, model, images):
    part = model.get_submodule(layer)
    features, gradient = features_and_gradient(model, part, images)
    expected = at_image_size((gradient * features).sum(dim=1, keepdim=True))
    result = HIRES_CAM.attribute(Subject(model, part), images, TARGETS)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)


def test_before_pooling_and_a_linear_layer_hires_cam_shares_out_the_score(model, images):
    result = HIRES_CAM.attribute(Subject(model, model.block3), images, TARGETS)
    with torch.no_grad():
        score = model(images).gather(1, TARGETS[:, None])[:, 0] - model.head.bias[TARGETS]
    # one cell of the 4 x 4 map became 8 x 8 pixels, and bilinear enlarging keeps the sum
    torch.testing.assert_close(result.sum(dim=(1, 2)) / 64, score, rtol=1e-4, atol=1e-5)


def one_feature(weight):
    """A network that looks for brightness, and counts it for (1) or against (-1) class 0."""
    look = nn.Conv2d(3, 1, kernel_size=4, stride=4, bias=False)
    head = nn.Linear(1, 2, bias=False)
    nn.init.ones_(look.weight)
    head.weight.data = torch.tensor([[float(weight)], [0.0]])
    model = nn.Sequential(look, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()
    return Subject(model, model[1])


def bright_corner():
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, :8, :8] = 1
    return image


@pytest.mark.parametrize("spec", [GRAD_CAM, HIRES_CAM])
def test_the_map_is_found_where_the_feature_is(spec):
    (map_,) = spec.attribute(one_feature(1), bright_corner(), torch.tensor([0]))
    assert map_[:12, :12].sum() == pytest.approx(map_.sum().item())
    assert map_[:6, :6].min() > 0.99 * map_.max() > 0


def test_a_feature_that_speaks_against_the_class_is_negative_or_left_out():
    arguments = one_feature(-1), bright_corner(), torch.tensor([0])
    assert HIRES_CAM.attribute(*arguments)[0, :6, :6].max() < 0
    assert not GRAD_CAM.attribute(*arguments).any()


@pytest.mark.parametrize("key", [key for key, spec in SALIENCY.items() if spec.needs_layer])
def test_a_network_without_a_layer_is_refused_with_what_to_choose(key, images):
    subject = Subject(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10)), None)
    with pytest.raises(ExplanationError, match=r"no layer of this network has maps\. Choose"):
        SALIENCY[key].attribute(subject, images, torch.tensor([0, 1]))
