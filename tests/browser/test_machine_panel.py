"""The machine below the curves: a closed row, by keyboard, on the axis and in the zoom of them."""

import pytest
from machine_helpers import gpu, trained_on

from cifar_core.runs import Store

CURVES = ".live-chart >> nth=0"
RANGE = "n => document.querySelectorAll('.live-chart')[n]._fullLayout.xaxis.range.map(Math.round)"
SAME = f"() => {{ const range = {RANGE}; return `${{range(0)}}` === `${{range(1)}}`; }}"
DRAWN = "n => document.querySelectorAll('.live-chart')[n]?.dataset.updates > 0"


@pytest.fixture(scope="module")
def run(store: Store):
    return trained_on(store, gpus=[gpu()], seconds=200)


def drag_across(tab, chart, start, end):
    """Enlarge a part of a chart with the mouse."""
    layer = tab.locator(".live-chart").nth(chart).locator(".nsewdrag").first
    layer.scroll_into_view_if_needed()
    box = layer.bounding_box()
    middle = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + start * box["width"], middle)
    tab.mouse.down()
    tab.mouse.move(box["x"] + end * box["width"], middle, steps=5)
    tab.mouse.up()


def test_the_panel_opens_by_keyboard_and_has_the_axis_and_zoom_of_the_curves(visit, run):
    tab = visit(f"/run?id={run.number}&tab=watch")
    tab.wait_for_function(DRAWN, arg=0)
    assert tab.locator(".live-chart").count() == 1
    row = tab.locator(f".st-key-closed-row-machine-{run.number}")
    assert "GPU 88" in row.inner_text()
    row.locator("summary").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function(DRAWN, arg=1)
    tab.wait_for_function(SAME)
    whole = tab.evaluate(RANGE, 0)
    drag_across(tab, 0, 0.3, 0.6)
    tab.wait_for_function(f"r => ({RANGE})(1)[0] > r[0] + 50", arg=whole)
    tab.wait_for_function(SAME)
    zoomed = tab.evaluate(RANGE, 0)
    tab.wait_for_timeout(1500)  # the server has drawn both again for the part zoomed in on
    assert tab.evaluate(RANGE, 0) == tab.evaluate(RANGE, 1) == zoomed
    drag_across(tab, 1, 0.2, 0.6)
    tab.wait_for_function(f"r => ({RANGE})(0)[0] > r[0] + 10", arg=zoomed)
    tab.wait_for_function(SAME)
    tab.wait_for_timeout(600)
    box = tab.locator(".live-chart").nth(1).locator(".nsewdrag").first
    box.dblclick()
    tab.wait_for_function(f"r => `${{({RANGE})(0)}}` === `${{r}}`", arg=whole)
    tab.wait_for_function(SAME)


def test_plots_of_both_charts_begin_at_the_same_place(visit, run):
    tab = visit(f"/run?id={run.number}&tab=watch")
    tab.locator(f".st-key-closed-row-machine-{run.number} summary").click()
    tab.wait_for_function(DRAWN, arg=1)
    boxes = [tab.locator(".live-chart").nth(n).locator(".nsewdrag").first for n in (0, 1)]
    left, right = (box.bounding_box() for box in boxes)
    assert left["x"] == pytest.approx(right["x"], abs=3)
    assert left["width"] == pytest.approx(right["width"], abs=6)
