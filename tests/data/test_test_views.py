import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.data.batches import Batches
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.errors import ConfigError
from cifar_core.training.evaluate import KeptLogits, evaluate, evaluate_test, least_sure
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


def brighter_left(*, batch_size: int, classes: int = 2) -> Batches:
    """Return eight images, each a little brighter on the left and so surer than the one before."""
    pixels = torch.full((8, 32, 32, 3), 100, dtype=torch.uint8)
    pixels[:, :, :16] += torch.arange(0, 80, 10).view(8, 1, 1, 1).to(torch.uint8)
    labels = torch.arange(8) % classes
    return Batches(pixels.numpy(), labels.numpy(), batch_size=batch_size)


def classified_by(model, batches, share):
    """Return the logits in the mirrored views of this share, the result and the kept logits."""
    precision, views = choose_precision("float32", "cpu"), TEST_VIEWS["mirror"]
    views, kept = dataclasses.replace(views, share=share), KeptLogits()
    *ticks, score = with_result(evaluate(model, batches, precision, "test", views, kept))
    return ticks, score, torch.from_numpy(kept.array())


def with_result(ticks):
    score = yield from ticks
    yield score


@pytest.mark.parametrize(("batch_size", "seen"), [(8, [8, 2]), (3, [3, 3, 2, 2]), (1, [1] * 10)])
def test_only_the_least_sure_images_of_the_whole_set_get_the_other_views(batch_size, seen):
    model = CountingModel()
    ticks, score, plain = classified_by(model, brighter_left(batch_size=batch_size), 0.2)
    assert model.seen == seen
    assert [tick.done for tick in ticks] == list(range(1, len(seen) + 1))
    assert {tick.total for tick in ticks} == {len(seen)}
    images, labels = next(brighter_left(batch_size=8).epoch())
    torch.testing.assert_close(plain, LeftMinusRight()(images))
    logits = torch.cat([torch.tensor([[0.01, 0.0]] * 2), plain[2:]])  # left - right cancels
    assert score.loss == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-6)


class Steep(nn.Module):
    """Answers by three small regions, so that the views of an image often disagree."""

    def forward(self, images):
        return images[:, :, 3:6, 3:6].mean((2, 3)) * 4 - images[:, :, 20:23, 8:11].mean((2, 3))


def test_the_size_of_the_batches_does_not_change_the_score():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels, precision = random.integers(0, 3, 40), choose_precision("float32", "cpu")
    found = []
    for batch_size in (40, 7, 2):
        batches = Batches(pixels, labels, batch_size=batch_size)
        *_, event = evaluate_test(Steep(), batches, precision, step=1, epoch=1,
                                  views="mirror_shift_unsure")  # fmt: skip
        found.append(dataclasses.replace(event, test_loss=round(event.test_loss, 5)))
    assert found[0] == found[1] == found[2]
    assert found[0].test_accuracy != found[0].plain_accuracy


def test_of_equally_sure_images_the_first_are_seen_again():
    assert least_sure(torch.zeros(40, 3), 10).tolist() == list(range(10))


def test_a_single_class_is_right_in_any_views():
    class Only(nn.Module):
        def forward(self, images):
            return images.mean((1, 2, 3))[:, None]

    _, score, _ = classified_by(Only(), brighter_left(batch_size=3, classes=1), 0.25)
    assert (score.accuracy, score.loss) == (1, 0)


def test_kept_features_have_no_views():
    with pytest.raises(ConfigError, match=r"test_views is 'mirror'.*cached_views to 0"):
        TrainConfig(model="resnet18_imagenet", plan="head", test_views="mirror")
    TrainConfig(model="resnet18_imagenet", plan="head", cached_views=0, test_views="mirror")


def test_the_shift_grows_with_the_images():
    image = torch.arange(128.0**2).view(1, 1, 128, 128)
    down_right = TEST_VIEWS["mirror_shift"].make(image)[2]
    assert torch.equal(down_right[..., 4:, 4:], image[..., :-4, :-4])
