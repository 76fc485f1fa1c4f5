import pytest
import torch

from cifar_core.models import MODELS, speed_net
from cifar_core.models.scaling import Scaled
from cifar_core.models.speed_net import LEAST_VARIANCE, ShiftedNorm, Whitening, identity_conv


@pytest.fixture
def pictures():
    """Smooth random images, whose neighboring pixels are alike as those of photographs are."""
    noise = torch.rand(200, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(noise, 32, mode="bilinear")


def covariance(maps):
    rows = maps.transpose(0, 1).flatten(1)
    return rows @ rows.T / rows.shape[1]


def test_whitened_patches_are_uncorrelated_and_of_equal_spread(pictures):
    whitening = Whitening(size=2, stride=1, filters=24)
    scaled = (pictures - 0.5) / 0.25
    whitening.take_filters(scaled)
    found = covariance(whitening(scaled)[:, :12])
    rows = scaled.unfold(2, 2, 1).unfold(3, 2, 1).permute(1, 4, 5, 0, 2, 3).flatten(0, 2).flatten(1)
    variance = torch.linalg.eigvalsh(rows @ rows.T / rows.shape[1]).flip(0)
    expected = torch.diag(variance / (variance + LEAST_VARIANCE))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert found[0, 0] > 0.99


def test_every_direction_comes_with_its_negative_and_the_widest_first(pictures):
    whitening = Whitening(size=4, stride=2, filters=48)
    whitening.take_filters(pictures)
    half = whitening.weight[:24]
    assert torch.equal(whitening.weight[24:], -half)
    lengths = half.flatten(1).norm(dim=1)
    assert (lengths.diff() >= 0).all()  # the less the patches vary, the more it is enlarged
    assert whitening(pictures).shape == (200, 48, 16, 16)


@pytest.mark.parametrize("key", [key for key in MODELS if key.startswith("speed_net")])
def test_preparing_a_speed_network_changes_its_first_filters_alone(key, pictures):
    spec = MODELS[key]
    torch.manual_seed(0)
    model = spec.build(10)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert spec.prepare is not None
    spec.prepare(model, pictures)
    changed = [n for n, now in model.state_dict().items() if not torch.equal(now, before[n])]
    assert changed == ["body.whitening.weight"]
    assert "body.whitening.weight" not in dict(model.named_parameters())
    assert isinstance(model, Scaled)


@pytest.mark.parametrize("key", ["speed_net", "speed_net_strided"])
def test_a_larger_image_is_whitened_at_its_own_size_and_halved_afterwards(key, pictures):
    larger = torch.nn.functional.interpolate(pictures[:20], 64, mode="bilinear")
    spec = MODELS[key]
    small, large = spec.build(10), spec.build(10, side=64)
    for model in (small, large):
        spec.prepare(model, larger)
    assert torch.equal(small.body.whitening.weight, large.body.whitening.weight)
    maps = large.body.whitening(larger)
    halved = large.body.halvings(maps)
    assert halved.shape[1] == maps.shape[1]
    assert halved.shape[2] == -(-maps.shape[2] // 2)
    assert large(larger).shape == (20, 10)


def test_the_filters_of_many_large_images_are_computed_from_evenly_spaced_ones(
    pictures, monkeypatch
):
    some, all_of_them = (Whitening(size=2, stride=1, filters=24) for _ in range(2))
    some.take_filters(pictures[::3])
    monkeypatch.setattr(speed_net, "WHITENED_PIXELS", 70 * 32**2)
    all_of_them.take_filters(pictures)
    assert torch.equal(all_of_them.weight, some.weight)


def test_a_fresh_convolution_hands_on_what_it_is_given():
    maps = torch.rand(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    wider, narrower = identity_conv(4, 6)(maps), identity_conv(4, 3)(maps)
    assert torch.equal(wider[:, :4], maps)
    assert torch.equal(narrower, maps[:, :3])


def test_the_norm_learns_a_shift_and_no_scale():
    norm = ShiftedNorm(3)
    maps = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert [name for name, _ in norm.named_parameters()] == ["bias"]
    reference = torch.nn.BatchNorm2d(3)
    assert torch.equal(norm(maps), reference(maps))
