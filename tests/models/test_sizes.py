"""Networks at any size of the images: shapes, stems, costs, and what must not change at 32."""

import hashlib

import pytest
import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.models import MODELS
from cifar_core.models.measure import card, kept_bytes
from cifar_core.models.scaling import Scaled
from cifar_core.models.stems import halving_convs, halvings, multiple

FAMILIES = (
    "simple_cnn", "vgg16_bn", "convmixer_256_8", "speed_net", "speed_net_strided", "resnet9",
    "resnet18", "wide_resnet16_4", "densenet121", "mobilenet_v2", "efficientnet_b0", "vit_small",
    "vig_nano", "vig_pyramid", "vig_ti", "resnet18_imagenet", "vit_b_16_imagenet",
    "pvig_ti_imagenet",
)  # fmt: skip
SIDES = (28, 32, 57, 64, 96, 224)
QUICK = ("simple_cnn", "speed_net_strided", "resnet9", "vit_small", "vig_nano")  # to compute
AS_AT_FIRST = {  # seed 0: names, shapes and random numbers used, and a sum over the weights
    "simple_cnn": ("f301cad94519", 30284.929),
    "vgg16": ("3cadffc3364f", 4862069.4),
    "vgg16_bn": ("da0ec390cda6", 16878277),
    "convmixer_256_8": ("179180b7e6e2", 1893096.7),
    "speed_net": ("87ce9cc00ed0", 135352.79),
    "speed_net_strided": ("983ad7e73e1a", 55670.478),
    "resnet9": ("8b992a0e3c0f", 2114207.1),
    "resnet18": ("4039d2ffa1e0", 20573773),
    "wide_resnet16_4": ("a3f0ce68e8bd", 4522269.4),
    "densenet121": ("f343a7036a2f", 1.534415e08),
    "mobilenet_v2": ("be9e62fc1e95", 40118436),
    "efficientnet_b0": ("6bc558cf39ac", 80882400),
    "vit_small": ("638ff13fc4b7", 9829646.3),
    "vig_nano": ("8c617e3eddba", 5320964),
    "vig_pyramid": ("7a01dade07c8", 33413698),
    "mobilenet_v2_imagenet": ("be9e62fc1e95", 40118436),
}
PUBLISHED = {  # million multiply-adds of one image of 224 pixels, with a last layer for 10 classes
    "resnet18": 1814,
    "resnet50": 4088,
    "densenet121": 2833,
    "mobilenet_v2": 300,
    "efficientnet_b0": 385,
}


def on_meta(key, side, **settings):
    with torch.device("meta"):
        return MODELS[key].build(10, side=side, **settings).eval()


def shapes(model, layer, side):
    """The shape of the logits, and those of what a layer returns."""
    seen = []
    if layer:
        hook = lambda module, given, output: seen.append(tuple(output.shape))  # noqa: E731
        model.get_submodule(layer).register_forward_hook(hook)
    logits = model(torch.zeros(2, 3, side, side, device="meta"))
    return tuple(logits.shape), seen


@pytest.mark.parametrize(
    ("side", "count"), [(16, 0), (32, 0), (55, 0), (56, 1), (111, 1), (112, 2), (224, 2), (512, 2)]
)
def test_a_stem_halves_as_often_as_leaves_28_places_a_side(side, count):
    assert halvings(side) == count
    stem = halving_convs(side, 4)
    if count:
        maps = -(-side // 2**count)
        assert stem(torch.zeros(1, 3, side, side)).shape == (1, 4, maps, maps)
        assert maps >= 28
    else:
        assert stem is None


def test_the_next_multiple_of_a_patch():
    assert [multiple(side, 8) for side in (56, 57, 64)] == [56, 64, 64]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("key", FAMILIES)
def test_every_family_takes_images_of_any_size_and_its_cam_layer_stays_fine_enough(key, side):
    spec = MODELS[key]
    logits, maps = shapes(on_meta(key, side), spec.cam_layer, side)
    assert logits == (2, 10)
    assert len(maps) == bool(spec.cam_layer)
    for shape in maps:
        assert shape[2] == shape[3] >= (7 if side in (28, 57) else 8)
        assert shape[2] <= 28


@pytest.mark.parametrize("key", [key for key in FAMILIES if key.startswith(("vgg", "speed"))])
@pytest.mark.parametrize("side", [16, 31, 56, 63, 112, 127])
def test_pooling_leaves_something_of_the_smallest_images_that_a_stem_halves(key, side):
    assert shapes(on_meta(key, side), None, side)[0] == (2, 10)


@pytest.mark.parametrize("key", AS_AT_FIRST)
def test_at_32_pixels_names_initial_weights_and_random_numbers_are_as_in_earlier_versions(key):
    torch.manual_seed(0)
    state = MODELS[key].build(10).state_dict()
    text = "".join(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items()).encode()
    digest = hashlib.sha256(text + torch.get_rng_state().numpy().tobytes()).hexdigest()[:12]
    tensors = enumerate(state.values(), start=1)
    total = sum(number * tensor.double().abs().sum().item() for number, tensor in tensors)
    assert (digest, pytest.approx(total, rel=1e-6)) == AS_AT_FIRST[key]


@pytest.mark.parametrize("key", FAMILIES)
def test_the_first_stem_is_that_of_all_images_below_56_pixels(key):
    here, there = (on_meta(key, side).state_dict() for side in (32, 52))
    assert list(here) == list(there)
    grid = ("pos_embed", "pos_embedding", "relative_pos")  # grow with the image
    different = [name for name in here if here[name].shape != there[name].shape]
    assert all(name.endswith(grid) for name in different)


@pytest.mark.parametrize(("key", "millions"), PUBLISHED.items())
def test_at_224_pixels_a_network_is_the_published_one(key, millions):
    ours, published = on_meta(key, 224), on_meta(f"{key}_imagenet", 224)
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: t.shape for n, t in published.state_dict().items()
    }
    costs = card(MODELS[key], side=224), card(MODELS[f"{key}_imagenet"], side=224)
    assert costs[0] == costs[1]
    assert costs[0].multiply_adds / 1e6 == pytest.approx(millions, rel=0.002)


