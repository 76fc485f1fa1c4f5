"""What assistive technology meets on every page, in light and dark, by the rules of axe-core."""

from pathlib import Path

import axe
import pytest
from dashboards import free_port, serving
from pages import make_run

from app.screens.run.page import TABS as RUN_TABS
from cifar_core.config import TrainConfig
from cifar_core.runs import Store
from cifar_core.runs.store.sweep_files import Cell
from cifar_core.runs.sweeps import sweeps

SCREENS = Path(__file__).resolve().parents[2] / "app" / "screens"
PAGES = sorted(folder.name for folder in SCREENS.iterdir() if (folder / "page.py").exists())
VIEWS = [(name, part) for name in PAGES for part in (RUN_TABS if name == "run" else ("",))]
DATA = "synthetic:500"
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"
PICTURE = Path(__file__).resolve().parents[2] / "app" / "static" / "favicon.png"
UNREACHABLE = """() => [...document.querySelectorAll(
    '[data-testid=stMain] :is(button, a[href], input:not([type=file]), select, textarea, summary)')]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex < 0)
    .filter(e => !e.closest('[role=radiogroup], [role=tablist], [role=group], [aria-hidden=true]'))
    .filter(e => !e.dataset.testid?.startsWith('stNumberInputStep'))  // the arrow keys do the same
    .map(e => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store of this module alone: other tests need theirs to be empty."""
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serving(store, log, free_port(), CIFAR_UNASKED="off") as address:
        yield address


@pytest.fixture(scope="module")
def address(store):
    """Return the query of each page that shows something only for a run."""
    first = make_run(store, "First", data=DATA)
    second = make_run(store, "Second", accuracies=(0.4, 0.5, 0.45), dropout=0.3, data=DATA)
    return {
        "run": f"?id={first.number}",
        "predict": f"?run={first.number}",
        "report": f"?runs={first.number},{second.number}",
        "compare": f"?runs={first.number},{second.number}",
        "sweep": f"?id={make_sweep(store).number}",
    }


def make_sweep(store):
    """Return a sweep of two settings, trained already: its runs are made as `make_run` does."""
    cells = [Cell(title=f"dropout {share}", changes={"dropout": share}) for share in (0.1, 0.2)]
    model = "simple_cnn_dropout"
    base = TrainConfig(data=DATA, model=model)
    sweep = sweeps.begin(store, base, cells, [0, 1], name="Dropout")
    for index, cell in enumerate(cells):
        for seed in sweep.seeds:
            run = make_run(store, "", seed=seed, data=DATA, model=model, **cell.changes)
            run.edit_about(sweep=sweep.id, cell=index)
    return sweep


@pytest.fixture
def page(tab):
    tab.set_default_timeout(120_000)
    return tab


@pytest.mark.parametrize(("name", "part"), VIEWS)
def test_nothing_serious_is_found_and_everything_is_reachable(name, part, page, address):
    page.goto(f"/{name}{address.get(name, '')}{f'&tab={part}' if part else ''}")
    settle(page)
    if name == "predict":
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(PICTURE)
        page.get_by_text("What the network sees").wait_for()
        settle(page)
    if name == "report":
        page.locator(".st-key-report_preview summary").first.wait_for()  # of a drawn chart
    if name == "compare":  # it classifies the validation images by itself
        page.get_by_text("Cancel").wait_for(state="detached")
        settle(page)
    problems = look(page)
    inside = "[role=tabpanel] [role=tab]" if part else "[role=tab]"
    for other in page.locator(inside).all()[1:]:  # the first is open
        other.click()
        settle(page)
        problems |= look(page)
    assert not problems, "\n".join(sorted(problems))


def test_nothing_serious_is_found_on_the_page_of_a_data_set(page):
    page.goto(f"/data?set={DATA}")
    page.get_by_text("40 of 500 training images").wait_for()
    settle(page)
    problems = look(page)
    assert not problems, "\n".join(sorted(problems))


def test_the_numbers_of_the_curves_can_be_read(page, address):
    page.goto(f"/run{address['run']}")
    numbers = page.locator("details.numbers").first
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    table = numbers.locator("table").filter(has_text="validation accuracy")
    assert table.locator("tr").last.inner_text().split() == ["100", "0.5"]


def settle(page):
    """Wait until the page is drawn."""
    page.locator(STILL).wait_for(state="attached")
    page.wait_for_timeout(500)
    page.locator(STILL).wait_for(state="attached")


def look(page):
    """Return serious violations of axe's rules in dark and light, and what no key reaches."""
    return {f"not reachable: {html}" for html in page.evaluate(UNREACHABLE)} | axe.problems(page)
