"""Measures a queue of many runs: python -m benchmarks.long_queue [--runs 200].

Makes a store in which these runs wait, behind one that trains, and times what the server computes
for one drawing of the Queue page: on a visit, every three seconds while it is open, and after the
last run was dragged to the front. Then the order is reversed in one act, the most that a person can
ask for. CPU and wall seconds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.many_runs import spread
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.record import status

ROOT = Path(__file__).resolve().parents[1]
LOOKS = 9
MODELS = ("simple_cnn", "resnet18", "vig_nano")


def fill(store: Store, count: int) -> None:
    """Make a run that trains and so many that wait."""
    running = store.create(TrainConfig(data="synthetic"), name="Running")
    files.write_json(
        running.path / "summary.json", {"step": 1, "total_steps": 9, "eta_seconds": 600.0}
    )
    words = status.described("running")
    status.write(running.path, status.RunStatus(**words, attempt=1, device="cpu"))
    for number in range(count):
        config = TrainConfig(model=MODELS[number % 3], data="synthetic", seed=number)
        store.submit(store.create(config, name=f"{config.model} {number}"))


def seconds(work: Callable[..., object], *arguments: Any) -> tuple[float, float]:
    """Return the CPU and the wall seconds that some work takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work(*arguments)
    return time.process_time() - cpu, time.perf_counter() - wall


def page() -> Any:
    """Return the Queue page, ready to be computed."""
    from streamlit import config
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    config.set_option("server.address", "127.0.0.1")  # AppTest has no server to ask
    visit = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
    visit._page_hash = calc_hash("queue")
    return visit


def drawn(visit: Any, runs: int) -> None:
    """Draw the page, and make sure that all runs are in its list."""
    visit.run()
    lists = [one.proto.json for one in visit.get("bidi_component")]
    assert any(text.count('"number"') == runs for text in lists), [
        one.value for one in visit.markdown
    ]


def measure(store: Store, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Time the page and the moves."""
    found: dict[str, list[tuple[float, float]]] = {}
    drawn(page(), runs)  # the program itself is loaded
    for _ in range(LOOKS):
        visit = page()
        found.setdefault("page, visit", []).append(seconds(drawn, visit, runs))
        found.setdefault("page, again", []).append(seconds(drawn, visit, runs))
        seen = [row.id for row in store.queue()]
        dragged = [seen[-1], *seen[:-1]]
        found.setdefault("one drag", []).append(seconds(store.reorder, dragged, seen, dragged[0]))
        found.setdefault("page, after it", []).append(seconds(drawn, visit, runs))
    for _ in range(3):
        seen = [row.id for row in store.queue()]
        found.setdefault("reversed", []).append(seconds(store.reorder, seen[::-1], seen))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CIFAR_STORE"] = folder
        executor = lock.take(Path(folder) / ".executor.lock")  # so that none is started
        fill(store := Store(Path(folder)), runs)
        found = measure(store, runs)
        assert executor is not None
        os.close(executor)
    print(f"{runs:,} waiting runs; {machine.line()}; load average {os.getloadavg()[0]:.1f}")
    print(f"{'':<16} {'CPU seconds':>26} {'wall seconds':>26}")
    for name, pairs in found.items():
        print(
            f"{name:<16}" + "".join(f" {spread(values):>26}" for values in zip(*pairs, strict=True))
        )
    slow = statistics.median(cpu for cpu, _ in found["page, again"])
    print(f"A drawing takes {slow:.3f} CPU seconds, of the 0.3 that it may.")


if __name__ == "__main__":
    main()
