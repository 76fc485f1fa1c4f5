"""Measures the Compare page with nine long runs: python -m benchmarks.compare.

Each has 10,000 measured points and answers to 5,000 validation images. "First" is in a process
that has not read the runs' curves and answers yet; "warm" is every later visit; the other lines
are the page's parts, warm, and the comparison of all 36 pairs alone.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.many_runs import LOOKS, POINTS, ROOT, fill, seconds, spread
from cifar_core.disk import files, lock
from cifar_core.runs import Run, Store
from cifar_core.runs.record import checkpoints
from cifar_core.runs.results.comparison import compare_pairs
from cifar_core.runs.results.predictions import Predictions, keep, kept

RUNS, IMAGES, CLASSES = 9, 5000, 10
PARTS = ("Settings", "Classes", "Cost", "All settings")


def answer(run: Run) -> None:
    """Give a run a checkpoint, and answers of which about three quarters are right."""
    import torch

    weights = {"weight": torch.zeros(1)}
    manifest = {"step": 10, "epoch": 1, "attempt": 1, "val_accuracy": 0.7}
    folder = run.path / "checkpoints"
    checkpoints.commit(folder, "10-a1", model=weights, state=weights, manifest=manifest)
    files.write_atomic(run.path / "best", "10-a1")
    source = np.random.default_rng(run.number)
    labels = np.arange(IMAGES) % CLASSES
    logits = source.normal(size=(IMAGES, CLASSES)) + 3 * np.eye(CLASSES)[labels]
    keep(
        Predictions(
            run=run, checkpoint="10-a1", part="val",
            classes=tuple(f"class {k}" for k in range(CLASSES)), indexes=np.arange(IMAGES),
            labels=labels, logits=logits.astype(np.float32),
        )
    )  # fmt: skip


def measure(store: Store) -> dict[str, list[tuple[float, float]]]:
    """Time the page, its parts and the comparison alone."""
    from streamlit import config
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    config.set_option("server.address", "127.0.0.1")  # nobody else can reach it

    def page() -> AppTest:
        visit = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
        visit.query_params["runs"] = ",".join(map(str, range(1, RUNS + 1)))
        visit._page_hash = calc_hash("compare")
        return visit

    AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120).run()
    found = {"first": [seconds(page().run)]}
    for _ in range(LOOKS):
        visit = page()
        found.setdefault("warm", []).append(seconds(visit.run))
        assert "On these images" in visit.subheader[0].value, "the page has no verdict"
    for part in PARTS:
        visit.session_state["parts"] = part
        found[part.lower()] = [seconds(visit.run) for _ in range(LOOKS)]
    answers = [made for n in range(1, RUNS + 1) if (made := kept(store.run(n), "val"))]
    found["36 pairs"] = [seconds(lambda: compare_pairs(answers)) for _ in range(LOOKS)]
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        os.environ["CIFAR_STORE"] = folder
        executor = lock.take(Path(folder) / ".executor.lock")  # so that nobody ends the false runs
        fill(store, RUNS)
        for row in store.runs():
            answer(store.run(row.number))
        found = measure(store)
        assert executor is not None
        os.close(executor)
    print(f"{RUNS} runs of {POINTS:,} points, {IMAGES:,} images; {machine.line()}; "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':<16} {'CPU seconds':>26} {'wall seconds':>26}")
    for name, pairs in found.items():
        columns = [f" {spread(values):>26}" for values in zip(*pairs, strict=True)]
        print(f"{name:<16}" + "".join(columns))


if __name__ == "__main__":
    main()
