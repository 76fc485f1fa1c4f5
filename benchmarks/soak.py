"""Hours of runs and viewers: does memory, open files or the store grow? python -m benchmarks.soak.

Tiny runs train one after the other, and a browser looks at the list and at the newest run in
turn. Every few seconds the resident memory and the open descriptors of the dashboard, the
executor and the oldest living shim are read from /proc (Linux), and the sizes of the logs from
the store. The slope is that of a least-squares line over the second half, when caches are full,
with the 95 % interval of ordinary regression; neighbouring samples are alike, so that the true
interval is wider.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks import machine
from benchmarks.dashboard import server, wait_for_server
from cifar_core.config import TrainConfig
from cifar_core.runs import Store, files

EVERY = 3.0  # seconds between samples
KEPT_RUNS = 30  # older ones go to the trash, so that the store stays of one size
TINY = TrainConfig(data="synthetic:200", val_fraction=0.2, epochs=2, batch_size=16, threads=1,
                   device="cpu")  # fmt: skip
Samples = dict[str, list[tuple[float, float]]]


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    words = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("VmRSS:")[1].split()
    return int(words[0]) / 1024


def descriptors(pid: int) -> float:
    """Return how many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names of a pseudo-folder


def shim_of(store: Store) -> int | None:
    """Return the process that waits for the oldest live run, if there is one."""
    live = [row for row in store.runs() if row.state == "running"]
    if not live:
        return None
    folder = store.run(live[-1].id).path / "attempts" / str(live[-1].attempt)
    return files.read_json(folder / "shim.json").get("shim", {}).get("pid")


def sample(store: Store, dashboard: int, seconds: float, found: Samples) -> None:
    """Add one sample of everything."""
    executor = files.read_json(store.root / "executor.json").get("pid")
    processes = {"dashboard": dashboard, "executor": executor, "shim": shim_of(store)}
    for name, pid in processes.items():
        try:
            values = (megabytes(pid), descriptors(pid)) if pid else ()
        except (OSError, IndexError):  # it has just ended
            continue
        for value, unit in zip(values, ("MB", "open files"), strict=False):
            found[f"{name}, {unit}"].append((seconds, value))
    for name in ("index.db", "activity.jsonl", "executor.log"):
        path = store.root / name
        size = path.stat().st_size if path.exists() else 0
        found[f"{name}, kB"].append((seconds, size / 1000))


def keep_busy(store: Store) -> None:
    """See to it that two runs wait or train, and that old ones leave."""
    rows = store.runs()
    under_way = sum(row.state in ("queued", "starting", "running") for row in rows)
    for _ in range(2 - under_way):
        store.submit(store.create(TINY))
    for row in rows[KEPT_RUNS:]:
        store.delete(store.run(row.id))
    store.empty_trash(older_than_days=0)


def look(page: Page, address: str, store: Store, turn: int) -> None:
    """Look at the list, or at the newest run."""
    where = address if turn % 2 else f"{address}/run?id={store.runs()[0].number}"
    page.goto(where)


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope per hour over the second half, and half of its 95 % interval."""
    half = points[len(points) // 2 :]
    if len(half) < 3:
        return math.nan, math.nan
    hours, values = zip(*((at / 3600, value) for at, value in half), strict=True)
    line = statistics.linear_regression(hours, values)
    rest = sum((y - line.slope * x - line.intercept) ** 2
               for x, y in zip(hours, values, strict=True))  # fmt: skip
    middle = statistics.fmean(hours)
    spread = sum((x - middle) ** 2 for x in hours)
    return line.slope, 1.96 * math.sqrt(rest / (len(half) - 2) / spread)


def table(found: Samples) -> str:
    """Return one line for each thing that was watched."""
    lines = ["| what | samples | first | median of the second half | most | slope per hour |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, points in found.items():
        values = [value for _, value in points]
        rise, interval = slope(points)
        late = statistics.median(values[len(values) // 2 :])
        lines.append(f"| {name} | {len(values)} | {values[0]:.1f} | {late:.1f} | {max(values):.1f} "
                     f"| {rise:+.1f} ± {interval:.1f} |")  # fmt: skip
    return "\n".join(lines)


def verdict(found: Samples) -> str:
    """Say which processes grow: their slope lies above zero by more than its interval."""
    mine = {name: slope(points) for name, points in found.items() if not name.endswith("kB")}
    grows = [name for name, (rise, interval) in mine.items() if rise > interval]
    return f"Grows: {', '.join(grows)}." if grows else "Nothing grows by more than its uncertainty."


def watched(store: Store, seconds: float, say: Callable[[str], None]) -> Samples:
    """Run and look for so long, and return every sample."""
    found: Samples = defaultdict(list)
    start, turn = time.monotonic(), 0
    with server(store) as (address, pid), sync_playwright() as playwright:
        wait_for_server(address)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page()
        while (now := time.monotonic() - start) < seconds:
            keep_busy(store)
            if turn % 4 == 0:
                look(page, address, store, turn // 4)
            sample(store, pid, now, found)
            turn += 1
            page.wait_for_timeout(EVERY * 1000)
        say(f"{store.runs()[0].number} runs in {seconds / 60:.0f} minutes.")
        browser.close()
    return found


def main() -> None:
    """Soak, and print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        store.root.mkdir()
        try:
            found = watched(store, 60 * given.minutes, print)
        finally:
            for row in store.runs():
                store.run(row.id).stop("kill")
            time.sleep(5)
            store.shutdown_executor()
    print(f"{machine.line()}\n\n{table(found)}\n\n{verdict(found)}")


if __name__ == "__main__":
    main()
