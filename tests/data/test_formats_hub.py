import sys
import time

import pytest
from format_files import by_name, counts, opened
from hub_server import FILES, SHA, jpeg, serving, table

from cifar_core.__main__ import main
from cifar_core.data import load, offered_to, resolve, status
from cifar_core.data.find import drawn_as
from cifar_core.data.hub import names, server
from cifar_core.data.published.downloads import fetch as downloads
from cifar_core.data.sources.progress import cancel, progress
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs.store import image_sets
from cifar_core.runs.store.store import Store

PETS = "hf:someone/pets"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on loopback; nothing is asked of any other server."""
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with serving(monkeypatch, tmp_path) as made:
        yield made


def fetch(tmp_path, source="hf:someone/pets", report=lambda done, total: None):
    return server.fetch(source, tmp_path / "store", report)


def test_a_set_is_downloaded_once_and_read_with_its_revision_and_license(tmp_path, hub):
    reported = []
    assert names.find("hf:someone/pets", tmp_path / "store") is None
    path = fetch(tmp_path, report=lambda *numbers: reported.append(numbers))
    total = sum(len(data) for name, data in FILES.items() if name.endswith(".parquet"))
    assert reported[0] == (0, total)
    assert reported[-1] == (total, total)
    assert path == tmp_path / "store" / "data" / "hf" / "someone--pets" / SHA
    assert not [name for name in hub.asked if "parquet" not in name]  # the table is enough
    assert names.find("hf:someone/pets", tmp_path / "store") == path
    assert names.find(f"hf:someone/pets@{SHA}", tmp_path / "store") == path
    contents = opened(path, tmp_path)
    assert (contents.format, counts(contents)) == ("parquet", {"train": 9, "test": 4})
    assert contents.title == "someone/pets"
    assert contents.origin == (
        "someone/pets from the Hugging Face hub, revision 0123456789ab; license: cc-by-4.0."
    )
    assert len(by_name(contents)) == 13
    hub.asked.clear()
    assert fetch(tmp_path) == path
    assert hub.asked == []


def test_without_tables_the_pictures_are_downloaded(tmp_path, hub):
    hub.files = {f"{part}/{label}/{i}.jpg": jpeg(i) for part in ("train", "test")
                 for label in ("a b", "[x]") for i in range(2)} | {"../evil.jpg": b"x"}  # fmt: skip
    path = fetch(tmp_path)
    there = {str(file.relative_to(path)) for file in path.rglob("*.jpg")}
    assert there == set(hub.files) - {"../evil.jpg"}
    assert (path / "train/[x]/1.jpg").read_bytes() == jpeg(1)


class Stop(Exception):  # noqa: N818
    """What a canceled download raises."""


def test_a_canceled_download_continues_with_the_files_that_are_missing(tmp_path, hub):
    def cancel(done, total):
        if done:
            raise Stop

    with pytest.raises(Stop):
        fetch(tmp_path, report=cancel)
    assert names.find("hf:someone/pets", tmp_path / "store") is None
    path = fetch(tmp_path)
    assert len(list(path.rglob("*.parquet"))) == 2


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "has no set someone/pets for you"),
        (403, "people who accepted its conditions"),
        (404, "has no set someone/pets for you"),
        (400, "could not be downloaded"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(tmp_path, hub, status, sentence):
    hub.status = status
    with pytest.raises(DataError, match=sentence):
        fetch(tmp_path)


def test_a_repository_without_pictures_is_refused(tmp_path, hub):
    hub.files = {"README.md": b"x", "weights.bin": b"x"}
    with pytest.raises(DataError, match="neither Parquet files nor pictures"):
        fetch(tmp_path)


def test_a_server_that_is_not_there_is_a_sentence(tmp_path, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(tmp_path)


@pytest.mark.parametrize("source", ["hf:", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a b", "hf:a/b@"])
def test_what_is_not_a_name_is_refused(tmp_path, source):
    with pytest.raises(DataError, match="Write hf:owner/name"):
        names.find(source, tmp_path)


def test_without_the_package_a_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"pip install -r requirements-hf\.txt"):
        fetch(tmp_path)


def test_a_set_is_a_source_that_a_run_records(tmp_path, hub):
    store = tmp_path / "store"
    with pytest.raises(DataError, match=r"someone/pets is not on this machine.*data fetch hf:some"):
        resolve(PETS, store)
    assert PETS not in {one.source for one in status(store)}
    path = downloads.fetch(PETS, store)
    assert (progress(store).state, progress(store).key) == ("finished", PETS)
    assert resolve(f" {PETS} ", store) == PETS
    images = load(PETS, store)
    assert (images.source, images.kind, images.title) == (PETS, "published", "someone/pets")
    assert (len(images.train), len(images.test)) == (9, 4)
    one = next(one for one in status(store) if one.source == PETS)
    assert (one.kind, one.title, one.where) == ("published", "someone/pets", str(path))
    assert (one.ready, one.decoded, one.train_images) == (True, True, 9)
    assert "license: cc-by-4.0" in one.origin


def test_the_license_is_known_before_the_images_are_read(tmp_path, hub):
    downloads.fetch(PETS, tmp_path)
    one = next(one for one in status(tmp_path) if one.source == PETS)
    assert "license: cc-by-4.0" in one.origin
    assert not one.decoded


def test_what_is_here_is_offered_as_published_sets_are(tmp_path, hub):
    ann, bob = Person(name="ann", role=OPERATOR), Person(name="bob", role=VIEWER)
    downloads.fetch(PETS, tmp_path)
    assert PETS in {one.source for one in offered_to(ann, tmp_path)}
    assert PETS not in {one.source for one in offered_to(bob, tmp_path)}
    assert resolve(PETS, tmp_path, ann) == PETS
    with pytest.raises(DataError, match="not among the images"):
        resolve(PETS, tmp_path, bob)


def test_a_set_can_be_looked_at_before_it_is_downloaded(tmp_path, hub):
    found = server.look(PETS)
    total = sum(len(data) for name, data in FILES.items() if name.endswith(".parquet"))
    assert (found.files, found.bytes, found.license, found.commit) == (2, total, "cc-by-4.0", SHA)
    assert hub.asked == []


def test_a_download_is_canceled_while_it_runs(tmp_path, hub):
    def report(done, total):
        cancel(tmp_path)

    with pytest.raises(DataError, match="was canceled"):
        downloads.fetch(PETS, tmp_path, report=report)
    assert progress(tmp_path).state == "cancelled"
    assert downloads.fetch(PETS, tmp_path).is_dir()


def test_the_download_behind_the_dashboard_outlives_it(tmp_path, hub):
    assert downloads.start_background(PETS, tmp_path, by="ann")
    until = time.monotonic() + 60
    while progress(tmp_path).alive and time.monotonic() < until:
        time.sleep(0.05)
    now = progress(tmp_path)
    log = (tmp_path / "data" / "download.log").read_text()
    assert (now.state, now.key, now.by) == ("finished", PETS, "ann"), (now, log)
    assert names.find(PETS, tmp_path)


def test_what_the_hub_refuses_is_kept_for_the_page(tmp_path, hub):
    hub.status = 403
    with pytest.raises(DataError, match="accepted its conditions"):
        downloads.fetch(PETS, tmp_path)
    assert "accepted its conditions" in progress(tmp_path).message


def test_the_terminal_downloads_it(tmp_path, hub, capsys):
    assert main(["data", "fetch", PETS, "--store", str(tmp_path)]) == 0
    assert "someone/pets is ready in" in capsys.readouterr().out


def test_a_removed_set_is_restored_or_downloaded_again(tmp_path, hub):
    store = Store(tmp_path)
    path = downloads.fetch(PETS, tmp_path)
    image_sets.remove(store, PETS)
    assert not path.exists()
    assert [one.source for one in image_sets.removed(store)] == [PETS]
    image_sets.restore(store, PETS)
    assert names.find(PETS, tmp_path) == path
    image_sets.remove(store, PETS)
    downloads.fetch(PETS, tmp_path)
    assert PETS in {one.source for one in status(tmp_path)}


def test_the_draw_of_test_images_is_found_where_the_set_has_none(tmp_path, hub):
    downloads.fetch(PETS, tmp_path)
    load(PETS, tmp_path)
    assert drawn_as(PETS, tmp_path) == ""
    hub.files = {"data/train-00000-of-00001.parquet": table(20)}
    other = f"{PETS}@{SHA}"
    downloads.fetch(other, tmp_path / "b")
    load(other, tmp_path / "b")
    assert drawn_as(other, tmp_path / "b").endswith(SHA)
