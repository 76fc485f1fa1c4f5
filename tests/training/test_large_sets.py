"""Training on images at their own size: in little memory, and with the right numbers of images."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.dataset import Dataset, Images
from cifar_core.training.kept.image_sets import feature_sets, view_of
from cifar_core.training.setup import (
    evaluation_batches,
    prepare,
    some_images,
)

ROOT = Path(__file__).parent.parent.parent
MOST = 1_500_000_000  # bytes of memory that is no copy of a file
# the kernel refuses more; the file is 79 GB, of which the disk keeps nothing
CHILD = """
import resource, sys
import numpy as np, torch
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset, Images
from cifar_core.training.events import Tick
from cifar_core.training.setup import prepare

def images(path, count):
    open(path, "wb").truncate(count * 256 * 256 * 3)
    wider = np.memmap(path, np.uint8, "r", shape=(count, 256, 256, 3))
    return Images(pixels=wider[:, 16:240, 16:240], labels=np.arange(count) % 10, wider=wider)

torch.set_num_threads(1)
count, crop, most, folder = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
made = Dataset(kind="folder", title="", source="", classes=tuple("abcdefghij"), fingerprint="",
               note="", train=images(folder + "/train", count), test=images(folder + "/test", 40))
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
config = TrainConfig(model="simple_cnn", image_size=224, random_resized_crop=crop, batch_size=8)
steps = 0
for event in prepare(config, made, "cpu").trainer.run():
    steps += isinstance(event, Tick)
    if steps == 3:
        break
print(steps)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
@pytest.mark.parametrize(("count", "crop"), [(5000, 0.0), (400_000, 0.08)])
def test_a_set_of_any_size_trains_in_little_memory(tmp_path, count, crop):
    """RLIMIT_DATA counts all memory of the process that can be written to, but no mapped file."""
    command = [sys.executable, "-c", CHILD, str(count), str(crop), str(MOST), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["3"], done.stderr


def pictures(count, side, stored):
    wider = np.random.default_rng(0).integers(0, 256, (count, stored, stored, 3), dtype=np.uint8)
    margin = (stored - side) // 2
    pixels = wider[:, margin : margin + side, margin : margin + side]
    return Images(pixels=pixels, labels=np.arange(count) % 4, wider=wider)


@pytest.mark.parametrize(("side", "count"), [(32, 200), (64, 50), (128, 12)])
def test_a_network_prepares_itself_from_as_many_pixels_at_any_size(monkeypatch, side, count):
    monkeypatch.setattr("cifar_core.training.setup.PREPARING", 200)
    images = some_images(pictures(300, side, side), np.arange(300), "cpu")
    assert images.shape == (count, 3, side, side)


def test_larger_images_are_evaluated_fewer_at_once():
    sizes = {
        side: evaluation_batches(pictures(250, side, side), np.arange(250), "cpu").batch_size
        for side in (32, 64, 128)
    }
    assert sizes == {32: 250, 64: 250, 128: 50}  # equal batches of at most 62


def test_views_of_images_with_more_around_are_told_apart_by_how_much():
    augment = Augment(random_resized_crop=0.5)

    def identity(stored, view):
        images = pictures(8, 32, stored)
        return view_of("train", images, np.arange(8), "cpu", augment, view).identity

    assert identity(40, 1) != identity(48, 1)
    assert identity(40, 0) == identity(48, 0)
    plain = Images(pixels=pictures(8, 32, 32).pixels, labels=np.arange(8))
    found = view_of("train", plain, np.arange(8), "cpu", augment, 1).identity
    assert found["random_resized_crop"] == 0.5
    assert "stored" not in found


def test_features_are_views_of_the_images_at_their_own_size():
    images = pictures(40, 48, 55)
    dataset = Dataset(kind="folder", title="", source="", classes=tuple("abcd"), train=images,
                      test=images, fingerprint="", note="")  # fmt: skip
    config = TrainConfig(model="mobilenet_v2_imagenet", plan="head", cached_views=2, image_size=48,
                         batch_size=8, random_resized_crop=0.5)  # fmt: skip
    plain, view, *_, test = feature_sets(config, dataset, np.arange(30), np.arange(30, 40), "cpu")
    seen = [next(part.open().epoch(part.view))[0] for part in (plain, view, test)]
    assert [tuple(x.shape) for x in seen] == [(30, 3, 48, 48), (30, 3, 48, 48), (40, 3, 48, 48)]
    assert torch.equal(seen[0], seen[2][:30])
    assert not torch.equal(seen[0], seen[1])


def test_training_sees_random_parts_and_validation_the_centers():
    images = pictures(60, 28, 36)
    dataset = Dataset(kind="folder", title="", source="", classes=tuple("abcd"), train=images,
                      test=images, fingerprint="", note="")  # fmt: skip
    config = TrainConfig(model="simple_cnn", image_size=28, batch_size=8, epochs=1,
                         random_resized_crop=0.3, threads=1)  # fmt: skip
    made = prepare(config, dataset, "cpu")
    centers = torch.tensor(images.pixels).permute(0, 3, 1, 2).float() / 255
    held_out, _ = next(made.trainer.val_batches.epoch())
    assert torch.equal(held_out, centers[made.validation][: len(held_out)])
    assert torch.equal(torch.cat([x for x, _ in made.test.epoch()]), centers)
    seen, _ = next(made.trainer.train_batches.epoch())
    assert not (seen.flatten(1)[:, None] == centers.flatten(1)[None]).all(2).any()
