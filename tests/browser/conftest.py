"""A real server and a real Chromium. Every page is checked for JavaScript errors at its end."""

import re
import shutil
from pathlib import Path

import pytest
from dashboards import free_port, serving

PROGRAMS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "chrome"),
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    from cifar_core.runs import Store

    store = Store(tmp_path_factory.mktemp("store"))
    (store.root / ".examples").touch()  # as if the shipped runs had been deleted
    yield store
    store.shutdown_executor()


@pytest.fixture(scope="session")
def url(store, tmp_path_factory):
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import expect, sync_playwright

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium here: run tests/install_chromium.sh")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, url):
    context = chromium.new_context(
        base_url=url, viewport={"width": 1280, "height": 1000}, reduced_motion="reduce"
    )
    context.set_default_timeout(30_000)
    tab = context.new_page()
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    context.close()
    assert problems == []


@pytest.fixture
def visit(tab):
    """Open a page of the dashboard and wait until it is drawn."""
    from playwright.sync_api import expect

    def open_page(path):
        tab.goto(path)
        still = "[data-testid=stApp][data-test-script-state=notRunning]"
        tab.locator(still).wait_for(state="attached")
        expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
        expect(tab.get_by_test_id("stException")).to_have_count(0)
        expect(tab.get_by_text("Page not found")).to_have_count(0)
        return tab

    return open_page


def pytest_collection_modifyitems(items):
    here = re.escape(str(Path(__file__).parent))
    for item in items:
        if re.match(here, str(item.path)):
            item.add_marker(pytest.mark.browser)
