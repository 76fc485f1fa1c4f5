"""A real server and a real Chromium. Every page is checked for JavaScript errors at its end."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(is_true, what, seconds=60):
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def is_healthy(url):
    try:
        return urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok"
    except OSError:
        return False


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    from cifar_core.runs import Store

    store = Store(tmp_path_factory.mktemp("store"))
    yield store
    store.shutdown_executor()


@contextmanager
def serving(store, log, port, *options, **variables):
    """Serve a store until the block ends; what the server prints goes into the file `log`."""
    environment = {k: v for k, v in os.environ.items() if k != "CIFAR_DATA"}
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/server.py",
             f"--server.port={port}", "--server.headless=true", *options],
            cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            env={**environment, "CIFAR_STORE": str(store.root), **variables},
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: is_healthy(address), "the server")
            yield address
        finally:
            server.terminate()
            server.wait(20)


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
        return tab

    return open_page


def pytest_collection_modifyitems(items):
    here = re.escape(str(Path(__file__).parent))
    for item in items:
        if re.match(here, str(item.path)):
            item.add_marker(pytest.mark.browser)
