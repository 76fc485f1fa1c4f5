"""Networks that begin with ImageNet weights: their stages, their weights at any resolution."""

import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.errors import ConfigError, WeightsError
from cifar_core.models import MODELS
from cifar_core.models.measure import card
from cifar_core.models.pretrained import at_resolution, take
from cifar_core.training.freezing import is_under

PRETRAINED = [key for key, spec in MODELS.items() if spec.weights]


def on_meta(key, **settings):
    with torch.device("meta"):
        return TrainConfig(model=key, **settings).build_model(10)


@pytest.mark.parametrize("key", PRETRAINED)
def test_every_weight_belongs_to_one_stage_or_to_the_head(key):
    spec = MODELS[key]
    for name, _ in on_meta(key).named_parameters():
        places = [stage.title for stage in spec.stages if is_under(name, stage.prefixes)]
        assert len(places) + is_under(name, (spec.head,)) == 1, f"{name}: {places}"


@pytest.mark.parametrize("key", PRETRAINED)
def test_the_stages_are_named_apart_and_stand_in_the_order_of_the_forward_pass(key):
    spec, model, seen = MODELS[key], on_meta(key), []
    for stage in spec.stages:
        for prefix in stage.prefixes:
            owner, _, last = prefix.rpartition(".")
            if isinstance(getattr(model.get_submodule(owner), last), torch.nn.Module):
                part = model.get_submodule(prefix)
                part.register_forward_hook(lambda *_, title=stage.title: seen.append(title))
    model.get_submodule(spec.head).register_forward_hook(lambda *_: seen.append("head"))
    model.eval()(torch.zeros(2, 3, 32, 32, device="meta"))
    titles = [stage.title for stage in spec.stages]
    assert len(set(titles)) == len(titles) >= 4
    assert list(dict.fromkeys(seen)) == [*titles, "head"]


@pytest.mark.parametrize("key", PRETRAINED)
@pytest.mark.parametrize("resolution", [32, 96, 224])
def test_every_model_can_compute_at_any_resolution(key, resolution):
    model = on_meta(key, resolution=resolution).eval()
    assert model(torch.zeros(2, 3, 32, 32, device="meta")).shape == (2, 10)


@pytest.mark.parametrize(
    ("key", "millions", "resolution", "multiply_adds"),
    [  # counted elsewhere, from torchvision's own networks with 10 classes
        ("resnet18", 11.18, 224, 1814),
        ("resnet34", 21.29, 128, 1196),
        ("resnet50", 23.53, 224, 4087),
        ("vgg16", 134.30, 128, 5131),
        ("vgg16_bn", 134.31, 224, 15_466),
        ("mobilenet_v2", 2.24, 64, 24),
        ("mobilenet_v3_large", 4.21, 224, 215),
        ("efficientnet_b0", 4.02, 224, 385),
        ("convnext_tiny", 27.83, 224, 4455),
        ("densenet121", 6.96, 224, 2833),
        ("vit_b_16", 85.81, 224, 17_563),
    ],
)
def test_sizes_and_costs_are_the_known_ones(key, millions, resolution, multiply_adds):
    found = card(MODELS[f"{key}_imagenet"], resolution=resolution)
    assert found.parameters / 1e6 == pytest.approx(millions, abs=0.006)
    assert found.multiply_adds / 1e6 == pytest.approx(multiply_adds, rel=0.02)
    assert found.input_size == resolution


@pytest.mark.parametrize("key", ["vit_b_16_imagenet", "pvig_ti_imagenet", "vig_ti_imagenet"])
def test_weights_of_224_pixels_fit_the_network_at_another_resolution(key):
    spec = MODELS[key]
    published = spec.build(10, resolution=224).state_dict()
    model = spec.build(10, resolution=64)
    take(model, spec.head, {n: t for n, t in published.items() if not is_under(n, (spec.head,))})
    taken = model.state_dict()
    for name, tensor in published.items():
        if name in taken and taken[name].shape == tensor.shape and not is_under(name, (spec.head,)):
            assert torch.equal(taken[name], tensor), name
    changed = [name for name in published if taken[name].shape != published[name].shape]
    assert changed
    assert all("pos" in name for name in changed)


def test_interpolated_positions_keep_their_corners_and_the_class_token():
    before = torch.arange(1 + 16.0).view(1, 17, 1)
    after = at_resolution("encoder.pos_embedding", before, torch.zeros(1, 1 + 49, 1)).flatten()
    assert after[0] == 0
    assert after[[1, 7, 43, 49]].tolist() == pytest.approx([1, 4, 13, 16])


def test_weights_of_another_network_are_refused():
    spec = MODELS["mobilenet_v2_imagenet"]
    model = spec.build(10)
    tensors = {n: t for n, t in model.state_dict().items() if not is_under(n, (spec.head,))}
    for wrong in ({"body.more": torch.zeros(1)}, {"body.features.0.0.weight": torch.zeros(1)}):
        with pytest.raises(WeightsError, match="of another network"):
            take(model, spec.head, {**tensors, **wrong})
    with pytest.raises(WeightsError, match="of another network"):
        take(model, spec.head, dict(list(tensors.items())[1:]))


def test_a_new_head_is_drawn_from_the_seed_and_the_rest_is_as_it_was():
    spec, heads = MODELS["mobilenet_v2_imagenet"], []
    tensors = {n: torch.full_like(t, 2) for n, t in spec.build(10).state_dict().items()
               if not is_under(n, (spec.head,))}  # fmt: skip
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = spec.build(10)
        take(model, spec.head, tensors)
        heads.append(model.get_submodule(spec.head).weight)
        assert torch.equal(model.state_dict()["body.features.0.0.weight"],
                           tensors["body.features.0.0.weight"])  # fmt: skip
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_only_pretrained_models_have_a_plan_and_only_its_settings_are_asked_for():
    def relevant(**values):
        return {f.name for f in TrainConfig(**values).relevant()}

    transfer = {"plan", "resolution", "cached_views", "head_epochs", "backbone_rate"}
    assert not transfer & relevant(model="resnet18")
    pretrained = {"model": "resnet18_imagenet", "epochs": 5}
    assert transfer & relevant(**pretrained) == {"plan", "resolution", "cached_views"}
    assert transfer & relevant(**pretrained, plan="full") == {"plan", "resolution", "backbone_rate"}
    assert transfer & relevant(**pretrained, plan="gradual") == transfer - {"cached_views"}
    assert not transfer & relevant(model="resnet18", plan="gradual")


def test_settings_of_transfer_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigError, match="only the head would be trained"):
        TrainConfig(model="resnet18_imagenet", plan="gradual", head_epochs=3, epochs=3)
    with pytest.raises(ConfigError, match="a multiple of 16, such as 96"):
        TrainConfig(model="vit_b_16_imagenet", resolution=100)
    TrainConfig(model="resnet18", plan="gradual", head_epochs=3, epochs=3, resolution=100)


@pytest.mark.parametrize("key", [k for k, p in PRESETS.items() if MODELS[p.config.model].weights])
def test_a_preset_changes_only_what_its_model_and_plan_use(key):
    config = PRESETS[key].config
    assert PRESETS[key].values.keys() <= {f.name for f in config.relevant()}
