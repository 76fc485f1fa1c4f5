import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core import data
from cifar_core.data import load, resolve, status
from cifar_core.data.options import SetOptions, keep_options
from cifar_core.errors import DataError


@pytest.fixture(autouse=True)
def _a_machine_without_data(tmp_path, monkeypatch):
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def pets(tmp_path):
    """A folder of images."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            folder = tmp_path / "pets" / split / label
            folder.mkdir(parents=True)
            for number in range(2):
                pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "pets"


def official(folder):
    """Something that looks like torchvision's folder."""
    (folder / "cifar-10-batches-py").mkdir(parents=True)
    (folder / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"no batch")


def test_without_anything_the_images_are_synthetic(store):
    assert resolve("auto", store) == "synthetic"


def test_the_official_images_go_before_the_synthetic(store):
    official(store / "data")
    assert resolve("auto", store) == "cifar10"


def test_the_environment_goes_before_what_is_found(store, pets, monkeypatch):
    official(store / "data")
    for value, wanted in ((str(pets), str(pets)), ("pets", str(pets)), ("synthetic", "synthetic")):
        monkeypatch.setenv("CIFAR_DATA", value)
        assert resolve("auto", store) == wanted


def test_a_choice_goes_before_the_environment(store, pets, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", str(pets))
    assert resolve("synthetic:60", store) == "synthetic:60"


def test_a_title_names_a_published_set_unless_a_folder_is_called_so(store, pets):
    for word in ("MNIST", "Oxford-IIIT Pet"):
        with pytest.raises(DataError, match="is not on this machine"):
            resolve(word, store)
    pets.rename(pets.parent / "MNIST")
    assert resolve("MNIST", store) == str(pets.parent / "MNIST")
    (pets.parent / "cifar10").mkdir()
    with pytest.raises(DataError, match="CIFAR-10 is not on this machine"):
        resolve("cifar10", store)


def test_a_relative_path_becomes_absolute_so_that_a_run_finds_it_again(store, pets):
    assert resolve("pets", store) == str(pets)
    assert resolve("store/../pets", store) == str(pets)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("cifar10", r"not on this machine. Download them .*data fetch"),
        ("sintetic", r"no images at .*sintetic. Did you mean 'synthetic'\? Give a folder"),
        ("missing.zip", r"no images at .*missing.zip"),
    ],
)
def test_what_is_not_there_is_told_with_a_remedy(store, wanted, sentence):
    with pytest.raises(DataError, match=sentence):
        resolve(wanted, store)


def test_a_wrong_environment_variable_is_named(store, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", "missing.zip")
    with pytest.raises(DataError, match=r"no images at .*missing.zip.*the value of \$CIFAR_DATA"):
        resolve("auto", store)


def test_every_kind_of_source_is_loaded(store, pets):
    assert load("synthetic:50", store).kind == "synthetic"
    assert load(str(pets), store).classes == ("cat", "dog")
    with pytest.raises(DataError, match="not on this machine"):
        load("cifar10", store)
    official(store / "data")
    for source in ("cifar10", str(store / "data" / "cifar-10-batches-py")):
        with pytest.raises(DataError, match="data_batch_1 is not the official file"):
            load(source, store)


def test_a_source_that_has_gone_since_is_named(store, pets):
    load(str(pets), store)
    shutil.rmtree(pets)
    with pytest.raises(DataError, match=r"nothing at .*pets"):
        load(str(pets), store)


def test_the_status_of_a_fresh_machine_says_what_to_do(store):
    synthetic, cifar10 = status(store)
    assert (synthetic.source, synthetic.ready, synthetic.default) == ("synthetic", True, True)
    assert len(synthetic.classes) == 10
    assert (cifar10.source, cifar10.ready, cifar10.default) == ("cifar10", False, False)
    assert "data fetch" in cifar10.action
    assert not store.exists()  # looking changes nothing


def test_the_status_lists_what_was_decoded_with_its_numbers(store, pets):
    dataset = load(str(pets), store)
    folder = next(row for row in status(store) if row.kind == "folder")
    assert (folder.title, folder.where, folder.source) == ("pets", str(pets), str(pets))
    assert (folder.train_images, folder.test_images) == (4, 4)
    assert (folder.ready, folder.decoded) == (True, True)
    assert folder.fingerprint == dataset.fingerprint
    assert folder.megabytes == pytest.approx(8 * 3072 / 1e6, rel=0.1)
    shutil.rmtree(pets)
    gone = next(row for row in status(store) if row.kind == "folder")
    assert not gone.ready
    assert "no longer exists" in gone.action


def test_the_status_begins_with_what_the_environment_says(store, pets, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", "pets")
    first, *others = status(store)
    assert (first.source, first.ready, first.decoded, first.default) == (
        str(pets), True, False, True,
    )  # fmt: skip
    assert not any(row.default for row in others)
    monkeypatch.setenv("CIFAR_DATA", "missing.zip")
    first, *others = status(store)
    assert (first.source, first.ready) == ("missing.zip", False)
    assert "$CIFAR_DATA" in first.action
    assert [row.source for row in others] == ["cifar10", "synthetic"]


def test_automatic_says_what_it_is(store, pets, monkeypatch):
    alone = data.titles_of(data.status(store))
    assert alone["auto"] == "Automatic: Synthetic shapes (nothing else is here)"
    monkeypatch.setenv("CIFAR_DATA", str(pets))
    names = data.titles_of(data.status(store))
    assert names["auto"] == f"Automatic: {pets.name}"
    assert names[str(pets)] == str(pets)
    monkeypatch.setenv("CIFAR_DATA", str(pets / "gone"))
    assert data.titles_of(data.status(store))["auto"] == "Automatic"


def test_a_status_says_who_made_the_images_and_who_split_them(store, pets):
    load(str(pets), store)
    found = {one.source: one for one in status(store)}
    assert "Krizhevsky" in found["cifar10"].origin
    assert "authors" in found["cifar10"].split
    assert "separately" in found["synthetic"].split
    assert found[str(pets)].origin == ""
    assert "folders" in found[str(pets)].split
    assert (found["synthetic"].train_images, found["synthetic"].test_images) == (10_000, 2_000)


def test_a_set_has_the_name_that_a_person_gave_it(store, pets):
    load(str(pets), store)
    keep_options(store, str(pets), SetOptions(title="My two pets"))
    assert data.title_of(str(pets), store) == "My two pets"
    assert "My two pets" in [row.title for row in status(store)]


def test_a_removed_set_is_listed_no_more(store, pets):
    load(str(pets), store)
    keep_options(store, str(pets), SetOptions(removed=True))
    assert [row.source for row in status(store)] == ["synthetic", "cifar10"]


@pytest.mark.parametrize("path", ["/proc/self", "/dev", "/sys/kernel"])
def test_what_the_system_makes_up_is_never_looked_through(path, tmp_path):
    if not Path(path).exists():
        pytest.skip("another system")
    with pytest.raises(DataError, match="is made up by the operating system"):
        data.resolve(path, tmp_path)
