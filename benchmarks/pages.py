"""Measures every page of the dashboard: python -m benchmarks.pages (needs Chromium).

The store has the shipped examples. Height: of what there is to scroll at 1440 pixels wide, before
anything is opened. Warm: from a click on a link to the page, drawn to its end, on the second visit
in the same tab. Exits with 1 if a page is taller than 1,400 pixels, or slower than 0.6 s.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks import chromium
from benchmarks.dashboard import server, wait_for_server
from cifar_core import examples
from cifar_core.runs import Store

WIDTH, TALLEST, SLOWEST = 1440, 1400, 0.6
RUN = examples.EXAMPLES["shapes"].number
OTHER = examples.EXAMPLES["fewer_shapes"].number
PAGES = {
    "Runs": "",
    "Data": "data",
    "Data, one set": "data?set=synthetic",
    "Train": "train",
    "Predict": "predict",
    "Queue": "queue",
    "Compare": f"compare?runs={RUN},{OTHER}",
    "Reports": f"report?runs={RUN}",
    "Run, Watch": f"run?id={RUN}",
    "Run, Result": f"run?id={RUN}&tab=result",
    "Run, Inside": f"run?id={RUN}&tab=inside",
    "Run, Settings": f"run?id={RUN}&tab=settings",
    "Run, Files": f"run?id={RUN}&tab=files",
}
STATE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState"
GO = """address => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate", {state: null}));
}"""  # what a click on a link of the list of runs does


def main() -> int:
    """Print a table; return 1 if a figure is missed."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Store(Path(folder) / "store")
        examples.put_in_place(store)
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=["--no-sandbox"]
        )
        with server(store) as (address, _):
            wait_for_server(address)
            page = browser.new_page(viewport={"width": WIDTH, "height": 900}, base_url=address)
            page.set_default_timeout(120_000)
            page.goto("/")
            settle(page)
            for name, path in PAGES.items():
                page.goto(f"/{path}")
                settle(page, 8.0)
                height = page.evaluate(
                    "document.querySelector('[data-testid=stMain]').scrollHeight"
                )
                page.evaluate(GO, "/" if path else "/queue")
                settle(page)
                started = time.perf_counter()
                page.evaluate(GO, f"/{path}")
                seconds = until_drawn(page) - started
                wrong = height > TALLEST or seconds > SLOWEST
                missed += wrong
                print(
                    f"{name:<16} {height:>6} px {seconds:>6.2f} s{'  MISSED' * wrong}", flush=True
                )
        browser.close()
    return int(missed > 0)


def until_drawn(page: Page) -> float:
    """Wait for a script to run to its end; return when that was seen."""
    page.wait_for_function(f"{STATE} !== 'notRunning'", timeout=5_000)
    page.wait_for_function(f"{STATE} === 'notRunning'")
    return time.perf_counter()


def settle(page: Page, seconds: float = 2.0) -> None:
    """Wait until nothing is drawn any more."""
    page.wait_for_function(f"{STATE} === 'notRunning'")
    page.wait_for_timeout(seconds * 1000)
    page.wait_for_function(f"{STATE} === 'notRunning'")


if __name__ == "__main__":
    sys.exit(main())