@pytest.mark.parametrize("key", [key for key, spec in MODELS.items() if spec.stems])
def test_a_network_says_its_stem_at_each_size(key):
    words = [MODELS[key].stem_words(side) for side in (55, 56, 112)]
    assert words == list(MODELS[key].stems)
    assert len(set(words)) == 3


def test_only_networks_that_are_the_same_at_every_size_name_no_stem():
    silent = {key for key, spec in MODELS.items() if not spec.stems}
    assert silent == {key for key, spec in MODELS.items() if spec.input_size > 32}
    assert MODELS["resnet18_imagenet"].stem_words(224) == ""


@pytest.mark.parametrize("key", QUICK)
@pytest.mark.parametrize("side", [33, 64])
def test_every_weight_learns_at_sizes_with_and_without_a_larger_stem(key, side):
    torch.manual_seed(0)
    model = MODELS[key].build(10, side=side)
    images = torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    for weight in model.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.02)  # a zero would hide what lies before
    model(images).logsumexp(dim=1).sum().backward()
    silent = [n for n, w in model.named_parameters() if w.grad is None or not w.grad.any()]
    assert silent == []
    *_, (last, _) = ((n, w) for n, w in model.named_parameters() if w.ndim > 1)
    assert "head" in last  # as Muon takes the last matrix for that of the logits


@pytest.mark.parametrize(("side", "seen"), [(32, 128), (100, 128), (128, 128), (160, 160)])
def test_only_smaller_images_are_enlarged_to_the_resolution(side, seen):
    model = on_meta("resnet18_imagenet", side, resolution=128)
    assert model.resolution == (128 if side < 128 else None)
    given = []
    model.body.register_forward_hook(lambda module, images, output: given.append(images[0].shape))
    model(torch.zeros(1, 3, side, side, device="meta"))
    assert given[0][2:] == (seen, seen)
    config = TrainConfig(model="resnet18_imagenet", image_size=side, resolution=128)
    assert config.computes_on == seen


@pytest.mark.parametrize(
    ("key", "side", "computes_on"),
    [
        ("vit_small", 50, 52), ("vit_small", 57, 64), ("vit_small", 224, 224),
        ("vit_b_16_imagenet", 64, 128), ("vit_b_16_imagenet", 200, 208), ("vig_ti", 50, 224),
        ("vig_ti", 250, 250), ("simple_cnn", 57, 57), ("convmixer_256_8", 33, 33),
    ],
)  # fmt: skip
def test_patches_that_do_not_divide_an_image_enlarge_it_to_the_next_multiple(
    key, side, computes_on
):
    assert MODELS[key].computes_on(side) == computes_on
    model = on_meta(key, side)
    found = model.resolution if isinstance(model, Scaled) else None
    assert (found or side) == computes_on
    assert card(MODELS[key], side=side).input_size == computes_on


def test_larger_images_are_classified_by_their_own_pixels():
    """Stripes of one pixel, of which nothing would be left at half the side."""
    torch.manual_seed(0)
    model = MODELS["resnet18_imagenet"].build(3, side=64, resolution=32).eval()
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 1
    assert not torch.allclose(model(stripes), model(torch.full_like(stripes, 0.5)), atol=1e-3)


def test_the_kept_bytes_are_those_of_what_the_backward_pass_reads():
    with torch.device("meta"):
        model = nn.Sequential(
            nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(80, 2)
        )
    image, maps = 3 * 8 * 8, 5 * 4 * 4
    assert kept_bytes(model, 8) == 4 * (image + maps)  # the linear layer reads the same maps


@pytest.mark.parametrize(
    ("key", "side", "gigabytes"),
    [("resnet50", 32, 1.53), ("resnet50", 224, 5.13), ("mobilenet_v2", 224, 4.67)],
)
def test_the_kept_bytes_of_a_network_are_the_known_ones(key, side, gigabytes):
    found = card(MODELS[key], side=side).kept_bytes
    assert 64 * found / 2**30 == pytest.approx(gigabytes, rel=0.01)


def test_the_card_of_a_run_is_at_its_size():
    config = TrainConfig(model="resnet18", image_size=64)
    assert config.card() == card(MODELS["resnet18"], side=64)
    assert TrainConfig(model="resnet18").card() == card(MODELS["resnet18"])
    frozen = TrainConfig(model="resnet18_imagenet", image_size=64, resolution=96)
    assert frozen.card(3) == card(MODELS["resnet18_imagenet"], 3, 64, 96)
    assert frozen.card(3).input_size == 96


def test_weights_fit_every_size_with_the_same_stem_and_no_other():
    trained = MODELS["simple_cnn"].build(10, side=64).state_dict()
    MODELS["simple_cnn"].build(10, side=96).load_state_dict(trained)
    for side in (32, 128):
        with pytest.raises(RuntimeError, match="stem"):
            MODELS["simple_cnn"].build(10, side=side).load_state_dict(trained)
