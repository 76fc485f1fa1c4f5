"""Measures a store of many finished runs: python -m benchmarks.many_runs [--runs 10000].

Makes a store of so many runs, each a minute after the one before it, and times what a person and
the machine wait for, CPU and wall: the list of runs, the pages as the server computes them, the
longest that another process waits for the index while it is rebuilt, and the share of a core that
the executor takes while there is nothing to do. "First" is the first of a process, "warm" every
later one, "live" the look that an open page takes every three seconds while one run trains.
--points 10000 gives each run long curves, which the pages must not care about.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks import machine
from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs import Run, Store
from cifar_core.runs.record import status
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.records import About, AttemptStart
from cifar_core.runs.record.summary import fold
from cifar_core.runs.store import index
from cifar_core.runs.store.store import RESERVED, SCHEMA

ROOT = Path(__file__).resolve().parents[1]
POINTS, EPOCHS, HISTORIES, LOOKS = 10_000, 100, 8, 5
APART = 60.0  # seconds between two runs
MODELS = ("simple_cnn", "resnet18", "vig_nano")
PEOPLE = ("Ada", "Grace", "Edsger", "Barbara")
SETTLE_SECONDS = 60.0  # after which an executor has nothing left to do
IDLE_SECONDS = 60.0  # for which an executor without work is watched
ASK_SECONDS = 0.05  # between two questions of the process that is held up
DATA = {"title": "Synthetic shapes", "kind": "synthetic", "source": "synthetic",
        "train_images": 9000, "val_images": 1000, "test_images": 2000}  # fmt: skip


def history(seed: int, points: int) -> list[dict[str, Any]]:
    """Return the rows of a training, as a trainer might have written them."""
    source, rows = random.Random(seed), []
    for point in range(1, points + 1):
        loss = 2.3 / (1 + 6 * point / points) + source.gauss(0, 0.05)
        rows.append({"kind": "step", "step": 10 * point, "epoch": point * EPOCHS / points,
                     "loss": loss, "accuracy": 1 - loss / 2.4, "learning_rate": 0.1,
                     "grad_norm": 1.0, "images_per_second": 900.0, "t": 1.7e9 + point})  # fmt: skip
        if point % (points // EPOCHS) == 0:
            accuracy = min(0.99, 0.9 - loss / 4 + source.gauss(0, 0.01))
            rows.append({"kind": "epoch", "step": 10 * point, "epoch": point * EPOCHS // points,
                         "train_loss": loss, "train_accuracy": 1 - loss / 2.4, "val_loss": loss,
                         "val_accuracy": accuracy, "best": True, "seconds": 9.0,
                         "cpu_seconds": 9.0, "t": 1.7e9 + point})  # fmt: skip
    return rows


def fill(store: Store, count: int, points: int = POINTS) -> None:
    """Make so many finished runs; runs of one history share its file of rows on the disk.

    Their files are written directly, because making a run looks at the numbers of all others.
    """
    kept = []
    for seed in range(HISTORIES):
        path = store.root / f"history-{seed}.jsonl"
        rows = history(seed, points)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        kept.append((path, replace(fold(rows, 10 * points), seconds=900.0, test_accuracy=0.8)))
    began = time.time() - APART * count
    numbers = (number for number in range(1, count + 20) if number not in RESERVED)
    for place, number in zip(range(count), numbers, strict=False):
        write_run(store, number, place, *kept[place % HISTORIES], began + APART * place)
        files.write_atomic(store.root / ".last_number", str(number), durable=False)


def write_run(
    store: Store, number: int, place: int, rows: Path, summary: Summary, at: float
) -> None:
    """Write the folder of a run that began at a moment and has finished."""
    config = TrainConfig(model=MODELS[place % 3], learning_rate=0.1 / (1 + place // 5),
                         epochs=EPOCHS, seed=place % 5, data="synthetic")  # fmt: skip
    run = store.root / "runs" / f"{number}-run-{place}"
    folder = run / "attempts" / "1"
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").hardlink_to(rows)
    about = About(name=f"{config.model} {place}", owner=PEOPLE[place % len(PEOPLE)],
                  tags=[f"week {place % 50}"], created_at=at)  # fmt: skip
    finished = status.described("finished", since=at + APART)
    for path, values in {
        run / "config.json": {"schema": SCHEMA, **config.to_dict()},
        run / "about.json": about,
        run / "summary.json": summary,
        run / "environment.json": {"parameters": 94_762, "device": "cpu", "data": DATA},
        run / "status.json": status.RunStatus(**finished, attempt=1),
        folder / "attempt.json": {"device": "cpu", "at": at},
        folder / "start.json": AttemptStart(),
        folder / "shim.json": {"ended": {"code": 0, "at": at + APART}},
    }.items():
        files.write_json(path, values, durable=False)


def running_run(store: Store) -> Run:
    """Make a run that looks as if it trained, which must be ended by nobody."""
    run = store.create(TrainConfig(data="synthetic"), name="Running")
    words = status.described("running")
    status.write(run.path, status.RunStatus(**words, attempt=1, device="cpu"))
    return run


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and the wall seconds that some work takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def page(name: str = "runs") -> Any:
    """Return a page, ready to be computed for a visitor who may do everything."""
    from streamlit import config
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    config.set_option("server.address", "127.0.0.1")  # AppTest has no server to ask
    visit = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=600)
    if name != "runs":
        visit._page_hash = calc_hash(name)
    return visit


def drawn(visit: Any) -> None:
    """Draw a page, and make sure that it is the page and no refusal."""
    visit.run()
    assert not visit.exception, visit.exception
    assert not visit.error, visit.error
    assert visit.header, "The page has no heading"
    if visit.header[0].value == "Runs":
        lists = [one.proto.json for one in visit.get("bidi_component")]
        assert any('"lines"' in text for text in lists), "The page lists no runs"


def forget_index(store: Store) -> None:
    """Remove the index, as if the program were new to the store."""
    for path in store.root.glob("index.db*"):
        path.unlink()
    forget_process()


def forget_process() -> None:
    """Forget what this process has kept in memory, as if the server had just been started."""
    import streamlit as st

    index.LISTED.clear()
    st.cache_data.clear()
    st.cache_resource.clear()


Found = dict[str, list[tuple[float, float]]]


def measure_listing(store: Store, found: Found) -> None:
    """Time the list of runs, and what finds one of them."""

    def step() -> None:
        files.write_json(live.path / "summary.json", {"step": time.time_ns()}, durable=False)

    live = store.run(store.runs()[0].id)  # the newest is the one that trains
    forget_index(store)
    found["index, rebuilt"] = [seconds(store.runs)]
    for _ in range(LOOKS):
        index.LISTED.clear()
        found.setdefault("list, first", []).append(seconds(store.runs))
        found.setdefault("list, warm", []).append(seconds(store.runs))
        step()
        found.setdefault("list, live", []).append(seconds(store.runs))
        found.setdefault("queue", []).append(seconds(store.queue))
        found.setdefault("one run", []).append(seconds(lambda: store.run(1)))
        found.setdefault("next number", []).append(seconds(store._next_number))
        found.setdefault("same numbers", []).append(seconds(store.twins))


def measure_pages(store: Store, found: Found) -> None:
    """Time the pages that show or use all runs."""
    visit = page()
    drawn(visit)  # the program itself is loaded
    for _ in range(LOOKS):
        for name in ("runs", "train", "queue", "compare"):
            forget_process()
            visit = page(name)
            found.setdefault(f"{name}, first", []).append(seconds(lambda v=visit: drawn(v)))
            found.setdefault(f"{name}, warm", []).append(seconds(lambda v=visit: drawn(v)))
        visit = page()
        drawn(visit)
        visit.text_input(key="search").set_value("arch:resnet acc>50 lr<=0.05")
        found.setdefault("runs, searched", []).append(seconds(lambda v=visit: drawn(v)))


def measure_waits(store: Store, found: Found) -> None:
    """Time what another process waits for the index while this machine rebuilds it."""
    forget_index(store)
    code = (
        "import sys, time; from pathlib import Path; from cifar_core.runs.store.index import Index;"
        "index = Index(Path(sys.argv[1])); begun = time.perf_counter(); longest = 0.0\n"
        "while not sys.stdin.closed and time.perf_counter() - begun < float(sys.argv[2]):\n"
        "    at = time.perf_counter(); index.leases(); index.set_leases([])\n"
        "    longest = max(longest, time.perf_counter() - at)\n"
        f"    time.sleep({ASK_SECONDS})\n"
        "print(longest)\n"
    )
    length = str(max(2.0, 0.8 * found["index, rebuilt"][0][1]))
    command = [sys.executable, "-c", code, str(store.root), length]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as other:
        store.runs()
        longest = float(other.communicate()[0])
    found["others wait"] = [(0.0, longest)]


def measure_executor(store: Store) -> float:
    """Return the share of a core that an executor of the store takes while it has no work."""
    import psutil

    processes.ensure_running(store.root)
    record = store.root / "executor.json"
    while not psutil.pid_exists(files.read_json(record).get("pid", 0)):
        time.sleep(1.0)
    time.sleep(SETTLE_SECONDS)  # it has tidied the store, which it does once a day
    process = psutil.Process(files.read_json(record)["pid"])
    before = process.cpu_times()
    time.sleep(IDLE_SECONDS)
    after = process.cpu_times()
    store.shutdown_executor()
    return (after.user + after.system - before.user - before.system) / IDLE_SECONDS


@contextmanager
def without_executor(store: Store) -> Iterator[None]:
    """Hold the executor's lock, so that none ends the run that only looks as if it trained."""
    held = lock.take(processes.executor_lock(store.root))
    assert held is not None
    try:
        yield
    finally:
        os.close(held)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=EPOCHS)
    parser.add_argument("--store", type=Path, help="keep the store here, and use one that is there")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.points < EPOCHS:
        parser.error(f"--points must be at least {EPOCHS}, one for each epoch")
    found: Found = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(arguments.store or Path(folder))
        os.environ["CIFAR_STORE"] = str(store.root)
        if not (store.root / "runs").exists():
            store.root.mkdir(parents=True, exist_ok=True)
            fill(store, arguments.runs, arguments.points)
        idle = measure_executor(store)
        with without_executor(store):
            live = running_run(store)
            measure_listing(store, found)
            measure_pages(store, found)
            measure_waits(store, found)
            status.write(live.path, status.RunStatus(**status.described("finished"), attempt=1))
    if arguments.json:
        json.dump({"executor, idle": idle, **found}, sys.stdout)
        return
    print(f"{arguments.runs:,} runs of {arguments.points:,} points; {machine.line()}; "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':<16} {'CPU seconds':>26} {'wall seconds':>26}")
    for name, pairs in found.items():
        print(
            f"{name:<16}" + "".join(f" {spread(values):>26}" for values in zip(*pairs, strict=True))
        )
    print(f"executor, idle   {100 * idle:.2f} % of a core over {IDLE_SECONDS:.0f} seconds")


def spread(values: tuple[float, ...]) -> str:
    """Write the median and the extremes."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
