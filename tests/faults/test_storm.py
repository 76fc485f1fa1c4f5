"""Random kill -9 over every kind of process, while a queue is worked off on two slots."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from run_helpers import kill_all, store_without_executor, until
from small_runs import SETTINGS, outcome, trained_here

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store

WEIGHTS = {"trainer": 4, "executor": 3, "shim": 2, "dashboard": 2, "shim and trainer": 1}
# what a dashboard does that is killed and comes back: it makes what is missing, and looks
DASHBOARD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from cifar_core.config import TrainConfig
from cifar_core.runs import Store
store, base = Store(Path(sys.argv[1])), TrainConfig.from_dict(eval(sys.argv[2]))
while len(rows := store.runs()) < int(sys.argv[3]):
    store.create(replace(base, seed=len(rows) % 2))
while True:
    for row in store.runs():
        if row.state == "draft":
            store.submit(store.run(row.id))
        store.run(row.id).metrics()
    time.sleep(0.5)
"""


@pytest.fixture
def undisturbed(tmp_path):
    """Return the rows and the weights of a run that nobody kills, by its seed."""
    with store_without_executor(tmp_path / "quiet") as store:
        return {seed: outcome(trained_here(store, seed=seed)) for seed in (0, 1)}


class Storm:
    """A store under fire, and what was seen of it."""

    def __init__(self, root, runs, seed):
        self.store, self.runs = Store(root), runs
        self.store.root.mkdir()
        self.random = random.Random(seed)
        self.kinds = self.random.sample(list(WEIGHTS), len(WEIGHTS))  # each is struck at least once
        self.kills, self.resumed, self.most_at_once = Counter(), 0, 0
        self.dashboard = self.open_dashboard()

    def open_dashboard(self):
        command = [sys.executable, "-c", DASHBOARD, str(self.store.root), repr(SETTINGS)]
        return subprocess.Popen(
            [*command, str(self.runs)],
            cwd=processes.PACKAGE_ROOT,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    def folders(self):
        """List the folders of all attempts."""
        return [path.parent for path in self.store.root.glob("runs/*/attempts/*/attempt.json")]

    def strike(self):
        """Kill one process of a random kind; what is not there at the moment is not counted."""
        missing = [kind for kind in self.kinds if not self.kills[kind]]
        kind = missing[0] if missing else self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        if kind == "dashboard":
            self.dashboard.kill()
            self.dashboard.wait()
            self.dashboard = self.open_dashboard()
            hit = True
        elif kind == "executor":
            executor = files.read_json(self.store.root / "executor.json")
            hit = lock.send(executor, signal.SIGKILL)
        else:
            hit = self.strike_attempt(kind.split(" and "))
        self.kills[kind] += hit

    def strike_attempt(self, names):
        """Kill the trainer, its shim or both, of one attempt that lives."""
        shims = [files.read_json(folder / "shim.json") for folder in self.folders()]
        alive = [shim for shim in shims if lock.is_same(shim.get(names[0], {}))]
        if not alive:
            return False
        chosen = self.random.choice(alive)
        sent = [lock.send(chosen.get(name, {}), signal.SIGKILL) for name in names]
        return all(sent)

    def watch(self):
        """Look for a slot that two attempts hold at once, resume as a person would, and wait."""
        held = [folder for folder in self.folders() if lock.is_locked(folder / "lock")]
        self.most_at_once = max(self.most_at_once, len(held))
        for first, second in combinations(held, 2):
            one, other = (files.read_json(f / "attempt.json").get("slot") for f in (first, second))
            # once more: the first may have ended before the second began
            if one == other and lock.is_locked(first / "lock"):
                raise AssertionError(f"{first} and {second} both hold {one}")
            assert first.parent != second.parent, f"two attempts of {first.parent} live"
        for row in self.store.runs():
            if row.reason == "crash_loop":  # killed twice before its first checkpoint
                self.store.run(row.id).resume()
                self.resumed += 1
        time.sleep(0.05)

    @property
    def unfinished(self):
        rows = self.store.runs()
        return self.runs - sum(row.state == "finished" for row in rows)

    def close(self):
        """End everything, and return the command lines of whatever is left."""
        self.dashboard.kill()
        self.dashboard.wait()
        self.store.shutdown_executor()
        kill_all(self.store)
        self.store.shutdown_executor()


def processes_of(root):
    """List the processes whose command line names the store."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(root) in words and int(entry.name) != os.getpid():
            found.append(f"{entry.name} {words}")
    return found


@pytest.fixture
def storm(tmp_path, monkeypatch, sized):
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "2")
    storm = Storm(tmp_path / "store", sized(2, 20), seed=8)
    yield storm
    storm.close()


def test_killing_anything_at_random_changes_no_row_and_no_weight(undisturbed, storm, sized):
    wanted = sized(6, int(os.environ.get("CIFAR_FAULTS_KILLS", "200")))
    begin = time.monotonic()
    until(lambda: storm.folders(), seconds=120)
    while storm.kills.total() < wanted and storm.unfinished:
        pause = time.monotonic() + storm.random.uniform(0, 2)
        while time.monotonic() < pause:
            storm.watch()
        storm.strike()
    until(lambda: not storm.unfinished, storm.watch, seconds=sized(300, 3600))
    print(f"\n{storm.kills.total()} kills ({dict(storm.kills)}) over {storm.runs} runs and "
          f"{len(storm.folders())} attempts in {time.monotonic() - begin:.0f} s, "
          f"{storm.resumed} resumed by hand, {storm.most_at_once} at once")  # fmt: skip
    for row in storm.store.runs():
        assert outcome(storm.store.run(row.id)) == undisturbed[row.seed], row.id
    assert storm.most_at_once == 2
    until(lambda: storm.store.index.leases() == {})
    storm.dashboard.kill()
    storm.dashboard.wait()
    storm.store.shutdown_executor()
    until(lambda: processes_of(storm.store.root) == [])
