"""A run on two devices whose processes are killed or asked to end gives the same numbers.

The devices are two slots of the CPU, and everything is real: executor, shim, torchrun's agent, two
ranks. `make test` kills one rank once; `make faults` does all that can happen to such a run.
"""

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest
from run_helpers import SMALL, store_with_executor, timeless, until
from small_runs import IS_LONG

from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs.record import metrics
from cifar_core.runs.record.machine import balance

SETTINGS = {
    **SMALL,
    "model": "simple_cnn_dropout",
    "ema_epochs": 0.5,
    "startup": "fast_start",
    "precision": "float32",
    "epochs": 6,
    "devices": 2,
}
PATIENCE = 240.0  # seconds; starting three processes that import torch takes long on a busy machine
RANK, AGENT, SHIM = "rank", "agent", "shim"
KILLED = {"rank 0": 2, "rank 1": 2, AGENT: 2, SHIM: 1}  # and the attempt that finishes the run
ASKED = {"now": "stopped", "epoch": "stopped", "kill": "stopped", "pause": "paused"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store for all cases, with room for two runs of two devices each."""
    root = tmp_path_factory.mktemp("several") / "store"
    with store_with_executor(root) as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_CPU_SLOTS", "4")
        yield store


@pytest.fixture(scope="module")
def undisturbed(store):
    """A run that nobody disturbs; it trains while the first disturbed one does."""
    return started(store)


def started(store):
    run = store.create(TrainConfig(**SETTINGS))
    store.submit(run)
    return run


def processes_of(run):
    """Return the numbers of the living processes of a run, by what they are."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            lines = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if not any(str(run.path).encode() in word for word in words):
            continue
        environment = dict(line.split(b"=", 1) for line in lines if b"=" in line)
        rank = environment.get(b"RANK", b"").decode()
        is_shim = any(word.endswith(b"shim.py") for word in words)
        found[SHIM if is_shim else f"{RANK} {rank}" if rank else AGENT] = int(folder.name)
    return found


def epochs(run):
    return sum(row["kind"] == "epoch" for row in run.metrics())


def trained_some(run):
    """Wait until a run has saved a checkpoint and trains on; return its processes."""
    until(lambda: run.checkpoints() and epochs(run), seconds=PATIENCE)
    found = processes_of(run)
    assert set(found) == {*KILLED}
    return found


def finished(run, attempts):
    until(lambda: run.status.state in ("finished", "failed"), seconds=PATIENCE)
    assert (run.status.state, run.status.attempt) == ("finished", attempts), run.status.message
    return outcome(run)


def outcome(run):
    """Return what must not depend on any fault: the rows, and the bytes of weights and state."""
    last = run.checkpoints()[0]
    names = ("model.safetensors", "state.safetensors")
    sums = [hashlib.sha256((last.path / name).read_bytes()).hexdigest() for name in names]
    return sums, timeless(run.metrics())


def killed(run, what):
    os.kill(trained_some(run)[what], signal.SIGKILL)


def test_a_killed_rank_changes_nothing(store, undisturbed):
    run = started(store)
    killed(run, "rank 1")
    held = metrics.attempt_folder(run.path, 1) / "lock"
    until(lambda: not lock.is_locked(held), seconds=60)
    assert finished(run, 2) == finished(undisturbed, 1)
    assert "signal 9 (SIGKILL)" in run.attempts()[0].ended
    log = (metrics.attempt_folder(run.path, 1) / "log.txt").read_text()
    assert "Another device's process is gone" in log
    even = balance.of_attempt(run.path, 2)
    plan = metrics.attempt_plan(run.path, 2)
    assert [share.device for share in even.shares] == plan.slots
    assert all(0 < share.work < even.seconds for share in even.shares)
    assert files.read_json(run.path / "environment.json")["devices"] == 2


@pytest.mark.skipif(not IS_LONG, reason="make faults")
@pytest.mark.parametrize("what", KILLED)
def test_any_process_may_be_killed(store, undisturbed, what):
    run = started(store)
    at = time.monotonic()
    killed(run, what)
    assert finished(run, KILLED[what]) == finished(undisturbed, 1)
    print(f"kill -9 of {what}: {time.monotonic() - at:.0f} s, {outcome(run)[0][0][:12]}")


@pytest.mark.skipif(not IS_LONG, reason="make faults")
@pytest.mark.parametrize("request_", ASKED)
def test_it_may_be_stopped_and_resumed(store, undisturbed, request_):
    run = started(store)
    trained_some(run)
    at = time.monotonic()
    run.pause() if request_ == "pause" else run.stop(request_)
    until(lambda: run.status.state == ASKED[request_], seconds=PATIENCE)
    took = time.monotonic() - at
    assert processes_of(run) == {}
    run.resume()
    assert finished(run, 2) == finished(undisturbed, 1)
    print(f"{request_}: {took:.1f} s, then {outcome(run)[0][0][:12]}")


@pytest.mark.skipif(not IS_LONG, reason="make faults")
@pytest.mark.parametrize("what", ["rank 0", "rank 1", AGENT, SHIM])
def test_the_system_may_end_any_process(store, undisturbed, what):
    run = started(store)
    os.kill(trained_some(run)[what], signal.SIGTERM)
    assert finished(run, 2) == finished(undisturbed, 1)
    assert "interrupted by the system and saved its state" in run.attempts()[0].ended
    print(f"SIGTERM to {what}: {outcome(run)[0][0][:12]}")
