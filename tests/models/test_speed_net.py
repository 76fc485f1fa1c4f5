import pytest
import torch

from cifar_core.models import MODELS
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
