"""The picker by keyboard alone: search, arrow keys in two dimensions, Enter and Esc."""

import axe
import pytest
from dashboards import free_port, serving
from pages import make_run

from cifar_core.runs import Store

NAMES = ["Alpha", "Beta", "<b>Gamma</b>", "Delta", "Epsilon"]
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"
FOCUSED = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at?.querySelector('.title')?.textContent ?? at?.className ?? '';
}"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    for name in NAMES:
        make_run(store, name, accuracies=(0.4, 0.5, 0.45))
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture
def opened(tab):
    """Open the picker of runs on the Predict page, by keyboard."""

    def by_keyboard(width=1280):
        tab.set_default_timeout(120_000)
        tab.set_viewport_size({"width": width, "height": 800})
        tab.goto("/predict?run=1")
        browse = tab.get_by_role("button", name="Browse")
        browse.wait_for()
        tab.locator(STILL).wait_for()
        browse.focus()
        tab.keyboard.press("Enter")
        tab.locator(".picker .card").first.wait_for()
        return tab

    return by_keyboard


def shown(page):
    return page.locator(".picker .card:visible .title").all_text_contents()


def test_a_run_is_found_and_chosen_without_a_mouse(opened):
    page = opened()
    assert shown(page) == [f"#{5 - i} {name}" for i, name in enumerate(reversed(NAMES))]
    assert page.evaluate(FOCUSED) == "search"
    page.keyboard.type("gamma")
    assert shown(page) == ["#3 <b>Gamma</b>"]
    assert page.locator(".picker .count").text_content() == "1 of 5"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "#3 <b>Gamma</b>"
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_url("**/predict?*run=3*")


def test_enter_takes_the_first_match_of_a_search_which_is_marked(opened):
    page = opened()
    page.keyboard.type("a")  # the chosen one is among the matches
    assert page.locator(".picker .use").text_content() == "Use #1 Alpha"
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("ta")
    assert shown(page) == ["#4 Delta", "#2 Beta"]
    assert page.locator(".picker [aria-selected=true] .title").text_content() == "#4 Delta"
    assert page.get_by_role("button", name="Use #4 Delta").is_enabled()
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    assert page.locator(".picker .use").text_content() == "Use #1 Alpha"
    page.keyboard.type("ta")
    page.keyboard.press("Enter")
    page.wait_for_url("**/predict?*run=4*")


def test_arrow_keys_walk_through_the_grid_and_esc_changes_nothing(opened):
    page = opened()
    page.keyboard.press("ArrowDown")  # into the list, to the run that is chosen now
    assert page.evaluate(FOCUSED) == "#1 Alpha"
    walk = {
        "Home": "#5 Epsilon",
        "ArrowRight": "#4 Delta",
        "End": "#1 Alpha",
        "ArrowUp": "#5 Epsilon",
        "ArrowDown": "#1 Alpha",
        "ArrowLeft": "#2 Beta",
    }
    for key, name in walk.items():
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == name, key
    assert page.locator(".picker [role=option][tabindex='0']").count() == 1
    assert page.locator(".picker .use").text_content() == "Use #2 Beta"
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert "run=1" in page.url


def test_a_search_without_a_result_offers_all_cards_again(opened):
    page = opened()
    page.keyboard.type("nothing like it")
    assert shown(page) == []
    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == len(NAMES)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_serious_is_found_in_an_open_picker(opened, width):
    page = opened(width)
    assert axe.problems(page, "[role=dialog]") == set()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
