import pytest
import torch
from torch import nn

from cifar_core.inference import make_classifier
from cifar_core.inside import Aim, activity, excite, feature_maps, filters, layers_of, strengths
from cifar_core.inside.excitation import penalty
from cifar_core.inside.layers import watched
from cifar_core.models import MODELS

CLASSES = tuple("abcdefghij")
FAMILIES = ["simple_cnn", "vit_small", "vig_nano", "densenet121", "mobilenet_v2"]


def classifier_of(model):
    return make_classifier(model, model.state_dict(), classes=CLASSES, layer=None)


@pytest.fixture(scope="module")
def simple():
    torch.manual_seed(0)
    return classifier_of(MODELS["simple_cnn"].build(10))


class Small(nn.Module):
    """One convolution with known filters, an activation and the mean of each map as the score."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 1)
        self.relu = nn.ReLU()
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.bias.zero_()
            self.conv.weight[0, 0] = 1.0  # channel 0 is the red of the image
            self.conv.weight[1, 0] = -1.0  # channel 1 never fires
            self.conv.weight[2, 2] = 1.0  # channel 2 is the blue; the others are silent

    def forward(self, images):
        return self.relu(self.conv(images)).mean(dim=(2, 3))


@pytest.fixture
def small():
    return classifier_of(Small())


def hooks(model):
    return [m for m in model.modules() if m._forward_hooks or m._forward_pre_hooks]


@pytest.mark.parametrize("key", FAMILIES)
def test_every_kind_of_network_has_layers_with_activity_and_maps(key, images):
    torch.manual_seed(0)
    classifier = classifier_of(MODELS[key].build(10))
    layers = layers_of(classifier)
    main = [layer for layer in layers if layer.main]
    assert 5 <= len(main) <= 60
    assert len({layer.name for layer in layers}) == len(layers)
    assert set(activity(classifier, images)) == {layer.name for layer in layers}
    for layer in (main[0], main[len(main) // 2], main[-1]):
        assert len(feature_maps(classifier, images[:1], layer.name)) == layer.channels


def test_layers_come_in_the_order_of_the_pass_with_their_shapes(small):
    found = [(layer.name, layer.kind, layer.shape) for layer in layers_of(small)]
    assert found == [("conv", "Conv2d", (10, 32, 32)), ("relu", "ReLU", (10, 32, 32))]


def test_mean_spread_and_dead_channels_are_those_of_all_images(small):
    images = torch.rand(70, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = activity(small, images)["relu"]
    red, blue = images[:, 0], images[:, 2]
    nothing = torch.zeros_like(red)
    everything = torch.stack([red, blue, *[nothing] * 8]).double()
    assert found.mean == pytest.approx(everything.mean().item(), rel=1e-6)
    assert found.spread == pytest.approx(everything.std(correction=0).item(), rel=1e-6)
    assert found.dead == pytest.approx(0.8)


def test_a_channel_that_never_fires_is_dead_only_after_its_activation(small, images):
    found = activity(small, images)
    assert found["conv"].dead == pytest.approx(0.7)
    assert found["relu"].dead == pytest.approx(0.8)


def test_feature_maps_are_the_layers_own(small, images):
    maps = feature_maps(small, images[:1], "relu")
    assert torch.equal(maps[0], images[0, 0])
    assert torch.equal(maps[2], images[0, 2])


def test_a_map_is_what_the_layer_gave_before_the_next_one_changed_it_in_place(images):
    torch.manual_seed(0)
    sequence = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    model = nn.Sequential(sequence, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    conv = sequence[0]
    maps = feature_maps(classifier_of(model), images[:1], "0.0")
    assert torch.equal(maps, conv(images[:1])[0].detach())
    assert (maps < 0).any()


def test_a_transformers_patches_lie_where_they_lie_in_the_image(images):
    torch.manual_seed(0)
    classifier = classifier_of(MODELS["vit_small"].build(10))
    tokens = next(layer for layer in layers_of(classifier) if len(layer.shape) == 2)
    assert tokens.shape == (65, 192)
    kept = []
    with watched(classifier.model, lambda name, _, out: kept.append((name, out.clone()))):
        classifier.model(images[:1])
    given = dict(kept)[tokens.name][0]
    maps = feature_maps(classifier, images[:1], tokens.name)
    assert maps.shape == (192, 8, 8)
    assert torch.equal(maps[:, 2, 5], given[1 + 2 * 8 + 5])


def test_filters_over_colors_are_colors_and_the_others_sizes(simple):
    convolutions = [layer.name for layer in layers_of(simple) if layer.kind == "Conv2d"]
    first, second = (filters(simple, name) for name in convolutions[:2])
    assert first.shape[1] == 3
    assert second.shape[1] == 1
    assert 0 <= first.min() <= first.max() <= 1
    assert second.max() == 1
    weight = simple.model.get_submodule(convolutions[1]).weight.detach()
    norms = torch.linalg.vector_norm(weight, dim=1)
    torch.testing.assert_close(second[:, 0], norms / norms.max())
    assert filters(simple, next(x.name for x in layers_of(simple) if x.kind == "Linear")) is None


def test_no_hook_and_no_mode_is_left_when_the_body_raises():
    model = MODELS["simple_cnn"].build(10).train()
    model.block1.eval()
    modes = [module.training for module in model.modules()]
    hooked = []

    def fail(name, module, output):
        hooked.extend(hooks(model))
        raise ValueError(name)

    with pytest.raises(ValueError, match="block1"), watched(model, fail):
        model(torch.zeros(1, 3, 32, 32))
    assert hooked
    assert not hooks(model)
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize("training", [False, True])
def test_nothing_that_was_looked_into_is_changed(training, images):
    torch.manual_seed(0)
    model = MODELS["simple_cnn"].build(10)
    classifier = classifier_of(model)
    model.train(training).requires_grad_(True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    activity(classifier, images)
    feature_maps(classifier, images[:1], layers_of(classifier)[0].name)
    list(excite(classifier, Aim(channel=1), steps=2))
    assert not hooks(model)
    assert all(module.training == training for module in model.modules())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_picture_for_a_channel_that_sees_red_is_red(small):
    red = list(excite(small, Aim(layer="relu", channel=0), scale=0.1))[-1].picture
    blue = list(excite(small, Aim(layer="relu", channel=2), scale=0.1))[-1].picture
    assert red[0].mean() > 0.7 > 0.6 > blue[0].mean()
    assert blue[2].mean() > 0.7


@pytest.mark.parametrize("key", ["simple_cnn", "vit_small", "vig_nano"])
def test_a_picture_made_for_a_class_excites_it_more_than_its_first_draft(key):
    torch.manual_seed(0)
    model = MODELS[key].build(10)
    if key == "vit_small":
        nn.init.normal_(model.body.heads.head.weight, std=0.1)  # a fresh one answers 0
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.rand(16, 3, 32, 32))  # the norm statistics are now those of real activations
    classifier = classifier_of(model)
    pictures = [attempt.picture for attempt in excite(classifier, Aim(channel=4), steps=24)]
    rising = strengths(classifier, Aim(channel=4), torch.stack([pictures[0], pictures[-1]]))
    assert rising[1] > rising[0]
    assert 0 <= pictures[-1].min() <= pictures[-1].max() <= 1


def test_the_same_seed_makes_the_same_picture_and_another_one_another(simple):
    def last(seed):
        return list(excite(simple, Aim(channel=0), steps=3, seed=seed))[-1].picture

    assert torch.equal(last(5), last(5))
    assert not torch.equal(last(5), last(6))


def test_the_strength_of_real_images_is_the_channels_mean_or_the_classs_logit(small, images):
    by_layer = strengths(small, Aim(layer="relu", channel=2), images)
    torch.testing.assert_close(by_layer, images[:, 2].mean(dim=(1, 2)))
    torch.testing.assert_close(strengths(small, Aim(channel=2), images), by_layer)


def test_leaving_in_the_middle_frees_the_network(simple):
    climb = excite(simple, Aim(channel=0))
    next(climb)
    assert simple.lock.acquire(blocking=False)
    simple.lock.release()
    assert not hooks(simple.model)


def test_a_network_for_larger_images_is_looked_into_with_images_of_its_own_size():
    model = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    large = make_classifier(model, model.state_dict(), classes=CLASSES, layer=None, side=64)
    assert layers_of(large)[0].shape == (4, 8, 8)
    assert set(activity(large, torch.rand(3, 3, 64, 64))) == {"0", "1", "3"}
    (*_, last) = excite(large, Aim(channel=3), steps=2)
    assert last.picture.shape == (3, 64, 64)


def test_the_penalty_on_roughness_is_the_same_for_a_picture_in_double_size():
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32).contiguous()
    twice = nn.functional.interpolate(ramp, (64, 64), mode="bilinear")
    assert float(penalty(twice)) == pytest.approx(float(penalty(ramp)), rel=0.05)
