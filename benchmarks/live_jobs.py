"""Measures the executor with many runs on a cluster: python -m benchmarks.live_jobs [--runs 1000].

Makes a store in which these runs train on a cluster that answers at once, and lets a supervisor go
through its rounds, one a second, as the executor does: with a scan of the store every ten seconds.
While it does, each run gets a new summary every ten seconds. CPU seconds of the supervisor alone.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import machine
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files, lock
from cifar_core.runs import Run, Store
from cifar_core.runs.backends import backends
from cifar_core.runs.backends.backend import Job, Submission
from cifar_core.runs.engine.executor import LOOP_SECONDS
from cifar_core.runs.engine.roster import Roster
from cifar_core.runs.engine.scan_times import SCAN_SECONDS
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.records import AttemptPlan, AttemptStart, ShimRecord

ROUNDS = 31


class Cluster:
    """A cluster on which everything trains."""

    key, title, slots, doubt_seconds = "slurm", "Slurm", 100_000, 10.0

    def submit(self, submission: Submission) -> None:
        """Take it."""

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Return that all run."""
        return dict.fromkeys(attempts, Job(found="runs", node="n1"))

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Do nothing."""


def fill(store: Store, count: int) -> list[Run]:
    """Make runs that train on the cluster."""
    files.write_json(store.root / "backend.json", {"slurm": {}})
    runs = []
    for number in range(count):
        run = store.create(TrainConfig(data="synthetic", seed=number, run_on="slurm"))
        folder = metrics.attempt_folder(run.path, 1)
        folder.mkdir(parents=True)
        (folder / "lock").touch()
        for name, record in (
            ("attempt.json", AttemptPlan(place="slurm")),
            ("start.json", AttemptStart()),
            ("shim.json", ShimRecord()),
        ):
            files.write_json(folder / name, record, durable=False)
        words = status.described("running")
        status.write(run.path, status.RunStatus(**words, attempt=1, device="Slurm n1"))
        runs.append(run)
    return runs


def measure(store: Store, runs: list[Run]) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each round without and with a scan of the store."""
    roster = Roster(store.root, Inventory(devices=[Device(id="cpu", name="a CPU")]))
    chief = Supervisor(store, roster=roster)
    assert len(chief.live) == len(runs)
    chief.step()
    time.sleep(2 * LOOP_SECONDS)  # the folders are old enough to be trusted
    plain, scans = [], []
    for number in range(ROUNDS):
        for run in runs[number % 10 :: 10]:
            files.write_json(run.path / "summary.json", {"step": number}, durable=False)
        scan = number % round(SCAN_SECONDS / LOOP_SECONDS) == 0
        before = time.process_time()
        chief.step(scan=scan)
        (scans if scan else plain).append(time.process_time() - before)
        time.sleep(LOOP_SECONDS)
    assert all(live.state == "running" for live in chief.live.values())
    return plain, scans


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    count = parser.parse_args().runs
    cluster = Cluster()
    backends.CLUSTERS["slurm"] = lambda *_: cluster
    with tempfile.TemporaryDirectory() as folder:
        executor = lock.take(Path(folder) / ".executor.lock")  # so that none is started
        store = Store(Path(folder))
        plain, scans = measure(store, fill(store, count))
        assert executor is not None
        os.close(executor)
    share = (sum(plain) + sum(scans)) / (ROUNDS * LOOP_SECONDS)
    print(f"{count:,} live runs; {machine.line()}; load average {os.getloadavg()[0]:.1f}")
    for name, found in (("round", plain), ("round with a scan", scans)):
        print(f"{name:<18} {1000 * statistics.median(found):6.1f} ms CPU "
              f"({1000 * min(found):.1f} to {1000 * max(found):.1f})")  # fmt: skip
    print(f"A round a second is {share:.1%} of a core, of the 5 % that it may be.")


if __name__ == "__main__":
    main()
