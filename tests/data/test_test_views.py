import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.data.batches import Batches
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import ConfigError
from cifar_core.training.evaluate import classified, evaluate_test
from cifar_core.training.step.precision import choose_precision


@pytest.mark.parametrize("key", TEST_VIEWS)
def test_the_first_view_is_the_image_and_the_weights_add_up_to_one(key):
    images, views = torch.rand(2, 3, 32, 32), TEST_VIEWS[key]
    made = views.make(images)
    assert torch.equal(made[0], images)
    assert len(made) == len(views.weights)
    assert {view.shape for view in made} == {images.shape}
    assert sum(views.weights) == 1
    assert 0 < views.share <= 1


def test_an_image_and_its_mirror_image_have_the_same_two_views():
    images, make = torch.rand(2, 3, 32, 32), TEST_VIEWS["mirror"].make
    assert torch.equal(torch.stack(make(images)), torch.stack(make(images.flip(3))[::-1]))


def test_the_shifted_views_reflect_the_edge_that_is_laid_open():
    image = torch.arange(1024.0).view(1, 1, 32, 32)
    down_right = TEST_VIEWS["mirror_shift"].make(image)[2]
    assert torch.equal(down_right[..., 1:, 1:], image[..., :-1, :-1])
    assert torch.equal(down_right[..., 0, 1:], image[..., 1, :-1])


class LeftMinusRight(nn.Module):
    """Says class 0 where the left half is brighter: a mirror turns its answer round."""

    def forward(self, images):
        left, right = images[..., :16].mean((1, 2, 3)), images[..., 16:].mean((1, 2, 3))
        return torch.stack([left - right + 0.01, torch.zeros_like(left)], dim=1)


class CountingModel(LeftMinusRight):
    """Notes how many images it is given at once."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append(len(images))
        return super().forward(images)


@pytest.mark.parametrize(("key", "share"), [("plain", 0.5), ("mirror", 1.0)])
def test_the_logits_of_the_views_are_averaged_and_both_accuracies_said(key, share):
    pixels = torch.zeros(4, 32, 32, 3, dtype=torch.uint8)
    pixels[:2, :, :16] = 200  # two bright on the left, two on the right; all are of class 0
    pixels[2:, :, 16:] = 200
    batches = Batches(pixels.numpy(), torch.zeros(4, dtype=torch.int64).numpy(), batch_size=3)
    precision = choose_precision("float32", "cpu")
    *_, event = evaluate_test(LeftMinusRight(), batches, precision, step=1, epoch=1, views=key)
    assert (event.test_accuracy, event.plain_accuracy, event.views) == (share, 0.5, key)
    if key == "mirror":  # left - right cancels
        expected = F.cross_entropy(torch.tensor([[0.01, 0.0]]), torch.tensor([0]))
        assert event.test_loss == pytest.approx(float(expected), rel=1e-4)


def test_only_the_least_sure_images_of_each_batch_get_the_other_views():
    brighter = torch.arange(0, 80, 10)  # of the left half: the lower, the less sure
    pixels = torch.full((8, 32, 32, 3), 100, dtype=torch.uint8)
    pixels[:, :, :16] += brighter.view(8, 1, 1, 1).to(torch.uint8)
    batches = Batches(pixels.numpy(), torch.zeros(8, dtype=torch.int64).numpy(), batch_size=8)
    images, _ = next(batches.epoch())
    views = dataclasses.replace(TEST_VIEWS["mirror"], share=0.2)
    model = CountingModel()
    logits, plain = classified(model, images, views)
    assert model.seen == [8, 2]
    assert torch.equal(plain, LeftMinusRight()(images))
    assert torch.equal(logits[2:], plain[2:])
    torch.testing.assert_close(logits[:2], torch.tensor([[0.01, 0.0]] * 2))


def test_kept_features_have_no_views():
    with pytest.raises(ConfigError, match=r"test_views is 'mirror'.*cached_views to 0"):
        TrainConfig(model="resnet18_imagenet", plan="head", test_views="mirror")
    TrainConfig(model="resnet18_imagenet", plan="head", cached_views=0, test_views="mirror")
