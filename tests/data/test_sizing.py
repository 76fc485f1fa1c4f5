"""The images of a set at other sizes than 32 pixels, and the ways in which they become square."""

import io
import json

import numpy as np
import pytest
from decoding_helpers import as_folder, listed, picture, small_set, source
from PIL import Image
from test_data_cifar10 import BINARY_ARCHIVE, make

from cifar_core import data
from cifar_core.data import decoding, find
from cifar_core.data.cache import cache_folder, open_folder
from cifar_core.data.decoding import draft as drafts
from cifar_core.data.options import SetOptions
from cifar_core.data.pictures.images import network_view, open_image, seen_box, to_tensor
from cifar_core.data.sizing import FITS, USUAL, Sizing
from cifar_core.data.sources import cifar10
from cifar_core.disk import files
from cifar_core.errors import DataError

AT_64, ROOMY = Sizing(side=64, stored=64), Sizing(side=64, stored=73)
SHAPES = [(240, 180), (150, 250), (60, 60)]


def photo(size, seed=0):
    """Return a picture with some detail, soft enough to be a photograph."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return a folder of pictures of several shapes and kinds, some of them taken upright."""
    kinds = [("PNG", {}), ("JPEG", {}), ("JPEG", {"exif": turned()})]
    contents = {
        f"{part}/{label}/{n}.{kind.lower()}": saved(photo(SHAPES[n % 3], n), kind, **options)
        for part in ("train", "test")
        for label in ("cat", "dog")
        for n, (kind, options) in enumerate(kinds * 3)
    }
    return as_folder(tmp_path_factory.mktemp("photos") / "pets", contents)


def opened(folder, tmp_path, sizing=USUAL):
    return decoding.load(source(folder, tmp_path, sizing=sizing))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("side", [32, 64, 224])
def test_an_upload_of_a_file_of_the_set_gives_exactly_its_pixels(photos, tmp_path, fit, side):
    stored = side + 10 if fit == "crop" and side > 32 else side
    sizing = Sizing(side=side, fit=fit, stored=stored)
    images = opened(photos, tmp_path, sizing)
    names = decoding.details_of(tmp_path / "store", images.source, images.fingerprint).names
    assert len(names) == len(images.train) + len(images.test)
    for place, name in enumerate(names[: len(images.train)]):
        upload = open_image((photos / name).read_bytes(), name)
        assert np.array_equal(network_view(upload, sizing), images.train.pixels[place])
        batch = to_tensor(upload, sizing)
        assert batch.shape == (1, 3, side, side)
        seen = (batch[0] * 255).round().permute(1, 2, 0)
        assert np.array_equal(seen, images.train.pixels[place])


def test_a_network_sees_the_centers_of_what_is_kept(photos, tmp_path):
    images = opened(photos, tmp_path, ROOMY)
    assert images.train.wider.shape == (18, 73, 73, 3)
    assert isinstance(images.train.wider, np.memmap)
    assert np.shares_memory(images.train.wider, images.train.pixels)
    assert np.array_equal(images.test.pixels, images.test.wider[:, 4:68, 4:68])
    assert opened(photos, tmp_path, AT_64).train.wider is None


@pytest.mark.parametrize(("fit", "box"), [("crop", (33, 3, 207, 177)), ("fit", (0, 0, 240, 180))])
def test_the_region_that_a_network_sees_of_a_picture(fit, box):
    stored = 256 if fit == "crop" else 224
    sizing = Sizing(side=224, fit=fit, stored=stored)
    left, top, right, bottom = seen_box(photo((240, 180)), sizing)
    if fit == "fit":
        assert (left, top, right, bottom) == box
    else:
        share = (right - left) / 180
        assert share == pytest.approx(224 / 256, abs=0.02)
        assert (left + right, top + bottom) == (240, 180)


def test_borders_are_black_and_the_picture_lies_between_them():
    view = np.asarray(network_view(Image.new("RGB", (80, 40), "white"), Sizing(fit="fit")))
    assert (view[8:24] == 255).all()
    assert not view[:8].any()
    assert not view[24:].any()


@pytest.mark.parametrize("fit", FITS)
def test_a_person_may_choose_the_region(fit):
    image = photo((240, 180))
    box = (20, 10, 110, 100)
    view = network_view(image, Sizing(side=64, fit=fit, stored=73 if fit == "crop" else 64), box)
    expected = image.crop(box).resize((64, 64), Image.Resampling.BICUBIC)
    assert np.array_equal(view, expected)


