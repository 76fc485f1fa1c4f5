import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pages import ENTRY, make_run, open_page, texts
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import theme
from app.cache import opening
from app.screens.data.one_set import head
from app.screens.data.own import drop
from cifar_core import data
from cifar_core.background.jobs import Job
from cifar_core.data.decoding import Reading
from cifar_core.data.decoding.job import job_of
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.review import duplicates
from cifar_core.data.sources import progress
from cifar_core.disk import files
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.runs.record.action_log import latest

# In a process of its own, since this one has torch. It must not import pages.py, which needs it.
WITHOUT_TORCH = f"""
import sys
from streamlit import config
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

sys.path.insert(0, {str(Path(ENTRY).parents[1])!r})
from app import warm_up

warm_up.begin = lambda: None  # it loads torch beside the pages, not for them
config.set_option("server.address", "127.0.0.1")
for name in ("runs", "run", "data", "train"):
    page = AppTest.from_file({ENTRY!r}, default_timeout=60)
    page.query_params["id"] = "1"
    page._page_hash = calc_hash(name)
    page.run()
    assert not page.exception, page.exception
    slow = {{"torch", "torchvision", "captum", "torch_optimizer"}} & set(sys.modules)
    assert bool(slow) == (name == "train"), (name, slow)
"""


@pytest.fixture
def store(page_store):
    return page_store


def pictures(page):
    """Return how many pictures each list of images on the page has, and what they are called."""
    return [[image.alt for image in element.proto.imgs] for element in page.get("image")]


def test_without_any_data_the_page_offers_the_real_images_and_shows_the_drawn_ones(store):
    page = open_page("data")
    assert not page.exception
    words = texts(page)
    assert "**Your own images**" in words
    assert "not photographs" in words
    assert "10 classes \u00b7 12,000 images \u00b7 here" in words
    assert "10 classes \u00b7 60,000 images \u00b7 170 MB to download" in words
    assert "state no license" in words
    assert page.button(key="download").label.startswith("Download")
    assert ["An image of Synthetic shapes"] * 4 in pictures(page)
    links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert links["**Synthetic shapes**"] == "set=synthetic"
    assert links["**CIFAR-10**"] == "set=cifar10"


def test_drawn_images_have_pictures_before_they_are_drawn_for_good(store):
    (store.root / "data").unlink()
    page = open_page("data")
    assert not page.exception
    assert pictures(page) == [["An image of Synthetic shapes"] * 4]
    assert not (store.root / "data" / "cache").exists()


def test_train_on_these_images_opens_train_with_them(store, monkeypatch):
    asked = []
    monkeypatch.setattr(head, "go", lambda name, **query: asked.append((name, query)))
    open_page("data", set="synthetic").button(key="train").click().run()
    assert asked == [("train", {"data": "synthetic"})]
    page = open_page("train", data="synthetic")
    assert not page.exception
    assert "Begun with these images." in texts(page)


def test_the_page_of_images_that_are_not_here_names_their_classes_and_gets_them(store):
    page = open_page("data", set="cifar10")
    assert not page.exception
    assert "Classes\\: airplane, automobile" in texts(page)
    assert "The authors split the images" in texts(page)
    assert page.button(key="download")
    assert "train" not in [button.key for button in page.button]


@pytest.mark.parametrize("name", ["/nowhere", "cat", "/etc", "a" * 400])
def test_an_address_of_no_data_set_says_so_and_shows_no_other(store, name):
    page = open_page("data", set=name)
    assert not page.exception
    assert len(page.error) == 1
    assert not page.header
    assert not page.get("image")
    assert [link.proto.label for link in page.get("page_link")][:1] == ["All data sets"]


def test_while_images_are_decoded_the_rest_of_the_page_is_there(store, monkeypatch):
    monkeypatch.setattr("app.cache.opening.PATIENCE", 0)
    monkeypatch.setattr("app.cache.opening.begin", lambda job: None)
    monkeypatch.setattr(
        "app.cache.opening.state_of",
        lambda job, source: Reading(done=12_345, total=100_000, per_second=2000.0),
    )
    page = open_page("data", set="synthetic:70")
    bar = page.get("progress")[0].proto
    assert bar.text == f"Being read: 12,345 of 100,000, 2,000 a second, {theme.duration(43.8)} left"
    assert page.button(key="train")


def test_reading_that_was_canceled_goes_on_only_when_asked(store, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "pets")
    begun = []
    monkeypatch.setattr("app.cache.opening.begin", begun.append)
    job = job_of(str(folder), store.root, "")
    job.path.parent.mkdir(parents=True)
    job.lock.touch()
    job.log.write_text("It was canceled.\n")
    page = open_page("data", set=str(folder))
    assert "These images are not read yet. It was canceled." in texts(page).replace("\\", "")
    assert begun == []
    monkeypatch.setattr(Job, "start", lambda job: begun.append(job) or True)
    page.button(key=f"read {folder}").click().run()
    assert [one.request["source"] for one in begun] == [str(folder)]
    assert latest(store.root)[0].did == "began to read the images"


