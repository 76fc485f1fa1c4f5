"""Images larger than 32 pixels: every method, at the cost that it declares, in bounded memory."""

import pytest
import torch
from torch import nn

from cifar_core.batching import BACKWARD, FORWARD, images_at_once
from cifar_core.explain import SALIENCY, Subject, explain
from cifar_core.explain.baselines import blurred
from cifar_core.explain.erasing import windows
from cifar_core.explain.trust import PASSES, examine, judge, measure
from cifar_core.inference import Classifier

TARGETS = torch.tensor([3, 7])


def network(side):
    """A network for images of one size only, with maps of 8 x 8, and what it was fed."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, side // 8, 1), nn.ReLU(),
        nn.AvgPool2d(4), nn.Flatten(), nn.Linear(24, 10),
    ).eval()  # fmt: skip
    fed = []
    model.register_forward_hook(lambda module, given, out: fed.append(len(out)))
    return Classifier(model=model, classes=tuple("abcdefghij"), layer=model[0], side=side), fed


def images(side, count=2):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("side", [64, 224])
@pytest.mark.parametrize("key", SALIENCY)
def test_every_method_explains_large_images_at_its_declared_cost(key, side):
    classifier, fed = network(side)
    spec = SALIENCY[key]
    settings = spec.settings(masks=16) if key == "rise" else spec.settings()
    subject = Subject(classifier.model, classifier.layer, side=side)
    spec.refusal(subject)
    if subject.prepared:
        subject.prepared.register_forward_hook(lambda module, given, out: fed.append(len(out)))
    fed.clear()
    maps = spec.attribute(subject, images(side), TARGETS, settings)
    assert maps.shape == (2, side, side)
    assert torch.isfinite(maps).all()
    assert maps.any()
    assert sum(fed) == 2 * spec.passes(settings)
    assert max(fed) <= images_at_once(side, FORWARD if spec.forward_only else BACKWARD)


class Halved(nn.Module):
    """A network for images of 32 pixels, fed with images of 64."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(nn.functional.avg_pool2d(x, 2))


@pytest.mark.parametrize("key", ["occlusion", "grad_cam", "integrated_gradients"])
def test_the_map_of_a_picture_in_double_size_is_the_map_in_double_size(key):
    small, _ = network(32)
    pictures = images(32)
    large = Subject(Halved(small.model), small.layer, side=64)
    twice = pictures.repeat_interleave(2, 2).repeat_interleave(2, 3)
    settings = SALIENCY[key].settings
    settings = settings(baseline="grey") if "baseline" in settings().to_dict() else settings()
    expected = SALIENCY[key].attribute(
        Subject(small.model, small.layer), pictures, TARGETS, settings
    )
    found = nn.functional.avg_pool2d(SALIENCY[key].attribute(large, twice, TARGETS, settings), 2)
    total = 4 if key == "integrated_gradients" else 1  # four pixels share what was of one
    torch.testing.assert_close(total * found, expected, rtol=0.02, atol=0.02 * expected.abs().max())


@pytest.mark.parametrize("side", [16, 28, 33, 50, 64, 224])
@pytest.mark.parametrize(("window", "stride"), [(8, 4), (2, 1), (5, 3)])
def test_there_are_as_many_windows_at_every_size_and_no_gaps(side, window, stride):
    settings = SALIENCY["occlusion"].settings(window=window, stride=stride)
    found = windows(side, side, settings)
    assert len(found) == len(windows(32, 32, settings))
    assert found.any(dim=0).all()
    assert found.flatten(1).any(dim=1).all()


def test_a_blur_covers_the_same_share_of_a_picture_at_every_size():
    edge = torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1
    small = blurred(edge)
    large = blurred(edge.repeat_interleave(4, 2).repeat_interleave(4, 3))
    assert (nn.functional.avg_pool2d(large, 4) - small).abs().max() < 0.02


def test_a_map_at_224_pixels_is_tested_in_bounded_batches():
    classifier, fed = network(224)
    picture = images(224, 1)
    yardstick = measure(classifier, picture, 3)
    assert sum(fed) == PASSES
    assert max(fed) <= images_at_once(224)
    map_ = explain(classifier, picture, TARGETS[:1], "occlusion")[0]
    assert judge(examine(classifier, picture, 3, map_, yardstick, SALIENCY["occlusion"])).sentence


def test_many_images_are_explained_in_bounded_batches():
    classifier, fed = network(224)
    together = explain(classifier, images(224, 7), torch.arange(7), "gradient")
    assert fed == [5, 2]
    alone = explain(classifier, images(224, 7)[6:], torch.tensor([6]), "gradient")
    torch.testing.assert_close(together[6:], alone)
