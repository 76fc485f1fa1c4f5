"""Sets of images are renamed, removed and restored, and no one's own folder is ever touched."""

import time

import pytest
from PIL import Image
from run_helpers import queued, store_without_executor

from cifar_core import data
from cifar_core.data.cache import cache_folder
from cifar_core.data.options import SetOptions, folder_of, options_of
from cifar_core.data.published import places
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.uploads import sets as uploads
from cifar_core.data.uploads.sets import UploadedSet
from cifar_core.errors import AccessError, DataError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs import Store
from cifar_core.runs.record import action_log
from cifar_core.runs.store import image_sets, retention


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def source_in(path):
    """Make a folder of images of two classes, and return it as a source."""
    for part, amount in (("train", 3), ("test", 2)):
        for name in ("cat", "dog"):
            folder = path / part / name
            folder.mkdir(parents=True)
            for number in range(amount):
                Image.new("RGB", (32, 32), (40 * number, 0, 0)).save(folder / f"{number}.png")
    return str(path.resolve())


def sources(store):
    return [one.source for one in data.status(store.root)]


def copies(store):
    """Return how many sets are kept decoded."""
    return len([path for path in cache_folder(store.root).glob("*/") if path.name != ".locks"])


def test_a_set_gets_another_name_that_new_runs_have_too(store, tmp_path):
    source = source_in(tmp_path / "pets")
    image_sets.rename(store, source, "  Our\n pets ")
    assert data.title_of(source, store.root) == "Our pets"
    assert "on Our pets" in queued(store, data=source).about.name
    image_sets.rename(store, source, "")
    assert data.title_of(source, store.root) == "pets"


def test_a_removed_set_is_gone_from_the_list_and_its_folder_is_not_touched(store, tmp_path):
    source = source_in(tmp_path / "pets")
    data.load(source, store.root)
    assert source in sources(store)
    image_sets.remove(store, source)
    assert source not in sources(store)
    assert copies(store) == 0
    assert len(list((tmp_path / "pets").rglob("*.png"))) == 10
    assert [one.source for one in image_sets.removed(store)] == [source]
    image_sets.restore(store, source)
    assert image_sets.removed(store) == []
    assert len(data.load(source, store.root).train) == 6
    assert source in sources(store)


def test_files_that_the_store_itself_has_go_to_the_trash_and_come_back(store):
    home = store.root / "data" / "uploads"
    source = source_in(home / "pets")
    other = source_in(home / "birds")
    data.load(source, store.root)
    image_sets.remove(store, source)
    assert not (home / "pets").exists()
    assert (home / "birds").exists()
    assert [one.title for one in image_sets.removed(store)] == ["pets"]
    with pytest.raises(DataError, match="There is nothing at"):
        data.load(source, store.root)
    image_sets.restore(store, source)
    assert len(data.load(source, store.root).train) == 6
    assert len(data.load(other, store.root).train) == 6


def test_what_a_person_uploaded_is_changed_by_them_and_by_admins(store):
    source = source_in(store.root / "data" / "uploads" / "pets")
    record = UploadedSet(name="pets", owner="ann", title="pets", kept=True)
    uploads.keep(store.root, record)
    bob = Store(store.root, Person(name="bob", role=OPERATOR))
    with pytest.raises(AccessError, match="belongs to ann"):
        image_sets.remove(bob, source)
    image_sets.remove(Store(store.root, Person(name="ann", role=OPERATOR)), source)
    assert image_sets.owner_of(store, source) == "ann"
    with pytest.raises(AccessError, match="belongs to ann"):
        image_sets.restore(bob, source)
    image_sets.restore(store, source)
    assert source in sources(store)


def test_what_was_removed_long_ago_is_deleted_for_good(store):
    source = source_in(store.root / "data" / "uploads" / "pets")
    uploads.keep(store.root, UploadedSet(name="pets", owner="", title="pets", kept=True))
    record = store.root / "data" / "uploads" / uploads.RECORDS / "pets.json"
    image_sets.remove(store, source)
    kept, decided = image_sets.trash_of(store, source), folder_of(store.root, source)
    assert not list(retention.old_images(store, time.time() + 29 * retention.DAY))
    found = list(retention.old_images(store, time.time() + 31 * retention.DAY))
    assert found == [kept, decided, record]
    retention.tidy(store, time.time() + 31 * retention.DAY)
    assert not any(path.exists() for path in found)
    assert image_sets.removed(store) == []
    source_in(store.root / "data" / "uploads" / "pets")
    assert not options_of(store.root, source).removed


