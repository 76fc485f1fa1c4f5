"""The list of runs as a person uses it: by keyboard, in new tabs, while it changes, on a phone."""

import os
import re

import axe
import pytest
from dashboards import free_port, serving
from pages import make_run
from playwright.sync_api import expect

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.record import marks

FOCUSED = """() => {
    let found = document.activeElement;
    while (found.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found.ariaLabel ?? found.textContent;
}"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store of this module alone, in which the runs stay as they were made."""
    store = Store(tmp_path_factory.mktemp("store"))
    mine = lock.take(processes.executor_lock(store.root))  # so that no executor is started
    for number in range(1, 31):
        run = make_run(store, f"Run {number}", accuracies=(0.3, 0.3 + number / 100))
    marks.tag(run, ["lab"])
    make_run(store, "Still <b>going</b>", "running", accuracies=(0.2,), seed=7)
    yield store
    os.close(mine)


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


def box(tab, number):
    return tab.get_by_role("checkbox", name=re.compile(f"^Select #{number} "))


def drawn(tab):
    """Return how often the list has been drawn."""
    return int(tab.locator(".run-list").get_attribute("data-updates"))


def test_a_run_is_found_and_opened_by_keyboard_and_back_leads_to_the_same_list(visit):
    tab = visit("/?search=run&sort=number")
    tab.get_by_role("searchbox", name="Filter").focus()
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate(FOCUSED) == "Run 29":
            break
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Space")
    expect(box(tab, 29)).to_be_checked()
    expect(tab.get_by_text("1 selected")).to_be_visible()
    assert tab.evaluate(FOCUSED).startswith("Select #29")
    tab.keyboard.press("Tab")
    tab.evaluate("window.same = true")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Run 29")).to_be_visible()
    assert tab.url.endswith("/run?id=29")
    assert tab.evaluate("window.same")  # without loading the dashboard again
    tab.go_back()
    expect(tab.get_by_role("link", name="Run 29")).to_be_visible()
    assert tab.url.endswith("/?search=run&sort=number")
    expect(box(tab, 29)).to_be_checked()


def test_a_run_opens_in_a_new_tab_by_control_or_the_middle_button(visit):
    tab = visit("/")
    for options in ({"modifiers": ["ControlOrMeta"]}, {"button": "middle"}):
        with tab.context.expect_page() as opened:
            tab.get_by_role("link", name="Run 30").click(**options)
        opened.value.wait_for_url("**/run?id=30")  # at first it is blank
        opened.value.close()
    expect(tab.get_by_role("link", name="Run 30")).to_be_visible()


def test_runs_are_ticked_one_by_one_as_a_range_and_all(visit):
    tab = visit("/")
    box(tab, 30).click()
    box(tab, 27).click(modifiers=["Shift"])
    expect(tab.get_by_text("4 selected")).to_be_visible()
    every = tab.get_by_role("checkbox", name="Select every run in view")
    assert every.evaluate("box => box.indeterminate")
    every.click()
    expect(tab.get_by_text("31 selected")).to_be_visible()
    tab.get_by_role("button", name="Clear").click()
    expect(tab.get_by_text("31 runs")).to_be_visible()
    assert not every.is_checked()


def test_runs_that_are_deleted_together_come_back_by_one_undo(visit):
    tab = visit("/?search=run")
    box(tab, 30).click()
    box(tab, 28).click(modifiers=["Shift"])
    expect(tab.get_by_text("3 selected")).to_be_visible()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("Moved 3 runs to the trash.")).to_be_visible()
    expect(tab.get_by_role("link", name="Run 29")).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("link", name="Run 29")).to_be_visible()
    expect(tab.get_by_text("to the trash.")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 400])
def test_a_long_name_is_shown_to_its_end(visit, tab, store, width):
    name = "Speed network for a CPU on Synthetic shapes, rate 0.1"
    store.run(1).rename(name)
    tab.set_viewport_size({"width": width, "height": 900})
    visit("/?search=speed")
    link = tab.get_by_role("link", name=name)
    expect(link).to_be_visible()
    assert link.evaluate("link => link.scrollHeight <= link.clientHeight + 1")
    assert link.evaluate("link => link.getBoundingClientRect().height") >= 24
    if width == 400:
        expect(tab.get_by_text("#1, ")).to_be_visible()
    store.run(1).rename("Run 1")


def test_a_head_sorts_and_says_so(visit):
    tab = visit("/")
    head = tab.get_by_role("columnheader", name=re.compile("^Test"))
    tab.get_by_role("button", name=re.compile("^#")).focus()
    tab.keyboard.press("Enter")
    number = tab.get_by_role("columnheader", name=re.compile("^#"))
    expect(number).to_have_attribute("aria-sort", "descending")
    assert tab.evaluate(FOCUSED).startswith("#")
    tab.keyboard.press("Enter")
    expect(number).to_have_attribute("aria-sort", "ascending")
    expect(tab.locator(".run-list tbody tr").first).to_contain_text("Run 1")
    assert head.get_attribute("aria-sort") is None
    assert "sort=number" in tab.url


def test_ticks_focus_scrolling_and_an_open_menu_survive_the_updates_of_a_live_list(visit, store):
    tab = visit("/")
    box(tab, 3).click()
    expect(tab.get_by_text("1 selected")).to_be_visible()
    tab.get_by_role("link", name="Run 4", exact=True).focus()
    place = tab.locator(".scroller").evaluate("box => box.scrollTop")
    assert place > 0
    row = tab.get_by_role("row").filter(has_text="Still <b>going</b>")
    before = drawn(tab)
    progress(store, 0.77)
    expect(row).to_contain_text("77.0")
    assert drawn(tab) > before
    assert tab.evaluate(FOCUSED) == "Run 4"
    assert tab.locator(".scroller").evaluate("box => box.scrollTop") == place
    expect(box(tab, 3)).to_be_checked()
    tab.get_by_role("button", name="Tags").first.click()
    expect(tab.get_by_placeholder("lab week-3")).to_be_visible()
    progress(store, 0.78)
    expect(row).to_contain_text("78.0")
    expect(tab.get_by_placeholder("lab week-3")).to_be_visible()
    make_run(store, "Newest", accuracies=())
    expect(tab.get_by_role("link", name="Newest")).to_be_attached()
    expect(box(tab, 3)).to_be_checked()
    expect(tab.get_by_text("1 selected")).to_be_visible()


def progress(store, best):
    """Let the running run reach an accuracy."""
    (row,) = [row for row in store.runs() if row.state == "running"]
    path = store.run(row.number).path / "summary.json"
    files.write_json(path, {**files.read_json(path), "best_val_accuracy": best})


def test_on_a_phone_runs_are_cards_and_nothing_scrolls_sideways(visit, tab):
    tab.set_viewport_size({"width": 400, "height": 800})
    visit("/")
    link = tab.get_by_role("link", name="Run 30")
    link.scroll_into_view_if_needed()
    card = tab.get_by_role("row").filter(has=link)
    assert card.evaluate("row => getComputedStyle(row).display") == "grid"
    assert "60.0" in card.inner_text()
    assert "Finished" in card.inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    expect(tab.get_by_role("columnheader", name=re.compile("^Test"))).to_be_hidden()
    size = box(tab, 30).locator("..").bounding_box()
    assert min(size["width"], size["height"]) >= 24


@pytest.mark.parametrize("width", [1280, 400])
def test_assistive_technology_finds_nothing_amiss_in_the_list(visit, tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    visit("/")
    box(tab, 30).click()
    expect(tab.get_by_text("1 selected")).to_be_visible()
    assert axe.problems(tab, rules=axe.WCAG) == set()