def test_what_lies_at_the_ends_of_wide_pictures_is_lost_by_the_crop_alone(tmp_path):
    colors = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    contents = {}
    for label, color in colors.items():
        wide = Image.new("RGB", (300, 60))
        wide.paste(color, (0, 0, 90, 60))
        contents |= {f"{part}/{label}/{n}.png": saved(wide) for part in ("train", "test")
                     for n in range(2)}  # fmt: skip
    folder = as_folder(tmp_path / "wide", contents)
    told = {}
    for fit in FITS:
        images = opened(folder, tmp_path, Sizing(side=64, fit=fit, stored=64))
        told[fit] = len(np.unique(images.test.pixels.reshape(4, -1), axis=0)) == 2
    assert told == {"crop": False, "fit": True, "stretch": True}


def test_every_size_has_the_same_pictures_in_the_same_order(photos, tmp_path):
    usual = opened(photos, tmp_path)
    large = opened(photos, tmp_path, ROOMY)
    assert large.fingerprint_at_32 == usual.fingerprint == large.usual_fingerprint
    assert large.fingerprint != usual.fingerprint
    assert usual.fingerprint_at_32 == ""
    assert np.array_equal(large.train.labels, usual.train.labels)
    assert "scaled to 64 x 64" in large.note
    names = [decoding.details_of(tmp_path / "store", images.source, images.fingerprint).names
             for images in (usual, large)]  # fmt: skip
    assert names[0] == names[1]


@pytest.mark.parametrize("missing", [0.05, 0.3])
def test_a_picture_is_left_out_at_every_size_or_at_none(tmp_path, missing):
    whole = saved(photo((900, 700)), "JPEG", quality=95)
    contents = {f"train/cat/{n:03}.png": picture(n, (80, 70)) for n in range(120)}
    contents |= {f"{part}/{label}/a.png": picture(1, (80, 70)) for part in ("train", "test")
                 for label in ("cat", "dog")}  # fmt: skip
    contents["train/dog/short.jpeg"] = whole[: int((1 - missing) * len(whole))]
    folder = as_folder(tmp_path / "pets", contents)
    usual, large = opened(folder, tmp_path), opened(folder, tmp_path, AT_64)
    assert len(usual.train) == len(large.train) == 123 - (missing == 0.3)
    lists = decoding.lists_of(tmp_path / "store", str(folder))
    assert (lists.unreadable is not None) == (missing == 0.3)


def test_what_cannot_be_read_at_a_larger_size_is_refused_and_the_usual_size_is_not(
    tmp_path, monkeypatch
):
    folder = as_folder(tmp_path / "pets", small_set())
    see = decoding.engine.network_pixels

    def fail_large(raw, name, sizing):
        if sizing != USUAL and name.endswith("cat/1.png"):
            raise decoding.engine.ImageError(f"{name} is too large.")
        return see(raw, name, sizing)

    monkeypatch.setattr("cifar_core.data.decoding.engine.network_pixels", fail_large)
    sizes = r"2 pictures that can be read at 32 x 32 pixels, but not at 64 x 64: test/cat/1\.png is"
    with pytest.raises(DataError, match=sizes.replace("test", "train")):
        opened(folder, tmp_path, AT_64)
    assert decoding.refusal_of(source(folder, tmp_path)) == ""
    assert decoding.kept(source(folder, tmp_path)) is not None


def test_the_usual_size_is_kept_where_it_was_before_there_were_others(tmp_path):
    """So that no set is decoded again: the formula is that of the first version."""
    usual = source(tmp_path / "pets", tmp_path)
    decided = {k: v for k, v in files.plain_of(SetOptions()).items()
               if k not in decoding.sources.FREE}  # fmt: skip
    text = json.dumps([1, 3, 32, decided], sort_keys=True)
    assert usual.how == decoding.sources.hashlib.sha256(text.encode()).hexdigest()[:16]
    assert "@" not in usual.stem
    others = [source(tmp_path / "pets", tmp_path, sizing=one).how
              for one in (AT_64, ROOMY, Sizing(fit="fit"), Sizing(fit="stretch"))]  # fmt: skip
    assert len({usual.how, *others}) == 5


def test_a_change_of_the_pictures_removes_all_sizes_of_the_old_ones(tmp_path):
    folder = as_folder(tmp_path / "pets", small_set())
    sizes = (USUAL, AT_64, ROOMY)
    for one in sizes:
        opened(folder, tmp_path, one)
    assert len(list(cache_folder(tmp_path / "store").glob("*/meta.json"))) == 3
    (folder / "train/cat/9.png").write_bytes(picture(99))
    now = opened(folder, tmp_path)
    left = [path.parent for path in cache_folder(tmp_path / "store").glob("*/meta.json")]
    assert [open_folder(path).fingerprint for path in left] == [now.fingerprint]


def test_a_decoding_of_one_size_leaves_that_of_another_alone(tmp_path):
    folder = as_folder(tmp_path / "pets", small_set())
    usual = opened(folder, tmp_path)
    begun = source(folder, tmp_path, sizing=ROOMY)
    state = decoding.sources.footprint(folder)
    contents = listed(folder, SetOptions(), tmp_path / "store")
    place = begun.folder(state)
    drafts.Draft(place.with_name(place.name + drafts.ENDING), contents, 73).close()
    opened(folder, tmp_path, AT_64)
    assert place.with_name(place.name + drafts.ENDING).exists()
    assert opened(folder, tmp_path, ROOMY).usual_fingerprint == usual.fingerprint
    assert not list(cache_folder(tmp_path / "store").glob("*.draft"))