def test_a_removed_part_of_files_that_sets_share_can_be_restored(store):
    place = places.folder_of("emnist_letters", store.root) / "EMNIST" / "raw"
    place.mkdir(parents=True)
    for mark in PUBLISHED["emnist_letters"].marks:
        (place / mark).touch()
    image_sets.remove(store, "emnist_letters")
    assert "emnist_letters" not in sources(store)
    assert len(list(place.iterdir())) == 4
    assert [one.source for one in image_sets.removed(store)] == ["emnist_letters"]
    image_sets.restore(store, "emnist_letters")
    assert "emnist_letters" in sources(store)


def test_a_set_is_not_put_back_over_images_of_the_same_name(store):
    source = source_in(store.root / "data" / "uploads" / "pets")
    image_sets.remove(store, source)
    source_in(store.root / "data" / "uploads" / "pets")
    with pytest.raises(DataError, match="Remove those first"):
        image_sets.restore(store, source)
    assert len(image_sets.removed(store)) == 1


@pytest.mark.parametrize("act", [image_sets.remove, image_sets.read_again])
def test_a_set_that_a_waiting_run_uses_stays(store, tmp_path, act):
    source = source_in(tmp_path / "pets")
    data.load(source, store.root)
    run = queued(store, data=source)
    with pytest.raises(DataError, match=f"1 run uses pets now .#{run.number}.*stop it, then"):
        act(store, source)
    assert copies(store) == 1
    assert source in sources(store)
    run.stop("now")
    act(store, source)
    assert copies(store) == 0


def test_how_a_set_is_read_is_kept_and_not_changed_under_a_run(store, tmp_path):
    source = source_in(tmp_path / "pets")
    other = SetOptions(unreadable=0.5)
    run = queued(store, data=source)
    with pytest.raises(DataError, match="read it in another way"):
        image_sets.decide(store, source, other)
    run.stop("now")
    image_sets.decide(store, source, other)
    assert options_of(store.root, source) == other


@pytest.mark.parametrize("source", ["synthetic", "synthetic:500", "cifar10"])
def test_the_usual_sets_cannot_be_removed(store, source):
    with pytest.raises(DataError, match="part of the program"):
        image_sets.remove(store, source)


def test_what_runs_use_by_default_is_not_removed(store, tmp_path, monkeypatch):
    source = source_in(tmp_path / "pets")
    monkeypatch.setenv("CIFAR_DATA", source)
    with pytest.raises(DataError, match="CIFAR_DATA"):
        image_sets.remove(store, source)


def test_viewers_change_nothing_and_what_operators_do_is_written_down(store, tmp_path):
    source = source_in(tmp_path / "pets")
    viewer = Store(store.root, Person(name="vi", role=VIEWER))
    for act in (
        lambda: image_sets.rename(viewer, source, "x"),
        lambda: image_sets.remove(viewer, source),
        lambda: image_sets.restore(viewer, source),
        lambda: image_sets.read_again(viewer, source),
        lambda: image_sets.decide(viewer, source, SetOptions()),
    ):
        with pytest.raises(AccessError):
            act()
    operator = Store(store.root, Person(name="ann", role=OPERATOR))
    image_sets.rename(operator, source, "x")
    image_sets.remove(operator, source)
    image_sets.restore(operator, source)
    lines = [(one.by, one.did, one.detail) for one in action_log.latest(store.root)]
    assert sorted(lines) == [
        ("ann", "removed the images", "x"),
        ("ann", "renamed the images", "pets"),
        ("ann", "restored the images", "x"),
    ]


def test_a_published_set_that_was_removed_comes_back_with_its_files(store):
    place = places.folder_of("mnist", store.root) / "MNIST" / "raw"
    place.mkdir(parents=True)
    for mark in PUBLISHED["mnist"].marks:
        (place / mark).write_bytes(b"")
    assert "mnist" in sources(store)
    image_sets.remove(store, "mnist")
    assert not place.exists()
    assert [one.source for one in image_sets.removed(store)] == ["mnist"]
    image_sets.restore(store, "mnist")
    assert place.is_dir()
    assert "mnist" in sources(store)
