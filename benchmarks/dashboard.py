"""Measures the dashboard: python -m benchmarks.dashboard (needs Chromium and playwright).

First paint: from starting the server to the first page's heading on the screen of a fresh
browser, whose cache is empty; table drawn: to its list of runs, which is the whole page.
Latency: from writing a row to its step being in the chart, while one viewer looks.
CPU: of the server process, in per cent of one core, while six and then twenty viewers look at a
live run, with fifty other runs in the store. All but the first viewer ask for the curves and do
not draw them, as twenty browsers that draw would take the processor away from the server, whose
load is what is measured; updates drawn tells whether they were served in time.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import chromium
from benchmarks.many_runs import fill
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs import Run, Store
from cifar_core.runs.record import status

ROOT = Path(__file__).resolve().parents[1]
STARTS, ROWS, VIEWERS, OTHER_RUNS, WATCHED_SECONDS = 5, 30, (6, 20), 50, 20.0
CHART = "document.querySelector('.live-chart')?.dataset"
STEP, UPDATES = f"{CHART}.step", f"Number({CHART}.updates)"
BLIND = """window.labPlotly = Promise.resolve({
    react: async (chart) => { chart.classList.add("js-plotly-plot"); chart.on ??= () => {}; },
    purge: () => {}, relayout: () => {},
})"""


def growing_run(store: Store) -> Run:
    """Make a run that counts as alive, with a thousand rows."""
    run = store.create(TrainConfig(epochs=1000), name="Growing")
    folder = run.path / "attempts" / "1"
    folder.mkdir(parents=True)
    files.write_json(folder / "start.json", {"checkpoint": "", "step": 0})
    status.write(run.path, status.RunStatus(**status.described("running"), attempt=1, device="cpu"))
    for step in range(10, 10_010, 10):
        append(run, step)
    return run


def append(run: Run, step: int) -> None:
    """Write a row as a trainer would."""
    row = {"kind": "step", "step": step, "epoch": step / 350, "loss": 2.3 - step % 70 / 100,
           "accuracy": 0.5, "learning_rate": 0.1, "images_per_second": 5000.0}  # fmt: skip
    files.append_line(run.path / "attempts" / "1" / "metrics.jsonl", row)


@contextmanager
def server(store: Store) -> Iterator[tuple[str, int]]:
    """Start the dashboard and yield its address and process id; wait for nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app/server.py",
         f"--server.port={port}", "--server.headless=true"],
        cwd=ROOT, env={**os.environ, "CIFAR_STORE": str(store.root)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def wait_for_server(url: str) -> None:
    """Return as soon as the server answers."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


def first_paint(store: Store, browser: Browser) -> tuple[float, float, float]:
    """Return the seconds from the start to the server's answer, the first paint and the table."""
    start = time.perf_counter()
    with server(store) as (url, _):
        wait_for_server(url)
        answered = time.perf_counter() - start
        page = browser.new_context().new_page()
        page.goto(url, wait_until="commit")
        page.get_by_role("heading", name="Runs").wait_for()
        painted = time.perf_counter() - start
        page.locator(".run-list tbody tr").first.wait_for()
        drawn = time.perf_counter() - start
        page.context.close()
    return answered, painted, drawn


def watch(browser: Browser, url: str, run: Run, *, draws: bool = True) -> Page:
    """Open the run's page and wait for its curves."""
    page = browser.new_context().new_page()
    if not draws:
        page.add_init_script(BLIND)
    page.goto(f"{url}/run?id={run.number}")
    page.wait_for_function(f"() => {STEP}")
    return page


def latencies(page: Page, run: Run, first_step: int) -> list[float]:
    """Write rows at odd moments and return how long each takes to be on the screen, in seconds."""
    found = []
    for number in range(ROWS):
        page.wait_for_timeout(300 + 170 * (number % 7))  # no fixed phase against the page's clock
        step = first_step + 10 * number
        append(run, step)
        start = time.perf_counter()
        page.wait_for_function(f"s => Number({STEP}) >= s", arg=step, polling=20)
        found.append(time.perf_counter() - start)
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_share(pid: int, run: Run, first_step: int) -> float:
    """Return the share of one core that the server uses while a row is written each 0.5 s."""
    before, start, step = cpu_seconds(pid), time.perf_counter(), first_step
    while time.perf_counter() - start < WATCHED_SECONDS:
        time.sleep(0.5)
        step += 10
        append(run, step)
    return (cpu_seconds(pid) - before) / (time.perf_counter() - start)


def measure(store: Store, browser: Browser) -> dict[str, str]:
    """Measure everything and return the table's rows."""
    fill(store, OTHER_RUNS)
    run = growing_run(store)
    paints = [first_paint(store, browser) for _ in range(STARTS)]
    with server(store) as (url, pid):
        wait_for_server(url)
        page = watch(browser, url, run)
        waits = latencies(page, run, 20_000)
        viewers, shares, updates = [page], {}, {}
        for count in VIEWERS:
            more = range(count - len(viewers))
            viewers += [watch(browser, url, run, draws=False) for _ in more]
            page.wait_for_timeout(3000)
            before = [viewer.evaluate(UPDATES) for viewer in viewers]
            start = time.perf_counter()
            shares[count] = busy_share(pid, run, 20_000 + 1000 * count)
            after = [viewer.evaluate(UPDATES) for viewer in viewers]
            seconds = time.perf_counter() - start
            updates[count] = [(b - a) / seconds for a, b in zip(before, after, strict=True)]
    return {
        "server answers (s)": spread([answered for answered, _, _ in paints]),
        "first paint (s)": spread([painted for _, painted, _ in paints]),
        "table drawn (s)": spread([drawn for _, _, drawn in paints]),
        "row written to row on screen (s)": spread(waits),
        **{
            f"server CPU with {count} viewers (% of one core)": f"{100 * share:.1f}"
            for count, share in shares.items()
        },
        **{
            f"updates each of {count} viewers saw (a second)": spread(rates)
            for count, rates in updates.items()
        },
        "load average": f"{os.getloadavg()[0]:.1f}",
    }


def spread(values: list[float]) -> str:
    """Write the median and the extremes."""
    middle = statistics.median(values)
    return f"{middle:.2f}  ({min(values):.2f} to {max(values):.2f}, n = {len(values)})"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Store(Path(folder))
        executor = lock.take(Path(folder) / ".executor.lock")  # so that nobody ends the false run
        browser = playwright.chromium.launch(
            executable_path=chromium.program(), args=["--no-sandbox", "--disable-gpu"]
        )
        table = measure(store, browser)
        browser.close()
        assert executor is not None
        os.close(executor)
    for name, value in table.items():
        print(f"{name:<46} {value}")
    if "--json" in sys.argv:
        print(json.dumps(table))


if __name__ == "__main__":
    main()