def test_a_set_is_listed_once_with_the_room_that_all_its_sizes_take(tmp_path):
    store = tmp_path / "store"
    folder = str(as_folder(tmp_path / "pets", small_set()).resolve())
    assert find.kept(folder, store) is None
    data.load(folder, store)
    before = {one.source: one for one in data.status(store)}[folder]
    data.load(folder, store, AT_64)
    assert find.kept(folder, store, AT_64).train.pixels.shape[1:] == (64, 64, 3)
    rows = [one for one in data.status(store) if one.source == folder]
    assert len(rows) == 1
    assert rows[0].fingerprint == before.fingerprint
    assert rows[0].megabytes > 4 * before.megabytes


@pytest.mark.parametrize("sizing", [AT_64, Sizing(side=40, stored=48), Sizing(side=16, stored=16)])
def test_the_drawn_images_show_the_same_objects_at_every_size(tmp_path, sizing):
    usual = data.load("synthetic:60", tmp_path)
    images = data.load("synthetic:60", tmp_path, sizing)
    side = sizing.side
    assert images.train.pixels.shape == (60, side, side, 3)
    assert images.train_masks.shape == (60, side, side)
    assert np.array_equal(images.train.labels, usual.train.labels)
    assert images.fingerprint_at_32 == usual.fingerprint
    assert (images.train.wider is not None) == sizing.is_wider
    kept = images.train.pixels if images.train.wider is None else images.train.wider
    small = np.array([np.asarray(Image.fromarray(one).resize((32, 32))) for one in kept], int)
    assert np.abs(small - usual.train.pixels).mean() < 12
    again = find.kept("synthetic:60", tmp_path, Sizing(side=side, stored=sizing.stored, fit="fit"))
    assert again.fingerprint == images.fingerprint  # they are square: no way changes them


def test_large_drawn_images_have_details_that_a_small_view_loses(tmp_path):
    """The object's fine lines run in a direction of its class: seen at 64 pixels, gone at 32."""
    images = data.load("synthetic:200", tmp_path, Sizing(side=96, stored=96))
    gray = images.train.pixels.mean(axis=3)
    masks = images.train_masks
    small = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC).resize(
        (96, 96), Image.Resampling.BICUBIC)) for one in images.train.pixels]  # fmt: skip
    found = [directions(pixels, masks) for pixels in (gray, np.array(small).mean(axis=3))]
    right = [np.mean(one == images.train.labels) for one in found]
    assert right[0] > 0.9
    assert right[1] < 0.3


def directions(gray, masks):
    """Return for each image the class whose direction of fine lines is strongest on the object."""
    places = (np.arange(96) + 0.5) / 3 - 0.5
    means = np.array([one[mask].mean() for one, mask in zip(gray, masks, strict=True)])
    objects = np.where(masks, gray - means[:, None, None], 0)
    strengths = []
    for angle in np.pi / 10 * np.arange(10):
        down, along = np.sin(angle) * places / 1.25, np.cos(angle) * places / 1.25
        wave = np.exp(2j * np.pi * (down[:, None] + along[None]))
        strengths.append(np.abs((objects * wave).sum(axis=(1, 2))))
    return np.argmax(strengths, axis=0)


def test_the_official_images_are_scaled(tmp_path):
    path, official = make(tmp_path, BINARY_ARCHIVE)

    def load(*sizing):
        store = tmp_path / "store"
        return cifar10.load(path, store, *sizing, source="cifar10", official=official)

    usual, large = load(), load(Sizing(side=48, stored=48))
    expected = Image.fromarray(usual.test.pixels[2]).resize((48, 48), Image.Resampling.BICUBIC)
    assert np.array_equal(large.test.pixels[2], expected)
    assert large.usual_fingerprint == usual.fingerprint
    assert load(Sizing(fit="stretch")).fingerprint == usual.fingerprint
    assert "scaled to 48 x 48" in large.note


def test_a_disk_without_room_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_core.disk.space.free_bytes", lambda folder: 10**6)
    with pytest.raises(DataError, match=r"no space left on device\. Free some disk space"):
        data.load("synthetic:100", tmp_path, AT_64)
    assert not list(cache_folder(tmp_path).glob("*.building"))


def test_a_panorama_is_uploaded_at_the_height_that_a_network_sees():
    wide = photo((4000, 300))
    sizing = Sizing(side=224, stored=256)
    seen = network_view(open_image(saved(wide)), sizing)
    np.testing.assert_array_equal(seen, network_view(wide, sizing))
