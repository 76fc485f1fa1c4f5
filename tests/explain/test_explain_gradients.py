"""The pixel gradients against plain torch.autograd, hand-made loops and a linear model."""

import pytest
import torch
from torch import nn

from cifar_core.explain import SALIENCY, Subject
from cifar_core.explain.baselines import BASELINES, blurred
from cifar_core.explain.earlier import EARLIER
from cifar_core.models import MODELS

TARGETS = torch.tensor([3, 7])
GRADIENT, SMOOTHGRAD = SALIENCY["gradient"], SALIENCY["smoothgrad"]
INTEGRATED = SALIENCY["integrated_gradients"]


@pytest.fixture
def subject():
    torch.manual_seed(0)
    model = MODELS["simple_cnn"].build(10)
    with torch.no_grad():
        model(torch.rand(16, 3, 32, 32))
    return Subject(model.eval(), model.block2)


def linear():
    """A model whose gradient is its weight [10, 3, 32, 32], whatever the image."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)).eval()
    return Subject(model, model[0]), model[1].weight.detach().view(10, 3, 32, 32)


def by_hand(model, images, targets):
    """The gradient [N, 3, 32, 32] of each image's target score, by torch.autograd alone."""
    images = images.clone().requires_grad_()
    scores = model(images).gather(1, targets[:, None])
    (gradient,) = torch.autograd.grad(scores.sum(), images)
    return gradient


def scores(model, images, targets):
    with torch.no_grad():
        return model(images).gather(1, targets[:, None])[:, 0]


def test_the_gradient_is_that_of_autograd_bit_for_bit(subject, images):
    expected = by_hand(subject.model, images, TARGETS).abs().amax(dim=1)
    assert torch.equal(GRADIENT.attribute(subject, images, TARGETS), expected)


@pytest.mark.parametrize("spec", [GRADIENT, SMOOTHGRAD])
def test_on_a_linear_model_the_gradient_is_the_weight(spec, images):
    subject, weight = linear()
    result = spec.attribute(subject, images, TARGETS)
    torch.testing.assert_close(result, weight[TARGETS].abs().amax(dim=1))


def test_smoothgrad_is_the_mean_over_noisy_copies(subject, images):
    settings = SMOOTHGRAD.settings(samples=8, noise=0.2)
    result = SMOOTHGRAD.attribute(subject, images[:1], TARGETS[:1], settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        noise = torch.normal(0, torch.full((8, 3, 32, 32), 0.2))
    gradients = [by_hand(subject.model, images[:1] + n, TARGETS[:1]) for n in noise]
    expected = torch.cat(gradients).mean(dim=0).abs().amax(dim=0)
    torch.testing.assert_close(result[0], expected, rtol=1e-4, atol=1e-7)


def test_smoothgrad_with_little_noise_comes_near_the_gradient(subject, images):
    plain = GRADIENT.attribute(subject, images, TARGETS)

    def distance(noise):
        settings = SMOOTHGRAD.settings(noise=noise)
        return (SMOOTHGRAD.attribute(subject, images, TARGETS, settings) - plain).norm()

    assert distance(0.01) < 0.6 * distance(0.3)


def test_every_image_meets_the_same_noise_wherever_it_stands(subject, images):
    settings = SMOOTHGRAD.settings(samples=2)
    twins = images[:1].repeat(2, 1, 1, 1)
    first, second = SMOOTHGRAD.attribute(subject, twins, TARGETS[:1].repeat(2), settings)
    assert torch.equal(first, second)


@pytest.mark.parametrize("key", BASELINES)
def test_integrated_gradients_sum_to_the_rise_of_the_score(key, subject, images):
    settings = INTEGRATED.settings(baseline=key, steps=128)
    result = INTEGRATED.attribute(subject, images, TARGETS, settings)
    starts = [scores(subject.model, start, TARGETS) for start in BASELINES[key].of(images)]
    rise = scores(subject.model, images, TARGETS) - torch.stack(starts).mean(dim=0)
    torch.testing.assert_close(result.sum(dim=(1, 2)), rise, rtol=1e-2, atol=1e-3)


def test_integrated_gradients_come_near_a_fine_riemann_sum(subject, images):
    settings = INTEGRATED.settings(baseline="grey", steps=64)
    result = INTEGRATED.attribute(subject, images[:1], TARGETS[:1], settings)
    start, points = torch.full_like(images[:1], 0.5), (torch.arange(400) + 0.5) / 400
    path = start + points.view(-1, 1, 1, 1) * (images[:1] - start)
    mean = by_hand(subject.model, path, TARGETS[:1].repeat(400)).mean(dim=0, keepdim=True)
    expected = (mean * (images[:1] - start)).sum(dim=1)
    assert (result - expected).norm() < 0.05 * expected.norm()


def test_the_rise_is_missed_less_than_by_gauss_and_legendre_where_scores_have_kinks():
    """Twenty scores that each bend at sixteen places in the middle of the path from black."""
    torch.manual_seed(0)
    hidden, last = nn.Linear(3072, 16), nn.Linear(16, 20)
    nn.init.constant_(hidden.weight, 1 / 3072)
    nn.init.uniform_(hidden.bias, -0.7, -0.3)
    model = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), last).eval()
    subject, images = Subject(model, None), torch.ones(20, 3, 32, 32)
    targets, settings = torch.arange(20), INTEGRATED.settings(baseline="black")

    def missed(spec):
        total = spec.attribute(subject, images, targets, settings).sum(dim=(1, 2))
        rise = scores(model, images, targets) - scores(model, 0 * images, targets)
        return float((total - rise).norm())

    assert missed(INTEGRATED) < 0.8 * missed(EARLIER["integrated_gradients"])


def test_on_a_linear_model_integrated_gradients_are_weight_times_difference(images):
    subject, weight = linear()
    settings = INTEGRATED.settings(baseline="black", steps=4)
    result = INTEGRATED.attribute(subject, images, TARGETS, settings)
    torch.testing.assert_close(result, (weight[TARGETS] * images).sum(dim=1), rtol=1e-4, atol=1e-6)


def test_what_equals_its_baseline_gets_nothing():
    subject, _ = linear()
    gray = torch.full((1, 3, 32, 32), 0.5)
    settings = INTEGRATED.settings(baseline="grey")
    assert not INTEGRATED.attribute(subject, gray, TARGETS[:1], settings).any()


@pytest.mark.parametrize("key", BASELINES)
def test_every_baseline_is_an_image_of_the_same_size(key, images):
    for baseline in BASELINES[key].of(images):
        assert baseline.shape == images.shape
        assert 0 <= baseline.min() <= baseline.max() <= 1


def test_blurring_keeps_the_colors_and_loses_the_details(images):
    tinted = images * torch.tensor([1.0, 0.5, 0.1]).view(1, 3, 1, 1)
    result = blurred(tinted)
    torch.testing.assert_close(
        result.mean(dim=(2, 3)), tinted.mean(dim=(2, 3)), rtol=0.05, atol=0.01
    )
    assert result.std() < tinted.std()
    assert result[0, 0].std() < 0.2 * tinted[0, 0].std()
    flat = torch.full((1, 3, 20, 16), 0.3)
    torch.testing.assert_close(blurred(flat), flat)