def test_refused_images_say_why_and_are_not_read_again(store, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "pets")
    (folder / "train" / "cat" / "bad.png").write_bytes(b"no picture")
    page = open_page("data", set=str(folder))
    assert "bad.png is not a readable picture" in page.error[0].value.replace("\\", "")
    monkeypatch.setattr("app.cache.opening.begin", None)
    page = open_page("data", set=str(folder))
    assert "bad.png is not a readable picture" in page.error[0].value.replace("\\", "")


def test_a_refused_set_stays_a_card_that_leads_to_the_reason(store, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "spoiled")
    (folder / "train" / "cat" / "bad.png").write_bytes(b"no picture")
    open_page("data", set=str(folder))
    page = open_page("data")
    assert not page.exception
    assert "could not be read" in [one.value for one in page.markdown]
    links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert "spoiled" in links["**spoiled**"]
    monkeypatch.setattr("app.session.person", lambda: Person(name="ann", role=OPERATOR))
    assert "**spoiled**" not in [link.proto.label for link in open_page("data").get("page_link")]


def test_a_card_has_the_worst_warning_of_its_page(store, tmp_path):
    folder = folder_of(tmp_path / "noted")
    (folder / "train" / "notes.txt").write_text("x")
    images = data.load(str(folder), store.root)
    assert "1 file was left out" in texts(open_page("data"))
    path = duplicates.path_of(images.fingerprint, store.root)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = duplicates.Duplicates(version=duplicates.VERSION, exact=((("train", 0), ("test", 0)),))
    files.write_json(path, files.plain_of(found))
    words = texts(open_page("data"))
    assert "1 test image is also a training image" in words
    assert "1 file was left out" not in words


def test_who_may_start_no_runs_reads_no_changed_folder(store, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "pets")
    open_page("data", set=str(folder))
    (folder / "train" / "cat" / "more.png").write_bytes(
        next((folder / "train" / "cat").iterdir()).read_bytes()
    )
    viewer = Person(name="eva", role=VIEWER)
    monkeypatch.setattr("app.session.person", lambda: viewer)
    monkeypatch.setattr("app.cache.opening.begin", None)
    page = open_page("data", set=str(folder))
    assert "or have changed since they were read" in page.error[0].value


@pytest.mark.parametrize("source", ["mnist", "/data/store/uploads/pets"])
def test_who_may_start_no_runs_has_nothing_decoded(monkeypatch, source):
    monkeypatch.setattr("app.session.person", lambda: Person(name="eva", role=VIEWER))
    with pytest.raises(DataError, match="are not read yet"):
        opening.refuse_viewer(source)
    opening.refuse_viewer("synthetic:1000")
    opening.refuse_viewer("cifar10")


def test_a_folder_can_be_named_and_its_page_opens(store, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(drop, "go", lambda name, **query: asked.append((name, query)))
    folder = folder_of(tmp_path / "<b>mine")
    page = open_page("data")
    page.button(key="own").click().run()
    assert page.text_input(key="path").label == "Folder or archive on this machine"
    form = AppTest.from_function(path_form).run()
    for path, words in ((tmp_path / "gone", "There are no images at"), ("  ", "No path was given")):
        form.text_input(key="path").set_value(str(path))
        form.button[0].click().run()
        assert words in form.error[0].value
    form.text_input(key="path").set_value(str(folder))
    form.button[0].click().run()
    assert asked == [("data", {"set": str(folder)})]
    page = open_page("data", set=str(folder))
    assert not page.exception
    assert page.header[0].value == "\\<b\\>mine"
    assert "6 of 6 training images" in texts(page)


def path_form():
    """Draw the form of the dialog, which AppTest would close with the next click."""
    from app import boundary
    from app.screens.data.own.drop import path_form

    boundary.part(path_form)()


def test_a_viewer_looks_but_does_not_train(store, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="vi", role=VIEWER))
    page = open_page("data", set="synthetic")
    assert not page.exception
    assert "40 of 10,000 training images" in texts(page)
    assert "train" not in [button.key for button in page.button]


def test_others_than_the_machines_user_cannot_name_a_folder(store, tmp_path, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="ann", role=OPERATOR))
    page = open_page("data")
    page.button(key="own").click().run()
    assert [field.label for field in page.text_input] == ["From the Hugging Face hub"]
    assert "CIFAR_DATA_ROOTS" in texts(page)
    page = open_page("data", set=str(folder_of(tmp_path / "mine")))
    assert "is not among the images" in page.error[0].value
    assert not page.get("image")


def folder_of(path):
    """Make a folder of images of two classes, and return its path."""
    for part, amount in (("train", 3), ("test", 2)):
        for name in ("cat", "dog"):
            folder = path / part / name
            folder.mkdir(parents=True)
            for number in range(amount):
                Image.new("RGB", (32, 32), (40 * number, 0, 0)).save(folder / f"{number}.png")
    return path


