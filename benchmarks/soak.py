"""Hours of runs and viewers: does memory, open files or the store grow? python -m benchmarks.soak.

Tiny runs train one after the other beside one that trains all the time. One browser tab stays on
the list, one on that long run, and one walks from page to page. Every few seconds the resident
memory and the open descriptors of the dashboard, the executor and the long run's shim and trainer
are read from /proc (Linux), and the sizes of the logs and of the long run's folder from the
store. The slope is that of a least-squares line over the second half, when caches are full, with
the 95 % interval of ordinary regression over the medians of ten-minute windows (of a tenth of the
time, if that is shorter), because neighbouring samples are alike.
"""

import argparse
import dataclasses
import json
import math
import os
import stat
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks import chromium, machine
from benchmarks.dashboard import server, wait_for_server
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs import Run, Store

EVERY = 3.0  # seconds between samples
WINDOWS = 12  # of the whole time, whose medians the slope is fitted to
MATTERS = 0.01  # of the median: a slope an hour that is worth a look
STEPS_A_PAGE = 4  # samples between two pages of the walk
STUDENT = (math.nan, 12.71, 4.30, 3.18, 2.78, 2.57)  # 97.5 % of Student's t, by degrees of freedom
KEPT_RUNS = 30  # older ones go to the trash, so that the store stays of one size
TINY = TrainConfig(data="synthetic:200", val_fraction=0.2, epochs=2, batch_size=16, threads=1,
                   device="cpu")  # fmt: skip
LONG = dataclasses.replace(TINY, data="synthetic:20000", epochs=1000)
WALK = ("", "run?id={newest}", "new_run", "compare?runs={newest},{older}", "evaluate?id={newest}",
        "explain", "report", "data")  # fmt: skip
Samples = dict[str, list[tuple[float, float]]]


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    words = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("VmRSS:")[1].split()
    return int(words[0]) / 1024


def descriptors(pid: int) -> float:
    """Return how many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names of a pseudo-folder


def attempt(run: Run) -> Path:
    """Return the folder of a run's latest attempt."""
    return run.path / "attempts" / str(run.status.attempt)


def sample(store: Store, long: Run, dashboard: int, seconds: float, found: Samples) -> None:
    """Add one sample of everything."""
    shim = files.read_json(attempt(long) / "shim.json")
    processes = {
        "dashboard": dashboard,
        "executor": files.read_json(store.root / "executor.json").get("pid"),
        "shim": shim.get("shim", {}).get("pid"),
        "trainer": shim.get("trainer", {}).get("pid"),
    }
    for name, pid in processes.items():
        try:
            values = (megabytes(pid), descriptors(pid)) if pid else ()
        except (OSError, IndexError):  # it has just ended
            continue
        for value, unit in zip(values, ("MB", "open files"), strict=False):
            found[f"{name}, {unit}"].append((seconds, value))
    kept = {
        **{name: store.root / name for name in ("index.db", "activity.jsonl", "executor.log")},
        "rows of the long run": attempt(long) / "metrics.jsonl",
        "log of the long run": attempt(long) / "log.txt",
        "checkpoints of the long run": long.path / "checkpoints",
        "trash": store.root / "trash",
        "whole store": store.root,
    }
    for name, path in kept.items():
        size = sum(bytes_of(one) for one in (path, *path.rglob("*")))
        found[f"{name}, kB"].append((seconds, size / 1000))


def bytes_of(path: Path) -> int:
    """Return the size of a file; of one that has just gone, and of a folder, 0."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def keep_busy(store: Store, long: Run) -> None:
    """See to it that two tiny runs wait or train beside the long one, and that old ones leave."""
    rows = [row for row in store.runs() if row.id != long.id]
    under_way = sum(row.state in ("queued", "starting", "running") for row in rows)
    for _ in range(2 - under_way):
        store.submit(store.create(TINY))
    for row in rows[KEPT_RUNS:]:
        store.delete(store.run(row.id))
    store.empty_trash(older_than_days=0)


def walk(page: Page, address: str, store: Store, turn: int) -> None:
    """Go to the next page of the walk."""
    newest = store.runs()[0].number
    where = WALK[turn % len(WALK)].format(newest=newest, older=newest - 1)
    page.goto(f"{address}/{where}")


def windows(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the hour and the median value of each window of the second half."""
    length = (points[-1][0] + EVERY) / WINDOWS
    found = defaultdict(list)
    for at, value in points:
        found[int(at / length)].append(value)
    return [((window + 0.5) * length / 3600, statistics.median(values))
            for window, values in sorted(found.items()) if window >= WINDOWS // 2]  # fmt: skip


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope per hour over the second half, and half of its 95 % interval."""
    half = windows(points)
    if len(half) < 3:
        return math.nan, math.nan
    hours, values = zip(*half, strict=True)
    line = statistics.linear_regression(hours, values)
    rest = sum((y - line.slope * x - line.intercept) ** 2 for x, y in half)
    middle = statistics.fmean(hours)
    spread = sum((x - middle) ** 2 for x in hours)
    freedom = len(half) - 2
    return line.slope, STUDENT[freedom] * math.sqrt(rest / freedom / spread)


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
    """Say which processes grow: by more than the uncertainty, and than MATTERS an hour."""
    grows = []
    for name, points in found.items():
        rise, interval = slope(points)
        matters = MATTERS * statistics.median(value for _, value in points)
        if not name.endswith("kB") and rise > max(interval, matters):
            grows.append(name)
    return f"Grows: {', '.join(grows)}." if grows else "No process grows."


def watched(store: Store, seconds: float, say: Callable[[str], None]) -> Samples:
    """Run and look for so long, and return every sample."""
    found: Samples = defaultdict(list)
    long = store.create(LONG, name="Long")
    store.submit(long)
    start, turn = time.monotonic(), 0
    with server(store) as (address, pid), sync_playwright() as playwright:
        wait_for_server(address)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or chromium.program(),
            args=["--no-sandbox", "--disable-gpu"],
        )
        on_the_list, on_the_run, walking = (browser.new_page() for _ in range(3))
        on_the_list.goto(address)
        on_the_run.goto(f"{address}/run?id={long.number}")
        while (now := time.monotonic() - start) < seconds:
            keep_busy(store, long)
            if turn % STEPS_A_PAGE == 0:
                walk(walking, address, store, turn // STEPS_A_PAGE)
            sample(store, long, pid, now, found)
            turn += 1
            walking.wait_for_timeout(EVERY * 1000)
        say(f"{store.runs()[0].number} runs in {seconds / 60:.0f} minutes, "
            f"{turn // STEPS_A_PAGE} visits; the long run is {long.status.state} "
            f"at step {long.summary.step:,}.")  # fmt: skip
        browser.close()
    return found


def main() -> None:
    """Soak, and print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--samples", type=Path, help="a file for every sample, as JSON")
    given = parser.parse_args()
    os.environ["CIFAR_CPU_SLOTS"] = "2"
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
    if given.samples:
        given.samples.write_text(json.dumps(found), encoding="utf-8")
    print(f"{machine.line()}\n\n{table(found)}\n\n{verdict(found)}")


if __name__ == "__main__":
    main()
