"""Covering parts of the image, against loops by hand and where the answer is known."""

import pytest
import torch
from torch import nn

from cifar_core.errors import ConfigError
from cifar_core.explain import SALIENCY, Subject
from cifar_core.explain.erasing import random_masks

TARGETS = torch.tensor([3, 7])
OCCLUSION, RISE = SALIENCY["occlusion"], SALIENCY["rise"]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                         nn.Flatten(), nn.Linear(32, 10)).eval()  # fmt: skip


def test_occlusion_is_the_mean_fall_of_the_score_by_hand(model, images):
    result = OCCLUSION.attribute(Subject(model, None), images, TARGETS)
    falls, covered = torch.zeros(2, 32, 32), torch.zeros(32, 32)
    rows = torch.arange(2)
    with torch.no_grad():
        before = model(images)[rows, TARGETS]
        for top in range(0, 25, 4):
            for left in range(0, 25, 4):
                square = (..., slice(top, top + 8), slice(left, left + 8))
                hidden = images.clone()
                hidden[square] = 0.5
                fall = before - model(hidden)[rows, TARGETS]
                falls[square] += fall[:, None, None]
                covered[square] += 1
    torch.testing.assert_close(result, falls / covered, rtol=1e-4, atol=1e-6)


def test_a_stride_that_leaves_gaps_is_refused():
    with pytest.raises(ConfigError, match="would leave gaps"):
        OCCLUSION.settings(window=4, stride=8)


def test_rise_finds_the_only_pixels_that_matter():
    class Corner(nn.Module):
        def forward(self, x):
            return x[:, 0, :8, :8].mean(dim=(1, 2))[:, None] * torch.linspace(-1, 1, 10)

    model = nn.Sequential(Corner(), nn.Linear(10, 10, bias=False))
    nn.init.eye_(model[1].weight)
    result = RISE.attribute(
        Subject(model, None), torch.ones(1, 3, 32, 32), torch.tensor([9]), RISE.settings(masks=1024)
    )[0]
    assert result[:8, :8].mean() > 8 * result[16:, 16:].abs().mean()
    against = RISE.attribute(
        Subject(model, None), torch.ones(1, 3, 32, 32), torch.tensor([0]), RISE.settings(masks=1024)
    )[0]
    torch.testing.assert_close(against, -result)


def test_masks_show_about_half_and_are_smooth():
    masks = random_masks(512, 32, 32)
    assert masks.shape == (512, 1, 32, 32)
    assert 0 <= masks.min() < masks.max() <= 1
    assert abs(masks.mean() - 0.5) < 0.02
    assert masks.diff(dim=3).abs().max() < 0.5
    assert torch.equal(masks, random_masks(512, 32, 32))
