"""The picker by keyboard alone: search, arrow keys in two dimensions, Enter and Esc."""

import pytest
from axe_playwright_python.sync_playwright import Axe
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


def opened(chromium, url, **options):
    """Open the picker of runs on the Predict page, by keyboard."""
    context = chromium.new_context(
        **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
    )
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(f"{url}/predict?run=1")
    browse = page.get_by_role("button", name="Browse")
    browse.wait_for()
    page.locator(STILL).wait_for()
    browse.focus()
    page.keyboard.press("Enter")
    page.locator(".picker .card").first.wait_for()
    return page


def shown(page):
    return page.locator(".picker .card:visible .title").all_text_contents()


def test_a_run_is_found_and_chosen_without_a_mouse(chromium, url):
    page = opened(chromium, url)
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
    page.context.close()


def test_enter_takes_the_first_match_of_a_search_which_is_marked(chromium, url):
    page = opened(chromium, url)
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
    page.context.close()


def test_arrow_keys_walk_through_the_grid_and_esc_changes_nothing(chromium, url):
    page = opened(chromium, url)
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
    page.context.close()


def test_a_search_without_a_result_offers_all_cards_again(chromium, url):
    page = opened(chromium, url)
    page.keyboard.type("nothing like it")
    assert shown(page) == []
    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == len(NAMES)
    page.context.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_an_open_picker(chromium, url, scheme, width):
    page = opened(chromium, url, color_scheme=scheme, viewport={"width": width, "height": 800})
    found = Axe().run(page, context="[role=dialog]").response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
