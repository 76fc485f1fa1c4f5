"""The shipped examples on the pages: there without a run of one's own, and used like any other."""

import pytest
from pages import make_run, open_page, texts

from cifar_core.examples import EXAMPLES, pictures
from cifar_core.runs import Store

PHOTOGRAPHS = EXAMPLES["photographs"].number


@pytest.fixture
def store(page_store):
    """Return a store that has never been opened."""
    (page_store.root / ".examples").unlink()
    return page_store


def test_the_first_page_that_is_opened_puts_them_in_place(store):
    page = open_page()
    assert not page.exception
    assert [row.number for row in store.runs()] == [one.number for one in EXAMPLES.values()]


def test_a_store_with_a_run_of_its_own_is_left_alone(store):
    make_run(store)
    open_page()
    assert [row.number for row in store.runs()] == [1]


def test_deleted_examples_do_not_come_back_with_the_next_page(store):
    open_page()
    for row in store.runs():
        store.delete(store.run(row.id))
    open_page()
    assert Store(store.root).runs() == []


def test_the_network_of_the_photographs_is_asked_first_and_offers_drawings(store):
    page = open_page("predict")
    assert not page.exception
    assert page.selectbox(key="run").value == str(PHOTOGRAPHS)
    assert "test image" not in texts(page)  # it has no images here
    assert "or take a drawing" in texts(page)


def test_a_link_to_a_drawing_shows_what_the_network_says(store):
    page = open_page("predict", run=PHOTOGRAPHS, image="sample-2")
    assert not page.exception
    assert "A red car" in [caption for each in page.get("image") for caption in each.captions]
    assert "% confident" in texts(page).replace("\xa0", " ")
    assert "or take a drawing" in texts(page)  # the others stay in sight


@pytest.mark.parametrize("number", ["0", "x", "\u00b2", "", str(len(pictures()) + 1)])
def test_a_link_to_no_drawing_is_said(store, number):
    page = open_page("predict", run=PHOTOGRAPHS, image=f"sample-{number}")
    assert not page.exception
    assert "There is no image called" in texts(page)


def test_a_network_of_shapes_gets_no_drawings(store):
    page = open_page("predict", run=EXAMPLES["shapes"].number)
    assert not page.exception
    assert "drawing" not in texts(page)


@pytest.mark.parametrize("tab", ["watch", "result", "inside", "settings", "files"])
@pytest.mark.parametrize("key", ["photographs", "shapes"])
def test_every_tab_of_an_example_is_drawn_without_an_error(store, key, tab):
    page = open_page("run", id=EXAMPLES[key].number, tab=tab)
    assert not page.exception
    assert [error.value for error in page.error] == []
    assert "Damaged" not in texts(page)


def test_mistakes_are_listed_where_the_images_are_not_here(store):
    page = open_page("run", id=PHOTOGRAPHS, tab="result")
    assert "listed without pictures" in texts(page)
    assert "Click a picture" not in texts(page)
    assert list(page.dataframe[0].value.columns) == ["Image", "True class", "Prediction"]


def test_training_like_an_example_uses_the_images_that_are_here(store):
    page = open_page("train", clone=PHOTOGRAPHS)
    assert not page.exception
    assert "but for its images, which are not here" in texts(page)
    assert [error.value for error in page.error] == []


def test_two_examples_are_compared_on_the_same_images(store):
    shapes, fewer = EXAMPLES["shapes"].number, EXAMPLES["fewer_shapes"].number
    page = open_page("compare", runs=f"{shapes},{fewer}")
    assert not page.exception
    assert f"\\#{shapes} is better than \\#{fewer}" in texts(page)
