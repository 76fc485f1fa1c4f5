"""Makes every picture of docs/images again: python -m docs.screenshots (needs Chromium).

It trains small runs on drawn shapes in a store of its own, opens the pages in a browser and saves
what is on the screen. With names, such as `runs predict`,
only these pictures are made.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, TimeoutError, sync_playwright

from benchmarks import chromium
from benchmarks.dashboard import server
from cifar_core import examples
from cifar_core.config import TrainConfig
from cifar_core.config.presets import PRESETS
from cifar_core.runs import Run, Store
from cifar_core.runs.sweeps import hyperparameter_search, search_space, sweeps
from cifar_core.settings.parameter_grid import Axis

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1280, 860  # of the browser's window
SEARCHED, LOOKED_AT = 6, 15  # runs of the search; epochs after which the live run is shown
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"
SHORT = {**PRESETS["smoke"].values, "data": "synthetic"}  # settings of runs that take seconds


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A picture: the address that it shows, and what is done there before it is taken."""

    name: str
    address: str
    act: Callable[[Page], object] = lambda page: None
    seconds: float = 3.0  # that the page gets to draw its charts
    height: int = HEIGHT


def open_picker(page: Page) -> None:
    """Open the picker of networks."""
    page.get_by_role("button", name="Change").nth(1).click()


def scenes(long: Run, other: Run, live: Run, sweep: int, search: int) -> list[Scene]:
    """List the pictures; some show runs of the store, by number."""
    return [
        Scene(name="runs", address="/"),
        Scene(name="queue", address="/queue"),
        Scene(name="train", address="/train"),
        Scene(name="picker", address="/train", act=open_picker),
        Scene(name="transfer", address="/train?preset=transfer_quick"),
        Scene(name="run", address=f"/run?id={live.number}"),
        Scene(name="run-finished", address=f"/run?id={long.number}"),
        Scene(name="result", address=f"/run?id={long.number}&tab=result", seconds=20),
        Scene(name="inside", address=f"/run?id={long.number}&tab=inside", seconds=10),
        Scene(
            name="predict",
            address=f"/predict?run={examples.EXAMPLES['photographs'].number}&image=sample-4",
            seconds=15,
        ),
        Scene(name="compare", address=f"/compare?runs={long.number},{other.number}", seconds=20),
        Scene(name="report", address=f"/report?runs={long.number},{other.number}", seconds=10),
        Scene(name="sweep", address=f"/sweep?id={sweep}"),
        Scene(name="search", address=f"/sweep?id={search}"),
        Scene(name="data", address="/data", seconds=10),
    ]


def settings(**changes: Any) -> TrainConfig:
    """Return settings of a run that takes seconds."""
    return TrainConfig(**{**SHORT, **changes})


def trained(store: Store, config: TrainConfig) -> Run:
    """Train a run to its end."""
    run = store.create(config)
    store.submit(run)
    wait(store)
    return run


def wait(store: Store) -> None:
    """Wait until nothing is trained."""
    while any(row.state not in ("finished", "stopped", "failed", "draft") for row in store.runs()):
        time.sleep(1)


def prepared(store: Store) -> list[Scene]:
    """Fill the store and return the pictures to take of it; the last run is still training."""
    examples.put_in_place(store)
    long = trained(store, settings(epochs=8))
    other = trained(store, settings(epochs=8, train_fraction=0.05))
    axes: list[Axis] = [[{"learning_rate": 0.24}, {"learning_rate": 0.06}]]
    sweep = sweeps.create(store, settings(), axes, [0, 1, 2])
    wait(store)
    space = search_space.space_of(["learning_rate=0.01..1"])
    search = hyperparameter_search.create(store, settings(epochs=3), space, budget=SEARCHED)
    while len(sweeps.runs_of(store, search)) < SEARCHED:
        time.sleep(1)
    wait(store)
    live = store.create(settings(epochs=300, train_fraction=0.3))
    store.submit(live)
    store.submit(store.create(settings(flip=False)))
    while live.summary.epochs_done < LOOKED_AT:
        time.sleep(1)
    return scenes(long, other, live, sweep.number, search.number)


def take(page: Page, scene: Scene) -> None:
    """Open a page and save its picture."""
    page.set_viewport_size({"width": WIDTH, "height": scene.height})
    page.goto(scene.address)
    settle(page, scene.seconds)
    scene.act(page)
    settle(page, scene.seconds)
    page.screenshot(path=IMAGES / f"{scene.name}.png")


def settle(page: Page, seconds: float) -> None:
    """Wait until the page is drawn; a live page is never at rest for long."""
    with suppress(TimeoutError):
        page.locator(STILL).wait_for(state="attached", timeout=30_000)
    page.wait_for_timeout(seconds * 1000)


def main(names: list[str]) -> None:
    """Make the pictures with these names, or all."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        wanted = [scene for scene in prepared(store) if not names or scene.name in names]
        with server(store) as (address, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.program(), args=["--no-sandbox"]
            )
            page = browser.new_page(base_url=address, color_scheme="light")
            page.set_default_timeout(120_000)
            for scene in wanted:
                take(page, scene)
                print(f"{scene.name}.png")
        for row in store.runs():
            if row.state in ("running", "starting", "queued"):
                store.run(row.number).stop("kill")
        wait(store)


if __name__ == "__main__":
    main(sys.argv[1:])
