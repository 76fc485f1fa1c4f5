import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.models import MODELS


def build(key):
    torch.manual_seed(3)
    return TrainConfig(model=key).build_model(10)


@pytest.mark.parametrize("key", MODELS)
def test_every_model_gives_one_logit_a_class(key, images):
    assert build(key).eval()(images).shape == (2, 10)


@pytest.mark.parametrize("key", MODELS)
def test_every_model_can_have_another_number_of_classes(key, images):
    model = TrainConfig(model=key).build_model(7).eval()
    assert model(images).shape == (2, 7)


@pytest.mark.parametrize("key", MODELS)
def test_every_model_sends_a_gradient_to_every_weight(key, images):
    model = build(key)
    model(images).logsumexp(dim=1).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("key", MODELS)
def test_every_cam_layer_exists_and_has_maps_of_at_least_8_by_8(key, images):
    model, shapes = build(key).eval(), []
    layer = model.get_submodule(MODELS[key].cam_layer)
    layer.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    model(images)
    assert len(shapes[0]) == 4
    assert min(shapes[0][2:]) >= 8


@pytest.mark.parametrize("key", MODELS)
def test_the_same_seed_builds_the_same_weights(key):
    first, second = build(key).state_dict(), build(key).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("key", MODELS)
def test_every_model_runs_in_bfloat16(key, images):
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(build(key)(images)).all()


def test_pooling_before_the_activation_gives_the_same_numbers_as_after_it(images):
    pool, relu = torch.nn.MaxPool2d(2), torch.nn.ReLU()
    assert torch.equal(relu(pool(images - 0.5)), pool(relu(images - 0.5)))
