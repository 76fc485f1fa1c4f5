"""Measures the Runs page with many long runs: python -m benchmarks.many_runs [--runs 1000].

Makes a store of so many runs with 10,000 measured points each (the page must not care), then
times the list alone and the whole page, as the server computes it, CPU and wall. "First" is
without an index, as after an upgrade; "warm" is every later visit; "live" is the look that an
open page takes every three seconds while one run trains.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks import machine
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs import Run, Store
from cifar_core.runs.record import status
from cifar_core.runs.record.summary import fold

ROOT = Path(__file__).resolve().parents[1]
POINTS, EPOCHS, HISTORIES, LOOKS = 10_000, 100, 8, 7
MODELS = ("simple_cnn", "resnet18", "vig_nano")


def history(seed: int) -> list[dict[str, Any]]:
    """Return the rows of a training, as a trainer might have written them."""
    source, rows = random.Random(seed), []
    for point in range(1, POINTS + 1):
        loss = 2.3 / (1 + point / 1500) + source.gauss(0, 0.05)
        rows.append({"kind": "step", "step": 10 * point, "epoch": point * EPOCHS / POINTS,
                     "loss": loss, "accuracy": 1 - loss / 2.4, "learning_rate": 0.1,
                     "grad_norm": 1.0, "images_per_second": 900.0, "t": 1.7e9 + point})  # fmt: skip
        if point % (POINTS // EPOCHS) == 0:
            accuracy = min(0.99, 0.9 - loss / 4 + source.gauss(0, 0.01))
            rows.append({"kind": "epoch", "step": 10 * point, "epoch": point * EPOCHS // POINTS,
                         "train_loss": loss, "train_accuracy": 1 - loss / 2.4, "val_loss": loss,
                         "val_accuracy": accuracy, "best": True, "seconds": 9.0,
                         "cpu_seconds": 9.0, "t": 1.7e9 + point})  # fmt: skip
    return rows


def fill(store: Store, count: int) -> None:
    """Make so many finished runs; runs of one history share its file of rows on the disk."""
    kept = []
    for seed in range(HISTORIES):
        path = store.root / f"history-{seed}.jsonl"
        rows = history(seed)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        kept.append((path, replace(fold(rows, 10 * POINTS), seconds=900.0, test_accuracy=0.8)))
    for number in range(count):
        path, summary = kept[number % HISTORIES]
        config = TrainConfig(model=MODELS[number % 3], learning_rate=0.1 / (1 + number // 5),
                             epochs=EPOCHS, seed=number % 5, data="synthetic")  # fmt: skip
        run = store.create(config, name=f"{config.model} {number}")
        folder = run.path / "attempts" / "1"
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").hardlink_to(path)
        files.write_json(folder / "start.json", {"checkpoint": "", "step": 0}, durable=False)
        files.write_json(folder / "attempt.json", {"device": "cpu", "at": 1.7e9}, durable=False)
        files.write_json(run.path / "summary.json", summary, durable=False)
        data = {"title": "Synthetic shapes", "kind": "synthetic", "source": "synthetic"}
        environment = {"parameters": 94_762, "device": "cpu", "data": data}
        files.write_json(run.path / "environment.json", environment, durable=False)
        status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and the wall seconds that some work takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def page() -> Any:
    """Return the Runs page, ready to be computed."""
    from streamlit.testing.v1 import AppTest

    return AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)


def forget(store: Store) -> None:
    """Remove the index, as if the program were new to the store."""
    for path in store.root.glob("index.db*"):
        path.unlink()


def measure(store: Store, running: Run) -> dict[str, list[tuple[float, float]]]:
    """Time the list and the page."""

    def step() -> None:
        files.write_json(running.path / "summary.json", {"step": time.time_ns()}, durable=False)

    found: dict[str, list[tuple[float, float]]] = {}
    page().run()  # the program itself is loaded
    for _ in range(LOOKS):
        forget(store)
        found.setdefault("list, first", []).append(seconds(store.runs))
        found.setdefault("list, warm", []).append(seconds(store.runs))
        step()
        found.setdefault("list, live", []).append(seconds(store.runs))
        forget(store)
        visit = page()
        found.setdefault("page, first", []).append(seconds(visit.run))
        found.setdefault("page, warm", []).append(seconds(visit.run))
        step()
        found.setdefault("page, live", []).append(seconds(visit.run))
        visit.text_input(key="search").set_value("arch:resnet acc>50 lr<=0.05")
        found.setdefault("page, searched", []).append(seconds(visit.run))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        os.environ["CIFAR_STORE"] = folder
        executor = lock.take(Path(folder) / ".executor.lock")  # so that nobody ends the false run
        fill(store, arguments.runs)
        running = store.create(TrainConfig(data="synthetic"), name="Running")
        words = status.described("running")
        status.write(running.path, status.RunStatus(**words, attempt=1, device="cpu"))
        found = measure(store, running)
        assert executor is not None
        os.close(executor)
    if arguments.json:
        json.dump(found, sys.stdout)
        return
    print(f"{arguments.runs:,} runs of {POINTS:,} points; {machine.line()}; "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':<16} {'CPU seconds':>26} {'wall seconds':>26}")
    for name, pairs in found.items():
        print(
            f"{name:<16}" + "".join(f" {spread(values):>26}" for values in zip(*pairs, strict=True))
        )


def spread(values: tuple[float, ...]) -> str:
    """Write the median and the extremes."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
