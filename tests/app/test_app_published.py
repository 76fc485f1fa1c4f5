import os

import pytest
from pages import open_page, texts

from cifar_core.data.published.downloads import fetch
from cifar_core.data.sources import progress
from cifar_core.people import VIEWER, Person


@pytest.fixture
def store(page_store):
    return page_store


def test_a_published_set_that_is_not_here_says_what_it_is_and_can_be_downloaded(store, monkeypatch):
    begun = []
    monkeypatch.setattr(fetch, "start_background", lambda key, *_, **__: begun.append(key) or True)
    page = open_page("data", set="cifar100")
    assert not page.exception
    words = texts(page)
    assert page.header[0].value == "CIFAR-100"
    assert "100 classes \u00b7 60,000 images \u00b7 169\u00a0MB to download" in words
    assert "Images\\: 50,000 to train on, 10,000 to test with" in words
    assert "state no license" in words
    page.button(key="download").click().run()
    assert begun == ["cifar100"]


def test_a_set_that_is_got_by_hand_says_how_and_has_no_button(store):
    page = open_page("data", set="imagenet")
    assert not page.exception
    assert "Register at image-net.org" in texts(page)
    assert "download" not in [button.key for button in page.button]


def test_while_another_set_is_downloaded_the_page_says_so(store):
    held = progress.take(store.root)
    progress.ProgressWriter(store.root, 100, key="food101").write("running", "Downloading.")
    try:
        page = open_page("data", set="dtd")
        assert "Food-101 is being downloaded now" in texts(page)
        assert "download" not in [button.key for button in page.button]
        page = open_page("data", set="food101")
        assert page.button(key="cancel")
    finally:
        os.close(held)
        for name in ("download.json", "download.lock"):
            (store.root / "data" / name).unlink(missing_ok=True)


def test_a_viewer_is_not_offered_a_download(store, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="vi", role=VIEWER))
    page = open_page("data", set="dtd")
    assert not page.exception
    assert "An operator or an admin of this lab can download" in texts(page)
    assert "download" not in [button.key for button in page.button]
