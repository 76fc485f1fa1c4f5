"""Simulates a cluster of 1,000 nodes: python -m benchmarks.scale [--live 100 1000].

For each number of live runs it makes a store of them, and beside it:
- two processes write what their trainers would write, by the program's own functions and at its
  own intervals: the lock's time, summary.json, a row about the machine, a row of the curves;
- the real executor follows them on a stand-in for Slurm that says at once that all of them run;
- the Runs page and the page of one run are computed by Streamlit's AppTest.
Nothing is trained, and no network is involved: it counts what a file server would be asked.
System calls that name a path are counted by strace, where that is installed and allowed.
"""

import argparse
import heapq
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.dashboard import cpu_seconds
from benchmarks.many_runs import seconds
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs import Run, Store
from cifar_core.runs.backends.backend import Job, Submission
from cifar_core.runs.backends.backends import CLUSTERS
from cifar_core.runs.backends.settings import NAME, BackendSettings, SlurmSettings
from cifar_core.runs.engine.executor import Service
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.machine.rows import MachineRow
from cifar_core.runs.record.machine.rows import path_of as machine_path
from cifar_core.runs.record.records import AttemptPlan, AttemptStart, ShimRecord
from cifar_core.runs.record.signs import interval

ENTRY = str(Path(__file__).resolve().parents[1] / "app" / "streamlit_app.py")
NODES, WRITERS = 1000, 2
ROW_SECONDS = 5.0  # between two rows of the curves: a network of long epochs
SETTLE, WINDOW = 15.0, 20.0  # seconds before it is measured, and while it is
CALLS = "openat,newfstatat,statx,rename,unlink,utimensat,statfs,access,mkdir,getdents64"


class Cluster:
    """Stands in for Slurm: says at once that every run trains on one of its nodes."""

    key, title, slots, doubt_seconds = "slurm", "Slurm", 100_000, 10.0

    def __init__(self, root: Path) -> None:
        self.count, self.questions = os.open(questions_file(root), os.O_RDWR | os.O_CREAT), 0

    def submit(self, submission: Submission) -> None:
        """Start nothing."""

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Say where each of them runs."""
        self.questions += 1
        os.pwrite(self.count, b"%12d" % self.questions, 0)
        return {
            name: Job(found="runs", node=f"node{place % NODES}")
            for place, name in enumerate(attempts)
        }

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """End nothing."""


def questions_file(root: Path) -> Path:
    """Return the file that counts the questions to the cluster, beside the store."""
    return root.with_name("questions")


def fill(store: Store, live: int) -> None:
    """Make a store of runs that train elsewhere: one by the program, the others as its copies."""
    store.root.mkdir()
    files.write_json(store.root / NAME, BackendSettings(slurm=SlurmSettings(slots=100_000)))
    first = store.create(TrainConfig(data="synthetic", epochs=100), name="Live")
    words = status.described("running")
    running = status.RunStatus(**words, attempt=1, device="Slurm node1")
    for number in range(1, live + 1):
        run = first if number == 1 else Run(store.root / "runs" / f"{number}-live")
        if number > 1:
            shutil.copytree(first.path, run.path)
            continue
        folder = metrics.attempt_folder(run.path, 1)
        folder.mkdir(parents=True)
        plan = AttemptPlan(place="slurm", device_reason="A node of the cluster.", at=time.time())
        files.write_json(folder / "attempt.json", plan, durable=False)
        files.write_json(folder / "start.json", AttemptStart(at=time.time()), durable=False)
        files.write_json(folder / "shim.json", ShimRecord(), durable=False)
        (folder / "lock").touch()
        status.write(run.path, running)
    files.write_atomic(store.root / ".last_number", str(live))
    interval.follow(store.root, live)


def write(root: Path, part: int) -> None:
    """Write what a part of the trainers would, until this process is ended."""
    runs = sorted((root / "runs").iterdir())[part::WRITERS]
    signs = interval.OwnInterval(root, "slurm")
    source, now = random.Random(part), time.monotonic()
    due = [
        (now + source.random() * every, place, kind)
        for place in range(len(runs))
        for kind, every in (("sign", signs.seconds), ("row", ROW_SECONDS))
    ]
    heapq.heapify(due)
    root.with_name(f"writes-{part}").touch()
    step = 0
    while True:
        at, place, kind = heapq.heappop(due)
        time.sleep(max(0.0, at - time.monotonic()))
        step += 1
        if kind == "sign":
            sign(runs[place], step)
        else:
            curve = RowWriter(metrics.metrics_path(runs[place], 1))
            curve.add({"kind": "step", "step": step, "epoch": 1.5, "loss": 1.0, "t": time.time()})
        every = signs.seconds if kind == "sign" else ROW_SECONDS
        heapq.heappush(due, (max(at + every, time.monotonic()), place, kind))


def sign(run: Path, step: int) -> None:
    """Show that a trainer lives, as BaseWorker and MachineSampler do."""
    os.utime(metrics.attempt_folder(run, 1) / "lock")
    files.write_json(run / "summary.json", Summary(step=step, seconds=60.0), durable=False)
    row = MachineRow(t=time.time(), cpu=4.0, memory=3e9, memory_used=9e9, disk_free=1e12)
    RowWriter(machine_path(run, 1)).add(files.plain_of(row))


def serve(root: Path) -> None:
    """Be the executor of a store, with the stand-in for Slurm."""
    CLUSTERS["slurm"] = lambda root, _: Cluster(root)
    service = Service(Store(root))
    signal.signal(signal.SIGTERM, lambda *_: service.end())
    service.serve()


@contextmanager
def child(*words: str) -> Iterator[int]:
    """Run a part of this module as a process, and yield its id."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.scale", *words])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


