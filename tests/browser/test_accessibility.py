"""What assistive technology meets on every page, in light and dark, by the rules of axe-core."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from dashboards import free_port, serving
from pages import make_run

from app.screens.run.page import TABS as RUN_TABS
from cifar_core.config import TrainConfig
from cifar_core.runs import Store
from cifar_core.runs.store.sweep_files import Cell
from cifar_core.runs.sweeps import sweeps

SCREENS = Path(__file__).resolve().parents[2] / "app" / "screens"
PAGES = sorted(folder.name for folder in SCREENS.iterdir() if (folder / "page.py").exists())
VIEWS = [(name, tab) for name in PAGES for tab in (RUN_TABS if name == "run" else ("",))]
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"
PICTURE = Path(__file__).resolve().parents[2] / "app" / "static" / "favicon.png"
APP = "document.querySelector('[data-testid=stApp]')"
BACKGROUNDS = {"dark": "rgb(16, 21, 28)", "light": "rgb(255, 255, 255)"}
RULES = {"dark": {}, "light": {"runOnly": ["color-contrast"]}}  # only colors differ there
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
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def address(store):
    """Return the query of each page that shows something only for a run."""
    first = make_run(store, "First")
    second = make_run(store, "Second", accuracies=(0.4, 0.5, 0.45), dropout=0.3)
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
    base = TrainConfig(data="synthetic", model=model)
    sweep = sweeps.begin(store, base, cells, [0, 1], name="Dropout")
    for index, cell in enumerate(cells):
        for seed in sweep.seeds:
            run = make_run(store, "", seed=seed, model=model, **cell.changes)
            run.edit_about(sweep=sweep.id, cell=index)
    return sweep


@pytest.fixture
def page(chromium, url):
    context = chromium.new_context(
        base_url=url, reduced_motion="reduce", viewport={"width": 1280, "height": 1000}
    )
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(("name", "tab"), VIEWS)
def test_nothing_serious_is_found_and_everything_is_reachable(name, tab, page, address):
    page.goto(f"/{name}{address.get(name, '')}{f'&tab={tab}' if tab else ''}")
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
    inside = "[role=tabpanel] [role=tab]" if tab else "[role=tab]"
    for other in page.locator(inside).all()[1:]:  # the first is open
        other.click()
        settle(page)
        problems |= look(page)
    assert not problems, "\n".join(sorted(problems))


def test_nothing_serious_is_found_on_the_page_of_a_data_set(page):
    page.goto("/data?set=synthetic")
    page.get_by_text("40 of 10,000 training images").wait_for()
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
    problems = {f"not reachable: {html}" for html in page.evaluate(UNREACHABLE)}
    for scheme, background in BACKGROUNDS.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"getComputedStyle({APP}).backgroundColor === '{background}'")
        problems |= {
            f"{scheme}, {rule['id']}: {node['html'][:200]}"
            for rule in Axe().run(page, options=RULES[scheme]).response["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        }
    return problems
