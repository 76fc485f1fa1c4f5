"""A real server and a real Chromium. Every page is checked for JavaScript errors at its end."""

import re
from pathlib import Path

import pytest
from dashboards import free_port, serving

from benchmarks.chromium import program

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
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serving(store, log, free_port(), CIFAR_UNASKED="off") as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import expect, sync_playwright

    path = program(sparing=True)
    if path is None:
        pytest.skip("no Chromium here: run tests/install_chromium.sh")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser_of_module(chromium, url):
    """Return a browser with one tab: it keeps the dashboard's own files from test to test."""
    context = chromium.new_context(base_url=url, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def browser(browser_of_module, url):
    """Return the browser as that of somebody who was never here."""
    context = browser_of_module
    (tab,) = context.pages
    tab.set_default_timeout(30_000)
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    tab.set_viewport_size({"width": 1280, "height": 1000})
    context.clear_cookies()
    memory = context.new_cdp_session(tab)
    memory.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    memory.detach()
    problems = set()

    def keep(error):
        problems.add(str(error.error))

    context.on("weberror", keep)
    yield context
    for other in context.pages[1:]:
        other.close()
    tab.goto("about:blank")
    context.remove_listener("weberror", keep)
    assert problems == set()


@pytest.fixture
def tab(browser):
    return browser.pages[0]


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
