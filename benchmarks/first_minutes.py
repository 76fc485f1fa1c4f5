"""Measures a newcomer's first minutes: python -m benchmarks.first_minutes (needs Chromium).

Each journey begins with a store that has never been opened and a server that answers; its clock
runs from opening the page, and its clicks are counted. First explanation: until a map stands beside
a picture that the shipped example was asked about. First own run: until the page of a run that was
started here says that it has finished. Slowed tells how busy other programs kept the machine: the
seconds that a computation took for each CPU second that it used, on average before and after.
Exits with 1 if a figure is missed.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks import chromium
from benchmarks.dashboard import server, wait_for_server
from cifar_core.runs import Store

SPIN = 0.5  # CPU seconds
PATIENCE = 180_000  # milliseconds until a journey is given up


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What a newcomer wants, and how long and how many clicks it may take."""

    name: str
    seconds: float
    clicks: int
    walk: Callable[["Visitor"], None]


class Visitor:
    """A person at a page, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Locator) -> None:
        """Click something as soon as it is there."""
        target.click()
        self.clicks += 1


def ask_the_example(visitor: Visitor) -> None:
    """Open Predict on the example and take a drawing there, until a map is beside it."""
    page = visitor.page
    visitor.click(page.get_by_role("button", name="Try it on a picture"))
    visitor.click(page.get_by_role("button", name="red car"))
    see_a_map(page)


def click_a_drawing(visitor: Visitor) -> None:
    """Click a drawing on the first page, until a map is beside it."""
    visitor.click(visitor.page.get_by_role("button", name="red car"))
    see_a_map(visitor.page)


def see_a_map(page: Page) -> None:
    """Wait for a map, and for its picture to be drawn."""
    shown = page.get_by_alt_text(" for ").first
    shown.wait_for()
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=shown.element_handle()
    )


def train_one(visitor: Visitor) -> None:
    """Start the first run, until it has finished."""
    page = visitor.page
    visitor.click(page.get_by_role("button", name="Start the first run"))
    page.get_by_text("Finished after").first.wait_for()


JOURNEYS = (
    Journey(name="first explanation, by a button", seconds=15, clicks=2, walk=ask_the_example),
    Journey(name="first explanation, by a drawing", seconds=15, clicks=2, walk=click_a_drawing),
    Journey(name="first own run finished", seconds=60, clicks=1, walk=train_one),
)


def measure(journey: Journey, browser: Browser) -> tuple[float, int]:
    """Return the seconds and the clicks that a journey takes from an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        try:
            with server(store) as (url, _):
                wait_for_server(url)
                page = browser.new_context().new_page()
                page.set_default_timeout(PATIENCE)
                visitor, start = Visitor(page), time.perf_counter()
                page.goto(url, wait_until="commit")
                journey.walk(visitor)
                seconds = time.perf_counter() - start
                page.context.close()
        finally:
            store.shutdown_executor()
    return seconds, visitor.clicks


def slowed() -> float:
    """Return the seconds by the clock that a computation takes for each of its CPU seconds."""
    start, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < SPIN:
        pass
    return (time.perf_counter() - start) / (time.process_time() - used)


def main() -> int:
    """Print the table; return 1 if a figure is missed."""
    missed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=["--no-sandbox", "--disable-gpu"]
        )
        print(f"{'journey':<34}{'seconds':>14}{'clicks':>10}{'slowed':>10}")
        for journey in JOURNEYS:
            before = slowed()
            seconds, clicks = measure(journey, browser)
            within = seconds <= journey.seconds and clicks <= journey.clicks
            missed += not within
            time_, count = f"{seconds:.1f} / {journey.seconds:g}", f"{clicks} / {journey.clicks}"
            busy = f"{(before + slowed()) / 2:.1f}"
            print(f"{journey.name:<34}{time_:>14}{count:>10}{busy:>10}"
                  f"{'' if within else '  missed'}", flush=True)  # fmt: skip
        browser.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