def test_a_download_that_failed_says_why_and_can_be_tried_again(store):
    progress.ProgressWriter(store.root, 100).write("failed", "The server cannot be reached.")
    page = open_page("data")
    (store.root / "data" / "download.json").unlink()
    assert "The server cannot be reached." in texts(page)
    assert page.button(key="download").label == "Try again"


def test_a_download_under_way_shows_how_far_it_is_and_can_be_cancelled(store):
    held = progress.take(store.root)
    report = progress.ProgressWriter(store.root, 170_000_000)
    report.done = 85_000_000
    report.write("running", "Downloading.")
    page = open_page("data")
    assert "85.0 of 170.0 MB" in page.get("progress")[0].proto.text
    page.button(key="cancel").click().run()
    assert progress.cancel_file(store.root).exists()
    assert held is not None
    os.close(held)
    for name in ("download.json", "download.cancel", "download.lock"):
        (store.root / "data" / name).unlink(missing_ok=True)


def test_a_folder_of_images_that_is_the_default_is_shown_first(store, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "mine")
    monkeypatch.setenv("CIFAR_DATA", str(folder))
    page = open_page("data")
    assert not page.exception
    labels = [link.proto.label for link in page.get("page_link")]
    assert labels.index("**mine**") < labels.index("**CIFAR-10**")
    assert "Used by default" in texts(page)
    assert "counted when it is opened for the first time" in texts(page)
    assert "6 of 6 training images" in texts(open_page("data", set=str(folder)))
    page = open_page("data")
    assert "2 classes \u00b7 10 images \u00b7 here" in texts(page)
    assert pictures(page)[0] == ["An image of mine"] * 2


def test_two_sets_of_one_title_are_distinguished_by_their_paths(store, tmp_path):
    for place in ("one", "two"):
        assert not open_page("data", set=str(folder_of(tmp_path / place / "pets"))).exception
    words = texts(open_page("data"))
    for place in ("one", "two"):
        assert theme.safe(str(tmp_path / place / "pets")) in words


def test_data_that_the_environment_names_but_that_is_gone_is_said(store, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", "/nowhere/at/all")
    page = open_page("data")
    assert not page.exception
    assert "/nowhere/at/all" in texts(page)


def test_pages_that_need_no_torch_do_not_load_it(store):
    make_run(store, "Done")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_name_of_a_set_of_the_hub_opens_its_page(store, monkeypatch):
    from cifar_core.data.hub import server

    found = server.Offered(files=3, bytes=1_500_000, license="mit", commit="0123456789ab" * 3)
    monkeypatch.setattr(server, "look", lambda source: found)
    monkeypatch.setattr(server, "obstacle", lambda: "")
    page = open_page("data", set="hf:someone/pets")
    assert not page.exception
    assert page.header[0].value == "someone/pets"
    words = texts(page).replace("\\", "")
    assert "3 files, 1.5 MB to download \u00b7 license: mit \u00b7 revision 0123456789ab" in words
    assert page.button(key="download").label == "Download"


def test_without_the_package_the_page_says_how_to_install_it(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    page = open_page("data", set="hf:someone/pets")
    assert "pip install -r requirements-hf.txt" in texts(page)
    page = open_page("data", set="hf:a/b/c")
    assert "does not name a set on the Hugging Face hub" in texts(page)


def test_near_duplicates_are_kept_in_one_part_where_the_test_images_were_drawn(store, tmp_path):
    from cifar_core import data
    from cifar_core.data.layout.near import near_groups
    from cifar_core.data.review import duplicates

    random = np.random.default_rng(0)
    for label in ("a", "b"):
        folder = tmp_path / "mine" / label
        folder.mkdir(parents=True)
        for number in range(12):  # each picture twice, once brighter
            pixels = random.integers(0, 200, (32, 32, 3), dtype=np.uint8)
            for twin, more in (("x", 0), ("y", 20)):
                Image.fromarray(pixels + np.uint8(more)).save(folder / f"{number}{twin}.png")
    source = str(tmp_path / "mine")
    images = data.load(source, store.root)
    job = duplicates.look(images, store.root, "ann")
    job.path.parent.mkdir(parents=True, exist_ok=True)
    duplicates.do_job(job.request | {"path": str(job.path)}, lambda *_: None)
    page = open_page("data", set=source, tab="duplicates")
    page.button(key="together").click().run()
    assert not page.exception
    assert len(near_groups(store.root, source)) == 48
    images = data.load(source, store.root)
    found = duplicates.duplicates(images)
    parts = [{part for part, _ in near.images} for near in found.near]
    assert len(parts) == 24
    assert all(len(one) == 1 for one in parts)


def test_published_sets_are_one_click_away(store):
    page = open_page("data")
    links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert links["CIFAR-100"] == "set=cifar100"
    assert len([key for key in links.values() if key.removeprefix("set=") in PUBLISHED]) == len(
        PUBLISHED
    )
    assert not page.error
