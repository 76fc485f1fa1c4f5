"""Images that stay where they are kept: the same batches as from memory, at any start."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cifar_core.data.augmentation import crops, resizing, source
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.augmentation.boxes import draw_boxes
from cifar_core.data.augmentation.floats import Floats
from cifar_core.data.augmentation.resizing import resize_into
from cifar_core.data.augmentation.source import Source, read_ahead
from cifar_core.data.augmentation.stream import Streamed
from cifar_core.data.batches import Batches

COUNT, SIDE, STORED = 40, 28, 33
WIDER = np.random.default_rng(0).integers(0, 256, (COUNT, STORED, STORED, 3), dtype=np.uint8)
MARGIN = (STORED - SIDE) // 2
LABELS = np.arange(COUNT)
RESIZED = Augment(random_resized_crop=0.1, flip=True)
SHIFTED = Augment(crop_padding=4, flip=True, padding_mode="reflect", cutout=6)


@pytest.fixture
def wider(tmp_path):
    """The pictures as a file that may only be read."""
    np.save(tmp_path / "wider.npy", WIDER)
    return np.load(tmp_path / "wider.npy", mmap_mode="r")


def centers(wider):
    return wider[:, MARGIN : MARGIN + SIDE, MARGIN : MARGIN + SIDE]


def batches(wider, threads=1, **options):
    made = Batches(
        centers(wider), LABELS, wider=wider,
        **{"batch_size": 7, "seed": 3, "shuffle": True, **options},
    )  # fmt: skip
    if isinstance(made.crops, Streamed):
        made.crops.threads = threads
    return made


def joined(epoch):
    images, labels = zip(*epoch, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.fixture
def nothing_is_held(monkeypatch):
    monkeypatch.setattr(crops, "MOST_HELD", 0)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("augment", [RESIZED, SHIFTED], ids=["resized", "shifted"])
def test_an_epoch_can_be_entered_at_any_batch(wider, nothing_is_held, augment, threads):
    whole = list(batches(wider, augment=augment).epoch(5))
    assert [len(labels) for _, labels in whole] == [7, 7, 7, 7, 7, 5]
    for start in (0, 1, 4, 5, 6):
        rest = list(batches(wider, threads, augment=augment).epoch(5, start=start))
        assert len(rest) == 6 - start
        for (images, labels), (wanted, wanted_labels) in zip(rest, whole[start:], strict=True):
            assert torch.equal(images, wanted)
            assert torch.equal(labels, wanted_labels)


@pytest.mark.parametrize("part", [None, np.array([3, 5, 6, 8, 20, 31, 32, 39])])
@pytest.mark.parametrize("augment", [SHIFTED, Augment()], ids=["shifted", "plain"])
def test_streamed_images_are_those_from_memory(wider, monkeypatch, augment, part):
    held = joined(batches(wider, augment=augment, part=part).epoch(2))
    monkeypatch.setattr(crops, "MOST_HELD", 0)
    streamed = batches(wider, 3, augment=augment, part=part)
    assert isinstance(streamed.crops, Streamed)
    for one, other in zip(held, joined(streamed.epoch(2)), strict=True):
        assert torch.equal(one, other)
    assert held[1].tolist() != sorted(held[1].tolist())
    assert sorted(held[1].tolist()) == list(range(COUNT) if part is None else part)


def test_a_resized_crop_is_what_pillow_makes_of_its_box(wider):
    images, labels = joined(batches(wider, augment=RESIZED).epoch(1))
    draws = RESIZED.draw(COUNT, seed=3, epoch=1, side=SIDE, order=labels.numpy())
    boxes = draw_boxes(draws.images, seed=3, epoch=1, side=STORED, least=0.1)
    assert 0.2 < draws.flips.mean() < 0.8
    for image, label, flip, box in zip(images, labels, draws.flips, boxes.T, strict=True):
        top, left, height, width = box
        cut = Image.fromarray(WIDER[label][top : top + height, left : left + width])
        wanted = np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BILINEAR), int)
        seen = (image * 255).round().int().permute(1, 2, 0).numpy()
        assert abs(seen - (wanted[:, ::-1] if flip else wanted)).max() <= 1


def test_resized_crops_are_taken_from_the_images_if_nothing_wider_is_kept():
    made = Batches(WIDER, LABELS, batch_size=COUNT, augment=Augment(random_resized_crop=0.999))
    images, _ = next(made.epoch())
    plain = torch.from_numpy(WIDER).permute(0, 3, 1, 2).float() / 255
    assert abs(images - plain).mean() < 0.1 < abs(images - plain.flip(0)).mean()


def test_a_shift_shows_what_is_kept_around_the_image(wider):
    augment = Augment(crop_padding=2)  # at most 2 pixels, of which 2 and 3 are kept
    images, labels = joined(batches(wider, augment=augment).epoch(0))
    draws = augment.draw(COUNT, seed=3, epoch=0, side=SIDE)
    assert draws.rows.max() == 4
    for image, label, row, column in zip(images, labels, draws.rows, draws.columns, strict=True):
        wanted = WIDER[label][row : row + SIDE, column : column + SIDE]
        assert torch.equal(image, torch.from_numpy(wanted).permute(2, 0, 1).float() / 255)


@pytest.mark.parametrize(("stored", "before", "after"), [(28, 4, 4), (31, 3, 2), (36, 0, 0)])
def test_beyond_what_is_kept_there_is_a_border(stored, before, after):
    kept = np.full((2, stored, stored, 3), 9, np.uint8)
    padded = Source(kept=kept, side=28, part=np.array([1]), padding=4, mode="black").padded(
        slice(None)
    )
    rows = padded[0, :, 18, 0]
    assert padded.shape == (1, 36, 36, 3)
    assert rows.tolist() == [0] * before + [9] * (36 - before - after) + [0] * after


def test_evaluation_sees_the_centers(wider):
    images, _ = joined(batches(wider, shuffle=False).epoch())
    assert torch.equal(images, torch.tensor(centers(WIDER)).permute(0, 3, 1, 2).float() / 255)


def test_images_without_a_batch_give_none(wider):
    made = batches(wider, augment=RESIZED, part=np.arange(5), drop_last=True)
    assert list(made.epoch()) == []


def test_what_goes_wrong_in_a_thread_reaches_the_caller(wider, monkeypatch):
    monkeypatch.setattr(Streamed, "_resized", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(batches(wider, augment=RESIZED).epoch())


def test_two_epochs_at_once_do_not_disturb_each_other(wider):
    made = batches(wider, augment=RESIZED)
    both = zip(made.epoch(0), made.epoch(1), strict=True)
    for number, seen in enumerate(zip(*both, strict=True)):
        for (images, _), (others, _) in zip(seen, made.epoch(number), strict=True):
            assert torch.equal(images, others)


def test_batches_can_be_read_in_inference_mode(wider):
    wanted, _ = joined(batches(wider, augment=RESIZED).epoch())
    with torch.inference_mode():
        images, _ = joined(batches(wider, 3, augment=RESIZED).epoch())
    assert torch.equal(images, wanted)


def test_the_callers_threads_stay_as_many(wider):
    before = torch.get_num_threads()
    list(batches(wider, 3, augment=RESIZED).epoch())
    assert torch.get_num_threads() == before


# scaling


@pytest.mark.parametrize("size", [(9, 30), (28, 28), (64, 61)])
def test_scaling_to_a_place_is_torchs_own_scaling_bit_for_bit(monkeypatch, size):
    picture = WIDER[0].repeat(2, axis=0)[: size[0]].repeat(2, axis=1)[:, : size[1]]
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
    wanted = F.interpolate(image, (28, 28), mode="bilinear", antialias=True)[0].permute(1, 2, 0)
    place = torch.empty(28, 28, 3, dtype=torch.uint8)
    resize_into(place, picture)
    assert torch.equal(place, wanted)
    monkeypatch.setattr(resizing, "TO_A_PLACE", None)
    resize_into(place.zero_(), picture)
    assert torch.equal(place, wanted)


def test_the_kernel_that_writes_to_a_place_is_there():
    assert resizing.TO_A_PLACE is not None


def test_pictures_that_may_only_be_read_are_scaled_without_a_warning(wider):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resize_into(torch.empty(9, 9, 3, dtype=torch.uint8), wider[0])


# memory that is used again


def test_floats_are_exact_and_their_memory_is_used_again_only_once_nobody_has_it():
    floats, pixels = Floats(), torch.arange(256, dtype=torch.uint8).view(4, 64)
    first, second = floats(pixels), floats(pixels)
    assert torch.equal(first, pixels.float() / 255)
    assert first.data_ptr() != second.data_ptr()
    place, view = first.data_ptr(), first[1:3].t()
    del first
    assert floats(pixels).data_ptr() != place
    del view
    assert floats(pixels[:3]).data_ptr() == place


# reading ahead


@pytest.mark.skipif(not hasattr(source.os, "posix_fadvise"), reason="this kernel takes no advice")
def test_the_kernel_is_asked_for_the_bytes_of_the_images(wider, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(source.os, "posix_fadvise", lambda *words: asked.append(words[1:3]))
    content = (tmp_path / "wider.npy").read_bytes()
    for images in (wider, wider[10:], np.asarray(wider)):
        asked.clear()
        with read_ahead(images) as ask:
            ask(np.array([4, 0]))
        assert [content[start : start + length] for start, length in asked] == [
            images[index].tobytes() for index in (4, 0)
        ]


def test_batches_are_asked_for_two_ahead(wider, monkeypatch):
    asked = []
    if not hasattr(source.os, "posix_fadvise"):
        pytest.skip("this kernel takes no advice")
    monkeypatch.setattr(source.os, "posix_fadvise", lambda *words: asked.append(words[1]))
    made = batches(wider, augment=RESIZED)
    epoch = made.epoch()
    next(epoch)
    epoch.close()
    assert len(asked) == 21  # of the third to the fifth batch, while the first is used


def test_images_without_a_file_are_not_asked_for(wider, tmp_path):
    (tmp_path / "wider.npy").unlink()
    for images in (WIDER, wider):
        with read_ahead(images) as ask:
            ask(np.array([0]))
