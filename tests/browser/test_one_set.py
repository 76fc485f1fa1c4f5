"""Three data sets in a browser: every tab, by click and by axe, a bar, a class and an image."""

import axe
import numpy as np
import pytest
from dashboards import free_port, serving
from PIL import Image

from cifar_core import data
from cifar_core.runs import Store

ODD = "<b>*dog*<i> \U0001f415"  # a class whose name is markup
TABS = ("Images", "Classes", "Sizes", "Duplicates", "Files")
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    (store.root / ".examples").touch()
    yield store
    store.shutdown_executor()


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def sets(store, tmp_path_factory):
    """Make an uneven set of many sizes and one of 120 classes; return all sources, decoded."""
    folder = tmp_path_factory.mktemp("sets")
    for number in range(40):
        keep(folder / "odd" / "train" / ("cat" if number % 5 else ODD) / f"{number}.png", number)
    for number in range(40, 44):
        keep(folder / "odd" / "test" / ("cat" if number % 2 else ODD) / f"{number}.png", number)
    for number in range(120):
        for part in ("train/{}/1", "train/{}/2", "test/{}/3"):
            keep(folder / "many" / f"{part.format(f'class {number:03}')}.png", number)
    sources = ["synthetic:500", str(folder / "odd"), str(folder / "many")]
    for source in sources:
        data.load(source, store.root)
    return sources


def keep(path, seed):
    """Keep a picture of noise, of another size for another seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, len(str(path))])
    sides = (20 + 3 * seed, 20 + (7 * seed) % 50, 3)
    Image.fromarray(generator.integers(0, 255, sides, np.uint8)).save(path)


def test_three_sets_are_looked_through(tab, sets):
    for source in sets:
        tab.goto(f"/data?set={source}")
        tab.locator(".gallery button").first.wait_for()
        for name in TABS:
            tab.get_by_role("tab", name=name).click()
            tab.locator(STILL).wait_for(state="attached")
            assert axe.problems_in("light", tab, "[data-testid=stMain]", {}) == []
            width = "document.querySelector('[data-testid=stMain]').scrollWidth"
            assert tab.evaluate(width) <= 1280


def test_a_bar_shows_its_images_and_a_click_shows_one_larger(tab, sets):
    tab.goto(f"/data?set={sets[1]}&tab=sizes")
    tab.locator(".bars .point path").nth(2).click(force=True)
    tab.locator(".gallery button").first.click()
    dialog = tab.get_by_role("dialog")
    dialog.wait_for()
    dialog.get_by_text("What a network sees").wait_for()
    dialog.get_by_text("Original size").wait_for()
    assert dialog.locator("img").count() == 2  # the file, and what is made of it
