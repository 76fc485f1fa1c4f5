import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ENTRY, make_run, open_page, texts
from PIL import Image

from cifar_core.data.sources import progress

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


def test_without_any_data_the_page_offers_the_real_images_and_shows_the_drawn_ones(store):
    page = open_page("data")
    assert not page.exception
    words = texts(page)
    assert "**Synthetic shapes**" in words
    assert "**CIFAR-10**" in words
    assert "not photographs" in words
    assert "60 of 10,000 images" in words
    assert page.button(key="download").label.startswith("Download")


def test_one_class_of_the_test_images_can_be_looked_at(store):
    page = open_page("data")
    page.selectbox(key="class of synthetic").select("ring").run()
    page.segmented_control(key="part").set_value("Test").run()
    assert not page.exception
    assert "60 of 200 images" in texts(page)


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
    for part, amount in (("train", 3), ("test", 2)):
        for name in ("cat", "dog"):
            folder = tmp_path / "mine" / part / name
            folder.mkdir(parents=True)
            for number in range(amount):
                Image.new("RGB", (32, 32), (40 * number, 0, 0)).save(folder / f"{number}.png")
    monkeypatch.setenv("CIFAR_DATA", str(tmp_path / "mine"))
    page = open_page("data")
    assert not page.exception
    assert page.selectbox(key="browse").value == str(tmp_path / "mine")
    assert "6 of 6 images" in texts(page)


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
