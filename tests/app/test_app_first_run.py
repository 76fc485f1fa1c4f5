"""A newcomer's pages: doors beside the shipped examples, and pages that are alive without a run."""

import pytest
from pages import make_run, open_page, texts

from cifar_core.examples import EXAMPLES
from cifar_core.people import VIEWER, Person

PHOTOGRAPHS = EXAMPLES["photographs"].number


@pytest.fixture
def store(page_store):
    """Return a store that has never been opened."""
    (page_store.root / ".examples").unlink()
    return page_store


def keys(page):
    return {button.key for button in page.button}


def as_viewer(monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="guest", role=VIEWER))


def test_three_doors_stand_above_the_examples(store):
    page = open_page()
    assert not page.exception
    assert page.header[0].value == "What would you like to do?"
    assert {"ask", "first", "add_images"} <= keys(page)
    assert "3 examples" in texts(page)
    assert "*Help*, at the top right, brings them back" in texts(page)


def test_the_first_door_opens_predict_on_the_example(store):
    page = open_page()
    page.button(key="ask").click().run()
    assert not page.exception
    assert page.header[0].value == "Predict"
    assert page.selectbox(key="run").value == str(PHOTOGRAPHS)


def test_with_a_run_of_ones_own_the_doors_are_gone(store):
    open_page()
    make_run(store)
    page = open_page()
    assert page.header[0].value == "Runs"
    assert not {"ask", "first", "add_images"} & keys(page)


def test_deleted_examples_are_brought_back(store):
    open_page()
    for one in EXAMPLES.values():
        store.delete(store.run(one.number))
    page = open_page()
    assert "ask" not in keys(page)
    page.button(key="bring_back").click().run()
    assert not page.exception
    assert "ask" in keys(page)
    assert "bring_back" not in keys(page)


def test_a_viewer_may_ask_and_sees_nothing_else(store, monkeypatch):
    open_page()
    as_viewer(monkeypatch)
    page = open_page()
    assert not page.exception
    assert "ask" in keys(page)
    assert not {"first", "add_images", "bring_back"} & keys(page)


def test_a_viewer_of_an_empty_store_is_told_who_can_begin(page_store, monkeypatch):
    as_viewer(monkeypatch)
    page = open_page()
    assert not page.exception
    assert "an operator can start the first run" in texts(page)
    assert "first" not in keys(page)


def test_the_examples_are_compared_and_reported_until_there_is_a_run(store):
    page = open_page("compare")
    assert not page.exception
    assert "Two examples, compared." in texts(page)
    assert len(page.multiselect(key="runs").value) == 2
    page = open_page("report")
    assert not page.exception
    assert "The report of an example." in texts(page)


@pytest.mark.parametrize("name", ["compare", "report", "predict"])
def test_a_page_without_a_network_starts_the_first_run(page_store, name):
    page = open_page(name)
    assert not page.exception
    assert "There is no trained network here yet." in texts(page)
    assert {"first", "bring_back"} <= keys(page)


def test_a_network_on_shapes_offers_the_example_about_photographs(store):
    open_page()  # puts the examples in place
    make_run(store, "Shapes")
    page = open_page("predict")
    assert not page.exception
    assert "knows only drawn shapes" in texts(page)
    page.button(key="ask example").click().run()
    assert not page.exception
    assert page.selectbox(key="run").value == str(PHOTOGRAPHS)
    assert "knows only drawn shapes" not in texts(page)


def test_no_picture_is_asked_for_by_a_network_on_shapes(store):
    open_page()
    shown = {
        key: [
            link.proto.label
            for link in open_page("run", id=one.number, tab="result").get("page_link")
        ]
        for key, one in EXAMPLES.items()
    }
    assert "Give it a picture of yours" in shown["photographs"]
    assert "Give it a picture of yours" not in shown["shapes"]