class Counted:
    """How a process is watched over a time: its system calls with a path, and its CPU."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.report = pid, folder / f"strace-{pid}"
        self.start, self.cpu = time.monotonic(), cpu_seconds(pid)
        self.strace: subprocess.Popen[bytes] | None = None
        if shutil.which("strace"):
            self.strace = subprocess.Popen(
                ["strace", "-f", "-c", "-U", "name,calls", "-e", f"trace={CALLS}", "-p", str(pid),
                 "-o", str(self.report)], stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def stop(self) -> tuple[dict[str, float], float]:
        """Return the calls a second by name, and the share of a core."""
        lasted = time.monotonic() - self.start
        share = (cpu_seconds(self.pid) - self.cpu) / lasted
        if self.strace is None:
            return {}, share
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait()
        text = self.report.read_text() if self.report.exists() else ""
        found = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", text, re.M)
        return {name: int(n) / lasted for name, n in found if name != "total"}, share


def page(store: Store, **query: str) -> Any:
    """Return a page that is ready to be computed: that of a run if one is named, else Runs."""
    from streamlit import config
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    config.set_option("server.address", "127.0.0.1")  # AppTest has no server to ask
    os.environ["CIFAR_STORE"] = str(store.root)
    shown: Any = AppTest.from_file(ENTRY, default_timeout=600)
    for name, value in query.items():
        shown.query_params[name] = value
    if query:
        shown._page_hash = calc_hash("run")
    return shown


def pages(store: Store) -> dict[str, tuple[float, float]]:
    """Time the pages while the others are at work: CPU seconds of this process, and seconds."""
    page(store, id="1").run()  # the program itself is loaded
    runs, one = page(store), page(store, id="1")
    found = {
        f"{name}, {visit}": seconds(shown.run)
        for name, shown in (("Runs", runs), ("Run", one))
        for visit in ("first", "later")
    }
    if not runs.get("bidi_component") or not one.tabs or runs.error or one.error:
        raise SystemExit("The pages were not drawn as they should be.")
    return found


def measure(live: int, stretched: bool) -> dict[str, Any]:
    """Simulate a number of live runs; return what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        fill(store, live)
        if not stretched:
            (store.root / interval.NAME).unlink(missing_ok=True)
        root = str(store.root)
        parts = [("--write", root, str(part)) for part in range(WRITERS)]
        with child(*parts[0]) as a, child(*parts[1]) as b:
            if stretched:
                with child("--serve", root) as executor:
                    return watched(store, Path(folder), [a, b], executor)
            return watched(store, Path(folder), [a, b], None)


def watched(store: Store, folder: Path, writers: list[int], executor: int | None) -> dict[str, Any]:
    """Measure for a time what is under way."""
    while len(list(folder.glob("writes-*"))) < WRITERS or (executor and not questions(store)):
        time.sleep(0.2)
    time.sleep(SETTLE)  # the executor reads all runs first, and shows where they are
    begun = [Counted(pid, folder) for pid in [*writers, *([executor] if executor else [])]]
    before = questions(store)
    time.sleep(WINDOW)
    lasted = time.monotonic() - begun[0].start
    asked_a_second = (questions(store) - before) / lasted
    found = [one.stop() for one in begun]
    calls: dict[str, float] = {}
    for of_one, _ in found[: len(writers)]:
        calls |= {name: calls.get(name, 0.0) + n for name, n in of_one.items()}
    of_executor, share = found[len(writers)] if executor else ({}, 0.0)
    return {
        "interval": max(interval.ELSEWHERE, interval.interval(store.root)),
        "trainers' calls a second": calls,
        "trainers' share of a core": sum(share for _, share in found[: len(writers)]),
        "executor's calls a second": of_executor,
        "executor's share of a core": share,
        "questions a second": asked_a_second,
        "pages": pages(store) if executor else {},
    }


def questions(store: Store) -> int:
    """Return how many questions the cluster has been asked so far."""
    path = questions_file(store.root)
    return int(path.read_text() or 0) if path.exists() else 0


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--live", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--unstretched", action="store_true", help="as if signs came every 3 s")
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write(Path(arguments.write[0]), int(arguments.write[1]))
    elif arguments.serve:
        serve(Path(arguments.serve))
    else:
        from benchmarks import machine  # loads torch, which the children do without

        for live in arguments.live:
            found = measure(live, not arguments.unstretched)
            print(f"{live:,} live runs; {machine.line()}; load {os.getloadavg()[0]:.1f}")
            print(json.dumps(rounded(found)), flush=True)


def rounded(values: Any) -> Any:
    """Return measured values with three digits after the point."""
    if isinstance(values, dict):
        return {name: rounded(value) for name, value in values.items()}
    if isinstance(values, tuple):
        return [rounded(value) for value in values]
    return round(values, 3)


if __name__ == "__main__":
    main()
