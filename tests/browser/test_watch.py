"""The pictures and the confusions of the Watch tab, by keyboard and by mouse."""

import re

import pytest
from pages import watching

from cifar_core.runs import Store


@pytest.fixture(scope="module")
def run(store: Store):
    """A run of two epochs that watches three images of three classes."""
    return watching(store, (0, 0, 0), (0, 1, 1))


def test_pictures_are_one_stop_and_enter_asks_about_one(visit, run):
    tab = visit(f"/run?id={run.number}")
    pictures = tab.locator(".lab-watched button")
    pictures.first.wait_for()
    assert [p.get_attribute("class") for p in pictures.all()] == ["right", "right", "wrong"]
    assert [p.get_attribute("tabindex") for p in pictures.all()] == ["0", "-1", "-1"]
    pictures.first.focus()
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement.dataset.image") == "val-5"
    tab.locator(".lab-watched .about", has_text="star, taken for ring").wait_for()
    assert "wrong, wrong" in pictures.last.get_attribute("aria-label")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(f"/predict.*run={run.number}"))


def test_the_slider_looks_back_without_the_server(visit, run):
    tab = visit(f"/run?id={run.number}")
    slider = tab.get_by_label("Epoch to look at")
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "Epoch 2"
    assert (
        tab.locator(".lab-confused td.right").first.get_attribute("title") == "disc: 2 of 4 right"
    )
    tab.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "Epoch 1"
    assert (
        tab.locator(".lab-confused td.right").first.get_attribute("title") == "disc: 1 of 3 right"
    )
