import os
import signal
import subprocess
import threading

import pytest
from run_helpers import (
    CPU,
    kill_all,
    lending,
    queued,
    store_without_executor,
    supervisor,
    until,
)

from cifar_core.devices import Device
from cifar_core.disk import files, lock
from cifar_core.runs.backends.backends import Backends
from cifar_core.runs.backends.local import Local
from cifar_core.runs.engine.live_attempts import shim_command
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.record import metrics, status

GPUS = [Device(id="cuda:0", name="first"), Device(id="cuda:1", name="second"), CPU]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def impatient(store):
    """Return backends that give a shim no time to start."""
    return Backends(store.root, Local(start_seconds=0.0))


def start_shim(folder):
    """Start the shim of an attempt; return its exit code."""
    return subprocess.run(shim_command(folder), timeout=10, check=False).returncode


def states(*runs):
    return [run.status.state for run in runs]


def attempt_pid(run, attempt=1):
    folder = metrics.attempt_folder(run.path, attempt)
    until(lambda: "trainer" in files.read_json(folder / "shim.json"))
    return files.read_json(folder / "shim.json")["trainer"]["pid"]


def test_a_queued_run_is_started_and_its_end_is_noticed(store):
    run = queued(store)
    chief = supervisor(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    assert [a.ended_at is not None for a in run.attempts()] == [True]
    assert "fake trainer begins" in run.log_tail()
    assert store.index.leases() == {}


def test_runs_start_in_the_order_of_the_queue_one_for_each_device(store):
    first, second, third = (queued(store) for _ in range(3))
    store.to_front(third)
    assert [row.id for row in store.queue()] == [third.id, first.id, second.id]
    chief = supervisor(store, "obey")
    until(lambda: third.status.state == "running", chief.step)
    assert states(first, second) == ["queued", "queued"]
    assert store.index.leases() == {"cpu": third.id}
    third.stop("now")
    until(lambda: first.status.state == "running", chief.step)
    assert states(second, third) == ["queued", "stopped"]


def test_two_runs_train_on_two_gpus_and_the_third_waits_rather_than_take_the_cpu(store):
    runs = [queued(store) for _ in range(3)]
    chief = supervisor(store, "obey", devices=GPUS)
    until(lambda: states(*runs) == ["running", "running", "queued"], chief.step)
    assert {run.status.device for run in runs[:2]} == {"cuda:0", "cuda:1"}


def test_a_run_for_the_cpu_does_not_wait_behind_runs_for_the_gpu(store):
    runs = [queued(store, device=wanted) for wanted in ("cuda:1", "cuda:1", "cpu")]
    chief = supervisor(store, "obey", devices=GPUS)
    until(lambda: states(*runs) == ["running", "queued", "running"], chief.step)


def test_two_runs_for_the_cpu_share_it_where_it_has_two_places(store):
    places = [CPU, Device(id="cpu:1", name="a CPU")]
    runs = [queued(store, device=wanted) for wanted in ("cpu", "auto", "cpu")]
    chief = supervisor(store, "obey", devices=places)
    until(lambda: states(*runs) == ["running", "running", "queued"], chief.step)
    assert {run.status.device for run in runs[:2]} == {"cpu", "cpu:1"}
    plan = files.read_json(metrics.attempt_folder(runs[1].path, 1) / "attempt.json")
    assert (plan["slot"], plan["device"]) == ("cpu:1", "cpu")


def test_a_run_for_a_device_that_is_not_there_fails_with_advice(store):
    run = queued(store, device="cuda")
    supervisor(store, "obey").step()
    assert (run.status.state, run.status.reason) == ("failed", "device")
    assert "This machine has: cpu" in run.status.message


def test_starting_twice_launches_once(store):
    run = queued(store)
    threads = [threading.Thread(target=store.submit, args=(run,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    store.submit(run)
    run.resume()
    chief.step()
    assert metrics.attempt_numbers(run.path) == [1]


def test_a_second_start_of_the_same_attempt_is_refused(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    pid = attempt_pid(run)
    assert start_shim(metrics.attempt_folder(run.path, 1)) == 73
    assert attempt_pid(run) == pid


def test_a_run_that_dies_once_is_tried_again(store):
    run = queued(store)
    chief = supervisor(store, "die_once")
    until(lambda: run.status.state == "running" and run.status.attempt == 2, chief.step)
    assert run.attempts()[0].ended.startswith("Attempt 1 ended with code 3")


def test_two_deaths_in_a_row_without_a_checkpoint_are_a_crash_loop(store):
    run = queued(store)
    chief = supervisor(store, "die")
    until(lambda: run.status.state == "failed", chief.step)
    assert run.status.reason == "crash_loop"
    assert metrics.attempt_numbers(run.path) == [1, 2]
    run.resume()
    assert (run.status.state, run.status.deaths) == ("queued", 0)


def test_a_trainer_killed_from_outside_is_named_with_its_signal(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    os.kill(attempt_pid(run), signal.SIGKILL)
    until(lambda: run.status.attempt == 2, chief.step)
    assert "signal 9 (SIGKILL)" in run.attempts()[0].ended


def test_the_shim_killed_too_is_noticed(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    shim = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["shim"]
    os.kill(shim["pid"], signal.SIGKILL)
    chief.step()
    assert run.status.state == "running"  # the trainer lives and holds the lock
    os.kill(attempt_pid(run), signal.SIGKILL)
    until(lambda: run.status.attempt == 2, chief.step)
    assert "its shim" in run.attempts()[0].ended


def test_a_stopped_process_is_alive_however_long_it_is_silent(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    os.kill(attempt_pid(run), signal.SIGSTOP)
    chief.backends.local.start_seconds = 0.0
    for _ in range(20):
        chief.step()
    assert run.status.state == "running"
    os.kill(attempt_pid(run), signal.SIGCONT)


def test_a_new_supervisor_adopts_what_the_last_one_started(store):
    run = queued(store)
    first = supervisor(store, "obey")
    until(lambda: run.status.state == "running", first.step)
    second = supervisor(store, "obey")
    second.step()
    assert metrics.attempt_numbers(run.path) == [1]
    assert store.index.leases() == {"cpu": run.id}
    run.stop("now")
    until(lambda: run.status.state == "stopped", second.step)


def test_an_attempt_that_was_never_launched_is_given_up_and_tried_again(store):
    run = queued(store)
    status.move(run.path, ("queued",), "starting", attempt=1, device="cpu")
    chief = supervisor(store, "obey", backends=impatient(store))
    chief.step()
    assert "never began" in run.attempts()[0].ended
    assert run.status.deaths == 0  # it was not the run's fault
    chief.backends.local.start_seconds = 60.0
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.attempt == 2


def test_a_late_shim_finds_that_it_was_given_up(store):
    run = queued(store)
    status.move(run.path, ("queued",), "starting", attempt=1, device="cpu")
    chief = supervisor(store, "obey", backends=impatient(store))
    chief.look()
    chief.observe(chief.live[run.id])
    folder = metrics.attempt_folder(run.path, 1)
    assert start_shim(folder) == 73
    assert "trainer" not in files.read_json(folder / "shim.json")


def test_stop_now_is_followed_by_an_obedient_trainer(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    run.stop("now")
    chief.update(chief.live[run.id])
    assert run.status.state == "stopping"
    assert run.status.deadline > run.status.since
    assert run.status.message == "Stopping after saving a checkpoint."
    until(lambda: run.status.state == "stopped", chief.step)


def test_pause_frees_the_device_and_resume_takes_it_again(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    run.pause()
    until(lambda: run.status.state == "paused", chief.step)
    assert store.index.leases() == {}
    run.resume()
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.attempt == 2


@pytest.mark.parametrize("mode", ["only_sigterm", "stubborn"])
def test_a_request_that_is_not_followed_is_put_more_strongly(store, mode):
    run = queued(store)
    chief = supervisor(store, mode, grace_seconds=0.3)
    until(lambda: run.status.state == "running", chief.step)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    ended = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["ended"]
    assert ended["signal"] == (signal.SIGKILL if mode == "stubborn" else None)


def test_kill_does_not_wait(store):
    run = queued(store)
    chief = supervisor(store, "stubborn", grace_seconds=1000)
    until(lambda: run.status.state == "running", chief.step)
    run.stop("epoch")
    chief.step()
    assert run.status.message == "Stopping at the end of this epoch."
    run.stop("kill")
    until(lambda: run.status.state == "stopped", chief.step)
    assert "A stop had been requested" in run.status.message


def test_a_forged_identity_is_never_signaled(store):
    run = queued(store)
    chief = supervisor(store, "obey", grace_seconds=0.0)
    until(lambda: run.status.state == "running", chief.step)
    pid = attempt_pid(run)
    path = metrics.attempt_folder(run.path, 1) / "shim.json"
    true = files.read_json(path)
    forged = {**true, "trainer": {**true["trainer"], "start": "1"}}
    files.write_json(path, forged)
    chief.backends.local.end("", path.parent, hard=True)
    os.kill(pid, 0)  # raises if it were gone
    assert lock.is_locked(path.with_name("lock"))
    files.write_json(path, true)


def test_a_diverged_run_suggests_a_tenth_of_its_learning_rate(store):
    run = queued(store, learning_rate=0.5)
    chief = supervisor(store, "diverge")
    until(lambda: run.status.state == "failed", chief.step)
    assert run.status.reason == "diverged"
    assert run.status.suggestion == {"learning_rate": 0.05}
    assert run.status.action == "Clone it with learning_rate 0.05."


def test_a_damaged_status_of_a_living_run_is_written_anew(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    (run.path / "status.json").write_text('{"state": "runn')
    assert run.status.reason == "damaged"
    chief.step()
    assert (run.status.state, run.status.attempt, run.status.device) == ("running", 1, "cpu")


def test_a_device_is_never_lent_twice_even_if_the_index_is_deleted_meanwhile(store):
    first, second = queued(store), queued(store)
    chief = supervisor(store, "obey")
    until(lambda: first.status.state == "running", chief.step)
    assert not store.index.lease(["cpu"], second.id, 1)
    (store.root / "index.db").unlink()
    chief.step()
    assert second.status.state == "queued"


def test_what_a_trainer_leaves_running_is_ended_with_it(store):
    run = queued(store)

    def command(run, attempt):
        return ["sh", "-c", "sleep 1000 & exit 3"]

    chief = Supervisor(store, command=command, roster=lending(store, CPU))
    until(lambda: run.status.state == "failed", chief.step)
    ended = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["ended"]
    assert ended["orphans"] == 1


def test_a_command_that_does_not_exist_is_said(store):
    run = queued(store)
    chief = Supervisor(store, command=lambda *_: ["/no/such/program"], roster=lending(store, CPU))
    until(lambda: run.status.state == "failed", chief.step)
    assert run.status.reason == "never_started"
    assert "No such file" in run.status.message
    kill_all(store)
