"""What every architecture promises, checked for each entry of the registry.

The published Vision GNNs compute on 224 pixels: the two tiny ones are built for 64 here, and the
rest, like every question of shape, is asked on the meta device, where no arithmetic happens.
"""

from copy import deepcopy
from functools import cache
from itertools import pairwise
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cifar_core.models import MODELS
from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import Family, ModelSpec
from cifar_core.models.vig_blocks import DropPath

REAL = [key for key in MODELS if MODELS[key].input_size == 32] + ["vig_ti", "pvig_ti"]
DIFFERS_IN_TRAINING = (nn.BatchNorm2d, nn.Dropout, DropPath)


def built(key, seed=3):
    """The entry's network, with noise where it starts at zero and would hide what lies before."""
    torch.manual_seed(seed)
    smaller = {"resolution": 64} if MODELS[key].input_size > 32 else {}
    model = MODELS[key].build(10, **smaller).eval()
    for weight in model.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.02)
    return model


@cache
def network(key):
    """The entry's network in evaluation mode; whoever changes it takes a copy."""
    return built(key)


def exact(key, images):
    """The network and the images; in float64 where near ties between neighbors would flip."""
    if MODELS[key].family != "Graph":
        return network(key), images
    return deepcopy(network(key)).double(), images.double()


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("key", MODELS)
def test_every_model_is_described(key):
    spec = MODELS[key]
    assert spec.family in get_args(Family)
    assert spec.summary.endswith(".")
    assert spec.paper.startswith("https://")


def test_the_entries_of_a_family_stand_together():
    families = [spec.family for spec in MODELS.values()]
    borders = sum(a != b for a, b in pairwise(families))
    assert borders == len(set(families)) - 1


def test_an_entry_names_a_cam_layer_or_says_why_there_is_none():
    given = {"key": "a", "title": "A", "summary": "A.", "family": "Graph", "build": nn.Flatten}
    with pytest.raises(AssertionError, match="CAM"):
        ModelSpec(**given, cam_layer=None)
    with pytest.raises(AssertionError, match="CAM"):
        ModelSpec(**given, cam_layer="head", cam_note="There is none.")


@pytest.mark.parametrize("key", MODELS)
def test_every_model_has_the_classes_asked_for_and_a_cam_layer_of_at_least_8_by_8(key):
    spec = MODELS[key]
    with torch.device("meta"):
        model, images = spec.build(7).eval(), torch.zeros(2, 3, 32, 32)
    shapes = []
    if spec.cam_layer:
        layer = model.get_submodule(spec.cam_layer)
        layer.register_forward_hook(lambda module, given, output: shapes.append(output.shape))
    assert model(images).shape == (2, 7)
    assert len(shapes) == bool(spec.cam_layer)
    assert [shape for shape in shapes if len(shape) != 4 or min(shape[2:]) < 8] == []


@pytest.mark.parametrize("key", REAL)
def test_the_same_seed_builds_the_same_weights(key):
    first, second = network(key).state_dict(), built(key).state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("key", REAL)
def test_a_saved_model_gives_the_same_logits_to_the_bit(key, images, tmp_path):
    saved, images = exact(key, images)
    save_file(saved.state_dict(), tmp_path / "model.safetensors")
    loaded = built(key, seed=4).to(images.dtype)
    loaded.load_state_dict(load_file(tmp_path / "model.safetensors"))
    with torch.inference_mode():
        before, after = saved(images), loaded(images)
    assert before.shape == (2, 10)
    assert torch.equal(before, after)


@pytest.mark.parametrize("key", REAL)
def test_an_answer_depends_on_no_other_image_of_the_batch(key, images):
    model, images = exact(key, images)
    with torch.inference_mode():
        together, alone = model(images), model(images[:1])
    assert not torch.equal(together[0], together[1])
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("key", REAL)
def test_evaluation_changes_nothing_and_only_norms_and_dropping_know_of_training(key, images):
    from torchvision.ops import StochasticDepth

    model = deepcopy(network(key))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        logits = model(images)
        model.train()
        for module in model.modules():
            if isinstance(module, (*DIFFERS_IN_TRAINING, StochasticDepth)):
                module.eval()
        torch.testing.assert_close(model(images), logits, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())


@pytest.mark.parametrize("key", REAL)
def test_every_weight_has_a_gradient_in_deterministic_mode_too(key, images, deterministic):
    model = deepcopy(network(key))
    model(images).logsumexp(dim=1).sum().backward()
    silent = [name for name, weight in model.named_parameters()
              if weight.grad is None or not weight.grad.any()]  # fmt: skip
    assert silent == []


@pytest.mark.parametrize("key", REAL)
def test_every_model_trains_in_bfloat16(key, images):
    model = deepcopy(network(key)).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images)
    logits.float().logsumexp(dim=1).sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters())


def test_a_scaled_model_sees_zero_mean_and_its_constants_are_not_saved():
    model = Scaled(nn.Conv2d(3, 1, 1), mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.25))
    seen = []
    model.body.register_forward_hook(lambda module, given, output: seen.append(given[0]))
    model(torch.ones(1, 3, 2, 2))
    expected = torch.tensor([1.8, 1.6, 2.8]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    torch.testing.assert_close(seen[0], expected)
    assert list(model.state_dict()) == ["body.weight", "body.bias"]


@pytest.mark.parametrize("side", [2, 8])
def test_a_model_with_a_resolution_enlarges_only_images_of_another_size(side):
    model = Scaled(nn.Identity(), resolution=8)
    given = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    scaled = model(given)
    assert scaled.shape == (1, 3, 8, 8)
    corners = scaled[..., ::7, ::7], (given[..., :: side - 1, :: side - 1] - 0.5) / 0.25
    torch.testing.assert_close(*corners)


def test_pooling_before_the_activation_gives_the_same_numbers_as_after_it(images):
    pool, relu = nn.MaxPool2d(2), nn.ReLU()
    assert torch.equal(relu(pool(images - 0.5)), pool(relu(images - 0.5)))
