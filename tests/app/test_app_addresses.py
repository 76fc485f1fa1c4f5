"""Every address that a page ever had leads to what it meant."""

import pytest
from pages import make_run, open_page

from app.navigation import MOVED


@pytest.fixture
def store(page_store):
    return page_store


@pytest.mark.parametrize("name", MOVED)
def test_an_earlier_address_without_parameters_leads_to_a_page(store, name):
    make_run(store)
    page = open_page(name, known=True)
    assert not page.exception
    assert page.header[0].value in ("Runs", "Train", "Predict", "Reports")


@pytest.mark.parametrize("name", ["evaluate", "inside"])
@pytest.mark.parametrize("parameter", ["run", "id"])
def test_what_was_a_page_of_a_run_is_a_tab_of_that_run(store, name, parameter):
    make_run(store, "The first")
    make_run(store, "The second")
    page = open_page(name, known=True, **{parameter: 1})
    assert not page.exception
    assert "The first" in page.header[0].value
    assert page.query_params["tab"] == {"evaluate": "result", "inside": "inside"}[name]


@pytest.mark.parametrize("name", ["evaluate", "inside", "explain"])
def test_no_other_run_is_shown_than_the_address_names(store, name):
    make_run(store, "The first")
    page = open_page(name, known=True, run=3)
    assert not page.exception
    assert not [header for header in page.header if "The first" in header.value]
    assert "The first" not in page.query_params.get("run", "")


def test_a_form_that_was_filled_in_by_its_address_still_is(store):
    make_run(store, learning_rate=0.03)
    page = open_page("new_run", known=True, clone=1)
    assert page.session_state["draft"]["learning_rate"] == 0.03


def test_the_tab_of_an_address_is_open_and_a_click_writes_another(store):
    run = make_run(store)
    page = open_page("run", id=1, tab="files")
    page.session_state[f"tab {run.id}"] = "Settings"
    page.run()
    assert page.query_params["tab"] == "settings"
    page.session_state[f"tab {run.id}"] = "Watch"
    page.run()
    assert "tab" not in page.query_params
