"""Sizes and costs against figures that were published or worked out elsewhere."""

from pathlib import Path

import pytest
from torch import nn

from cifar_core.models import MODELS
from cifar_core.models.measure import Parameters, card, count, multiply_adds
from cifar_core.models.table import markdown

ROOT = Path(__file__).parents[2]
PARAMETERS = {  # to the unit, for 10 classes
    "vgg16": 14_719_818,
    "vgg16_bn": 14_728_266,
    "convmixer_256_8": 594_186,
    "resnet9": 6_573_130,
    "resnet18": 11_173_962,
    "resnet34": 21_282_122,
    "resnet50": 23_520_842,
    "wide_resnet16_4": 2_748_890,
    "densenet121": 6_956_426,
    "mobilenet_v2": 2_236_682,
    "efficientnet_b0": 4_020_358,
    "vit_small": 4_028_170,
    "vig_nano": 366_666,
    "vig_tiny": 1_039_018,
    "vig_small": 5_926_858,
    "vig_pyramid": 1_660_282,
}
MILLION_MULTIPLY_ADDS = {  # within 1 %
    "vgg16": 313,
    "vgg16_bn": 313,
    "convmixer_256_8": 148,
    "resnet9": 379,
    "resnet18": 555,
    "resnet34": 1159,
    "resnet50": 1298,
    "wide_resnet16_4": 393,
    "densenet121": 888,
    "mobilenet_v2": 88,
    "efficientnet_b0": 116,
    "vit_small": 274,
    "vig_nano": 28.4,
    "vig_tiny": 77.0,
    "vig_small": 393,
    "vig_pyramid": 73.8,
    "vig_ti": 1301,
    "vig_s": 4517,
    "vig_b": 17_700,
    "pvig_ti": 1700,
    "pvig_s": 4548,
    "pvig_m": 8886,
    "pvig_b": 16_861,
}


@pytest.mark.parametrize(("key", "parameters"), PARAMETERS.items())
def test_a_network_has_the_known_number_of_parameters(key, parameters):
    assert card(MODELS[key]).parameters == parameters


@pytest.mark.parametrize(("key", "millions"), MILLION_MULTIPLY_ADDS.items())
def test_a_network_costs_the_known_multiply_adds(key, millions):
    assert card(MODELS[key]).multiply_adds == pytest.approx(millions * 1e6, rel=0.01)


def test_parameters_are_counted_once_and_constants_not_at_all():
    layer = nn.Linear(3, 2)
    model = nn.Sequential(layer, nn.BatchNorm1d(2), layer.requires_grad_(False))
    assert count(model) == Parameters(total=8 + 4, trainable=4)


def test_multiply_adds_of_one_convolution_are_its_weights_times_its_places():
    model = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5)).train()
    assert multiply_adds(model, 8) == 3 * 5 * 9 * 4 * 4
    assert model.training
    assert model[1].num_batches_tracked == 0


def test_attention_is_counted():
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

        def forward(self, images):
            tokens = images.flatten(1)[:, :20].view(1, 5, 4)
            return self.attention(tokens, tokens, tokens, need_weights=False)[0]

    projections, products = 4 * 5 * 4 * 4, 2 * 5 * 5 * 4
    assert multiply_adds(Attend()) == projections + products


@pytest.mark.parametrize("key", ["simple_cnn", "vit_small", "vig_nano", "vig_pyramid"])
def test_a_card_tells_what_counting_a_real_network_tells(key):
    model = MODELS[key].build(4)
    assert card(MODELS[key], 4).parameters == count(model).total
    assert card(MODELS[key], 4).trainable == count(model).trainable
    assert card(MODELS[key], 4).multiply_adds == multiply_adds(model)


def test_the_page_of_models_is_up_to_date():
    assert (ROOT / "docs" / "models.md").read_text("utf-8") == markdown()
