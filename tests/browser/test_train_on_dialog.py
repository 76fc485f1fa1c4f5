"""A small run is trained on by keyboard, and the one curve of both has its mark."""

import re
from dataclasses import replace

import pytest
from dashboards import wait_until
from playwright.sync_api import expect

from cifar_core.config.presets import PRESETS

MARK = """() => document.querySelector('.live-chart').layout.annotations
    .filter(a => a.text.startsWith('trained on')).map(a => [a.text, a.x])"""


@pytest.fixture(scope="module")
def parent(store):
    """A run of one epoch that was trained by a trainer."""
    config = replace(PRESETS["smoke"].config, data="synthetic:2000", epochs=1)
    run = store.create(config, name="Parent")
    store.submit(run)
    wait_until(lambda: run.status.state == "finished", "the first run", seconds=180)
    return run


def test_a_run_is_trained_on_by_keyboard_and_its_curve_goes_on_at_the_mark(visit, store, parent):
    tab = visit(f"/run?id={parent.number}")
    tab.get_by_role("button", name="More", exact=True).click()
    tab.locator(".st-key-train_on").get_by_role("button").focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog").filter(has_text="A new run continues")
    expect(dialog.get_by_text("at the end of epoch")).to_be_visible()
    dialog.get_by_role("spinbutton", name="More epochs").fill("1")
    tab.keyboard.press("Enter")
    expect(dialog.get_by_text("From now on").first).to_be_visible()
    dialog.locator(".st-key-start_train_on").get_by_role("button").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"/run\?id=(?!" + str(parent.number) + r"\b)\d+"))
    child = store.run(re.search(r"id=(\d+)", tab.url)[1])
    assert child.about.start.run == parent.id
    wait_until(lambda: child.status.state == "finished", "the new epoch", seconds=180)
    tab = visit(f"/run?id={child.number}&tab=watch&axis=Epoch")
    tab.locator(".live-chart .main-svg").first.wait_for()
    done = parent.summary.epochs_done
    assert tab.evaluate(MARK) == [[f"trained on from #{parent.number}", done]]
    assert child.summary.epochs_done == done + 1
    expect(tab.get_by_role("link", name="Trained on from")).to_be_visible()


def test_the_dialog_is_whole_on_a_phone(visit, parent):
    tab = visit(f"/run?id={parent.number}")
    tab.set_viewport_size({"width": 400, "height": 800})
    visit(f"/run?id={parent.number}&do=train-on")
    dialog = tab.get_by_role("dialog").filter(has_text="A new run continues")
    start = dialog.locator(".st-key-start_train_on").get_by_role("button")
    start.scroll_into_view_if_needed()
    box = start.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
