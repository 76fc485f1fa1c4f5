"""Networks of timm: their parts, and that they compute what timm computes."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from timm_hub import CONVNEXT, EFFICIENTNET, KEYS, RESNET, VIT, published

from cifar_core import timm_names
from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError, UnknownKeyError, WeightsError
from cifar_core.models import MODELS
from cifar_core.models.measure import card
from cifar_core.models.pretrained import take
from cifar_core.proposals.networks import facts_of
from cifar_core.titles import title
from cifar_core.training.freezing import is_under
from cifar_core.weights import WEIGHTS

needs_timm = pytest.mark.skipif(bool(timm_names.obstacle()), reason="timm is not installed")
OTHER = "timm:test_byobnet.r160_in1k"


@pytest.fixture
def no_timm(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)


def on_meta(spec, **settings):
    with torch.device("meta"):
        return spec.build(10, **settings)


@needs_timm
@pytest.mark.parametrize("key", [*KEYS, "timm:densenet121.ra_in1k", "timm:mixer_b16_224.goog_in21k",
                                 "timm:swin_tiny_patch4_window7_224.ms_in1k"])  # fmt: skip
def test_every_weight_belongs_to_one_stage_or_to_the_head_in_the_order_of_the_forward_pass(key):
    spec, seen = MODELS[key], []
    model = on_meta(spec).eval()
    for name, _ in model.named_parameters():
        places = [stage.title for stage in spec.stages if is_under(name, stage.prefixes)]
        assert len(places) + is_under(name, (spec.head,)) == 1, f"{name}: {places}"
    for stage in spec.stages:
        for prefix in stage.prefixes:
            if isinstance(part := attribute(model, prefix), torch.nn.Module):
                part.register_forward_hook(lambda *_, title=stage.title: seen.append(title))
    model.get_submodule(spec.head).register_forward_hook(lambda *_: seen.append("head"))
    assert model(torch.zeros(2, 3, 32, 32, device="meta")).shape == (2, 10)
    titles = [stage.title for stage in spec.stages]
    assert len(set(titles)) == len(titles) >= 4
    assert list(dict.fromkeys(seen)) == [*titles, "head"]


def attribute(model, name):
    owner, _, last = name.rpartition(".")
    return getattr(model.get_submodule(owner), last)


@needs_timm
@pytest.mark.parametrize(
    ("key", "head", "layer", "patch"),
    [
        (RESNET, "body.fc", "body.layer3", 1),
        (CONVNEXT, "body.head.fc", "body.stages.2", 1),
        (EFFICIENTNET, "body.classifier", "body.blocks.3", 1),
        (VIT, "body.head", None, 16),
    ],
)
def test_the_last_layer_and_the_layer_for_activation_maps(key, head, layer, patch):
    spec, shapes = MODELS[key], []
    assert (spec.head, spec.cam_layer, spec.patch) == (head, layer, patch)
    assert (spec.key, spec.weights, spec.title) == (key, key, title(key))
    if layer:
        model = on_meta(spec).eval()
        model.get_submodule(layer).register_forward_hook(lambda m, i, o: shapes.append(o.shape))
        model(torch.zeros(1, 3, 32, 32, device="meta"))
        assert shapes[0][2:] == (8, 8)  # the next level has 4 x 4 at 128 pixels
    else:
        assert "A transformer holds patches" in spec.cam_note


@needs_timm
@pytest.mark.parametrize("key", [RESNET, VIT])
def test_a_network_computes_what_timm_computes_on_normalized_images(key, tmp_path):
    spec, body = MODELS[key], published(key)
    save_file(body.state_dict(), tmp_path / "model.safetensors")
    model = spec.build(7, side=160).eval()
    take(model, spec.head, spec.read(tmp_path / "model.safetensors", 160))
    images = torch.rand(2, 3, 160, 160)
    cfg = body.pretrained_cfg
    mean, std = (torch.tensor(cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.inference_mode():
        expected = body.forward_head(body.forward_features((images - mean) / std), pre_logits=True)
        model.set_submodule(spec.head, torch.nn.Identity())
        assert torch.equal(model(images), expected)


@needs_timm
def test_images_are_enlarged_to_the_resolution_and_larger_ones_pass_as_they_are():
    spec = MODELS[RESNET]
    assert on_meta(spec, resolution=64).resolution == 64
    assert on_meta(spec, side=96, resolution=64).resolution is None
    assert on_meta(spec).resolution == spec.input_size == 128
    assert on_meta(MODELS[VIT], side=97, resolution=64).resolution == 112  # a multiple of 16
    assert MODELS[VIT].computes_on(97, 64) == 112
    mixer = MODELS["timm:mixer_b16_224.goog_in21k"]  # of one size alone
    assert mixer.uses == ("plan",)
    assert mixer.computes_on(96) == mixer.computes_on(300) == 224
    assert on_meta(mixer, side=96).resolution == on_meta(mixer, side=300).resolution == 224


@needs_timm
def test_positions_are_interpolated_and_all_else_stays_as_published(tmp_path):
    body, spec = published(VIT), MODELS[VIT]
    save_file(body.state_dict(), tmp_path / "model.safetensors")
    tensors = spec.read(tmp_path / "model.safetensors", 64)
    take(spec.build(3, resolution=64), spec.head, tensors)
    assert tensors["body.pos_embed"].shape == (1, 1 + 16, body.embed_dim)
    for name, tensor in body.state_dict().items():
        if name != "pos_embed" and not name.startswith("head."):
            assert torch.equal(tensors[f"body.{name}"], tensor), name


@needs_timm
def test_a_file_of_another_network_is_refused(tmp_path):
    save_file(published(CONVNEXT).state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"does not hold the weights that timm publishes for te"):
        MODELS[RESNET].read(tmp_path / "model.safetensors", 160)


@needs_timm
def test_a_network_without_one_linear_layer_at_its_end_is_refused_in_a_sentence():
    with pytest.raises(UnknownKeyError, match="does not end in one linear layer"):
        MODELS["timm:deit_tiny_distilled_patch16_224.fb_in1k"]
    assert "timm:deit_tiny_distilled_patch16_224.fb_in1k" not in MODELS


@needs_timm
def test_a_configuration_takes_a_name_with_weights_and_no_other(tmp_path):
    config = TrainConfig(model=RESNET, resolution=64)
    config.save(tmp_path / "config.json")
    assert TrainConfig.load(tmp_path / "config.json") == config
    assert config.computes_on == 64
    for wrong in ("timm:test_resnet", "timm:test_resnet.nothing", "timm:../x.y", "timm:"):
        with pytest.raises(ConfigError, match="timm has no network with weights called"):
            TrainConfig(model=wrong)
    with pytest.raises(ConfigError, match=r"Close to it: timm:test_resnet\.r160_in1k"):
        TrainConfig(model="timm:test_resnet")
    with pytest.raises(ConfigError, match="a multiple of 14, such as 126"):
        TrainConfig(model="timm:vit_small_patch14_dinov2.lvd142m", resolution=128)


@needs_timm
@pytest.mark.parametrize("known", timm_names.SUGGESTIONS.values(), ids=lambda known: known.name)
def test_a_suggestion_says_what_timm_says(known):
    about, file = timm_names.published(known.key), WEIGHTS[known.key]
    assert known.license.lower().replace(" ", "-") in (about.license, f"{about.license}-1.0")
    assert known.megabytes == pytest.approx(file.megabytes, abs=1)
    assert file.url.endswith(f"timm/{known.name}/resolve/main/model.safetensors")
    assert about.license in file.source


@needs_timm
def test_the_facts_of_a_network_that_is_not_listed_are_measured():
    facts, figures = facts_of(RESNET), card(MODELS[RESNET])
    assert (facts.parameters, facts.pixels) == (figures.parameters, 128)
    assert facts.weights == RESNET
    assert RESNET not in list(MODELS)


def test_without_timm_a_sentence_says_how_to_install_it(no_timm):
    for registry in (MODELS, WEIGHTS):
        with pytest.raises(UnknownKeyError, match=r"pip install -r requirements-timm\.txt"):
            registry[OTHER]
        assert OTHER not in registry
        assert registry.claims(OTHER)
    with pytest.raises(ConfigError, match="need the package timm"):
        TrainConfig(model=OTHER)


def test_only_a_network_of_timm_loads_timm():
    code = "import sys, cifar_core.runs.engine.worker.training_worker; print('timm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
