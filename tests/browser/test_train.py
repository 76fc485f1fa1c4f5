"""The Train page in a browser: its rows by keyboard, its search, its cards, and on a phone."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def tab(visit):
    page = visit("/train?preset=lab_cnn")
    expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    expect(page.get_by_text("times over")).to_be_visible()
    return page


def test_a_row_opens_by_keyboard_and_stays_open_with_the_focus_while_its_words_change(tab):
    row = tab.locator(".st-key-row-learning summary")
    row.focus()
    tab.keyboard.press("Enter")
    rate = tab.get_by_role("spinbutton", name="Learning rate")
    rate.fill("0.02")
    rate.press("Tab")
    expect(tab.get_by_text("SGD, rate 0.02, one cycle, 128 images a step")).to_be_visible()
    expect(rate).to_be_visible()
    assert tab.evaluate("document.activeElement.closest('.st-key-row-learning') !== null")


def test_a_setting_is_found_while_one_types(tab):
    tab.get_by_placeholder("Find a setting").press_sequentially("clipp")
    expect(tab.get_by_role("spinbutton", name="Gradient clipping")).to_be_visible()
    expect(tab.locator(".st-key-row-learning")).to_have_count(0)


def test_a_network_is_chosen_from_cards(tab):
    tab.locator(".st-key-change_network").get_by_role("button").click()
    expect(tab.locator(".picker .search")).to_be_focused()
    tab.keyboard.type("Simple CNN with dropout")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Simple CNN with dropout learns 10 classes")).to_be_visible()


def test_start_is_in_reach_on_a_phone_and_by_a_shortcut(tab, store):
    tab.set_viewport_size({"width": 400, "height": 800})
    start = tab.locator(".st-key-start").get_by_role("button")
    expect(start).to_be_in_viewport()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    before = len(store.runs())
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url(re.compile(r"/run\?id=\d+"))
    assert len(store.runs()) == before + 1
    store.run(store.runs()[0].number).stop("kill")


def test_on_a_phone_the_plan_is_before_the_rows_and_nothing_stays_under_start(tab):
    tab.set_viewport_size({"width": 400, "height": 800})
    plan, rows = tab.locator(".st-key-plan"), tab.locator(".st-key-all-rows")
    last = tab.locator(".st-key-row-stopping summary")
    assert plan.bounding_box()["y"] < rows.bounding_box()["y"]
    tab.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    start = tab.locator(".st-key-start").get_by_role("button")
    box = last.bounding_box()
    assert box["y"] + box["height"] < start.bounding_box()["y"]
    expect(start.locator("kbd")).to_be_hidden()
    tab.set_viewport_size({"width": 1440, "height": 900})
    assert plan.bounding_box()["x"] > rows.bounding_box()["x"]
    expect(start.locator("kbd")).to_be_visible()


def test_closed_the_page_is_low_enough_to_be_surveyed(tab):
    tab.set_viewport_size({"width": 1440, "height": 900})
    height = tab.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    assert height <= 1400
