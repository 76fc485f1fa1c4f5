"""Who does not use the machine itself chooses among what is listed, and learns of nothing else."""

import ast
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import load, offered_to, resolve, roots, status
from cifar_core.data.sources import synthetic
from cifar_core.data.sources.archive import shown
from cifar_core.errors import DataError
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person, local_user

ROOT = Path(__file__).resolve().parents[2]
GUEST, ANA, CHIEF = (
    Person(name=role.key, role=role) for role in (VIEWER, OPERATOR, ADMIN)
)  # fmt: skip
EVERYONE = pytest.mark.parametrize("by", [GUEST, ANA, CHIEF], ids=lambda by: by.name)


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    monkeypatch.delenv(roots.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def images(folder):
    """Make a folder of images."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / split / label).mkdir(parents=True)
            for number in range(2):
                pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{number}.png")
    return folder


@pytest.fixture
def secret(tmp_path):
    return images(tmp_path / "secret")


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setenv(roots.VARIABLE, str(tmp_path / "shared"))
    images(tmp_path / "shared" / "pets")
    return tmp_path / "shared"


def sentence(wanted, store, by):
    """Return what is said of a source that may not be used."""
    with pytest.raises(DataError) as told:
        resolve(wanted, store, by)
    return str(told.value).replace(shown(wanted), "X")


@EVERYONE
def test_existing_and_missing_paths_are_told_apart_by_no_one(store, secret, shared, by):
    there = [str(secret), "/", "/etc/passwd", "secret", "~", f"{shared}/../secret", "/proc/self/fd"]
    gone = ["/no/such/folder", "~nosuchuser", "x" * 80, "no\0thing", "store/../no", "sintetic"]
    told = {sentence(wanted, store, by) for wanted in there + gone}
    assert len(told) == 1
    assert "Choose one of the list, or ask an admin" in told.pop()
    assert sentence("x" * 300, store, by).startswith("'X' is not among")
    assert not store.exists()


def test_nothing_outside_is_even_looked_at(store, secret, shared, monkeypatch):
    looked, stat = [], os.stat

    def watched(path, *args, **kwargs):
        looked.append(str(path))
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", watched)
    monkeypatch.setattr(os, "lstat", watched)
    sentence(str(secret), store, ANA)
    assert not [path for path in looked if path.startswith(str(secret))]


def test_whoever_may_start_runs_may_use_what_the_admins_folders_hold(store, shared):
    with tarfile.open(shared / "more.tar.gz", "w:gz") as tar:
        tar.add(shared / "pets", "more")
    deep = images(shared / "week" / "one")
    assert {str(shared / "pets"), str(shared / "more.tar.gz")} <= {
        one.source for one in offered_to(ANA, store)
    }
    for path in (shared / "pets", shared / "more.tar.gz", deep):
        assert load(resolve(str(path), store, ANA), store).classes == ("cat", "dog")
    assert sentence(str(shared / "no"), store, ANA) == sentence("/no", store, ANA)


def test_viewers_have_nothing_decoded_but_see_what_is(store, shared):
    pets = str(shared / "pets")
    sentence(pets, store, GUEST)
    sentence("synthetic:77", store, GUEST)
    assert [one.source for one in offered_to(GUEST, store)] == ["synthetic", "cifar10"]
    load(pets, store)
    assert resolve(pets, store, GUEST) == pets
    assert pets in [one.source for one in offered_to(GUEST, store)]


def test_a_folder_may_itself_be_the_images_and_there_may_be_several(store, tmp_path, monkeypatch):
    one, two = images(tmp_path / "one"), images(tmp_path / "two" / "pets")
    words = os.pathsep.join([str(one), "", str(tmp_path / "two"), str(tmp_path / "none")])
    monkeypatch.setenv(roots.VARIABLE, words)
    found = {row.source for row in status(store)}
    assert {str(one), str(two)} <= found


def test_links_do_not_lead_out(store, secret, shared):
    (shared / "link").symlink_to(secret)
    (shared / "circle").symlink_to(shared / "circle")
    told = sentence("/no", store, ANA)
    for wanted in ("link", "link/train", "circle", "pets/../../secret"):
        assert sentence(f"{shared}/{wanted}", store, ANA) == told
    assert str(shared / "link") not in {row.source for row in status(store)}


@pytest.mark.parametrize("what", ["class", "image", "whole"])
def test_a_link_that_is_laid_later_is_not_followed_either(store, secret, shared, what):
    pets = shared / "pets"
    source = resolve(str(pets), store, ANA)
    place = {"class": "train/cat", "image": "train/cat/0.png", "whole": "."}[what]
    target, link = secret / place, pets if what == "whole" else pets / place
    shutil.rmtree(link) if link.is_dir() else link.unlink()
    link.symlink_to(target)
    with pytest.raises(DataError, match=r"is a link that leads out of .*CIFAR_DATA_ROOTS"):
        load(source, store)


def test_links_inside_are_followed(store, shared):
    (shared / "raw").mkdir()
    image = shared / "pets" / "train" / "cat" / "0.png"
    image.rename(shared / "raw" / "0.png")
    image.symlink_to(shared / "raw" / "0.png")
    assert len(load(str(shared / "pets"), store).train) == 4


def test_the_machines_own_user_types_any_path(store, secret, shared):
    for by in (None, local_user()):
        assert resolve("secret", store, by) == str(secret)


@pytest.mark.parametrize("by", [None, ANA, GUEST])
def test_the_program_does_not_draw_a_million_images(store, by):
    with pytest.raises(DataError, match=r"at most 50,000 images, as in synthetic:50000"):
        resolve("synthetic:999999", store, by)
    assert resolve(f"synthetic:{synthetic.MOST}", store, ANA)


def test_every_source_that_is_named_for_a_person_is_checked_for_that_person():
    """Pages and what they call say for whom; only processes of the machine itself need not."""
    rooms = ("app", "cifar_core/runs/store", "cifar_core/runs/sweeps", "cifar_core/runs/exchange",
             "cifar_core/runs/listing")  # fmt: skip
    asked = []
    for path in (path for room in rooms for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            func = getattr(node, "func", None)
            called = ast.unparse(func) if func is not None else ""
            if called in ("data.resolve", "resolve", "permitted.resolve"):
                asked.append((path.name, ast.unparse(node.args[-1])))
    assert len(asked) >= 6
    assert [entry for entry in asked if not entry[1].endswith("by")] == []


def test_a_person_of_a_log_in_is_not_the_machines_own():
    assert local_user().is_local
    assert not replace(local_user(), is_local=False).is_local
    assert not Person(name="ana", role=ADMIN).is_local
