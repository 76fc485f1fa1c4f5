"""The failure table of runs on a cluster, on one that fails on command: a test for each row."""

import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest
from fake_engine import FakeEngine
from run_helpers import queued, store_without_executor, supervisor, until

from cifar_core.disk import files, lock
from cifar_core.errors import DiskFullError
from cifar_core.runs.backends import backends
from cifar_core.runs.backends.backend import FullError, NoAnswerError
from cifar_core.runs.engine import lending
from cifar_core.runs.engine.live_attempts import shim_command
from cifar_core.runs.record import metrics, status


@pytest.fixture
def engine(monkeypatch):
    engine = FakeEngine()
    monkeypatch.setitem(backends.CLUSTERS, "slurm", lambda root, settings: engine)
    yield engine
    engine.close()


@pytest.fixture
def store(tmp_path, engine):
    with store_without_executor(tmp_path / "store") as store:
        files.write_json(store.root / "backend.json", {"slurm": {}})
        yield store


def chief_of(store, mode="obey", **options):
    """Return a supervisor that asks the cluster at each step."""
    return supervisor(store, mode, **{"look_seconds": 0.0, "quiet_seconds": 0.0, **options})


def there(store, **settings):
    """Return a new run that waits for the cluster."""
    return queued(store, run_on="slurm", **settings)


def name_of(run, attempt=1):
    return metrics.attempt_plan(run.path, attempt).job


def folder_of(run, attempt=1):
    return metrics.attempt_folder(run.path, attempt)


def running(store, mode="obey", **options):
    """Return a run that trains on the cluster, and its supervisor."""
    run, chief = there(store), chief_of(store, mode, **options)
    until(lambda: run.status.state == "running", chief.step)
    return run, chief


def stays(run, chief, state, steps=5):
    """Assert that a run stays in a state and in its attempt."""
    before = run.status.attempt
    for _ in range(steps):
        chief.step()
    assert (run.status.state, run.status.attempt) == (state, before)


def test_a_run_trains_on_the_cluster_and_its_end_is_noticed(store):
    run, chief = there(store), chief_of(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    assert metrics.attempt_numbers(run.path) == [1]
    assert (run.status.device, run.status.unanswered) == ("", 0)
    assert store.index.leases() == {}


def test_its_plan_names_no_device_and_no_executor_of_this_machine(store):
    run, _ = running(store)
    plan = metrics.attempt_plan(run.path, 1)
    assert (plan.place, plan.device, plan.slots) == ("slurm", "", [])
    assert (plan.executor, plan.executor_lock) == ([], "")
    assert run.status.device == "Slurm n1"


def test_an_executor_that_dies_before_it_submits_leaves_no_attempt_behind(store, engine):
    run, first = there(store), chief_of(store)
    engine.dies = "before"
    with suppress(SystemExit):
        first.step()
    engine.dies = ""
    second = chief_of(store)
    until(lambda: run.status.state == "running", second.step)
    assert engine.submitted == [name_of(run, 2)]
    assert run.attempts()[0].ended == (
        "Attempt 1 never began: Slurm does not have it. It is tried again, from its last "
        "checkpoint if it has one."
    )
    assert run.status.deaths == 0


def test_an_executor_that_dies_after_it_submitted_is_followed_by_one_that_finds_the_job(
    store, engine
):
    run, first = there(store), chief_of(store)
    engine.dies, engine.runs_at_once = "after", False
    with suppress(SystemExit):
        first.step()
    engine.dies = ""
    second = chief_of(store)
    stays(run, second, "starting")
    engine.run(name_of(run))
    until(lambda: run.status.state == "running", second.step)
    assert engine.submitted == [name_of(run)]


def test_a_new_executor_finds_a_run_that_trains_and_its_node_while_no_one_answers(store, engine):
    run, _ = running(store)
    engine.is_down = True
    second = chief_of(store)
    stays(run, second, "running")
    assert run.status.device == "Slurm n1"
    engine.is_down = False
    stays(run, second, "running")
    assert engine.submitted == [name_of(run)]


def test_a_trainer_that_dies_is_tried_again(store, engine):
    run, chief = running(store, "die_once")
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    assert run.attempts()[0].ended.startswith("Attempt 1 ended with code 3")
    assert engine.submitted == [name_of(run, 1), name_of(run, 2)]


def test_a_run_goes_on_without_its_shim_whatever_the_cluster_says(store, engine):
    run, chief = running(store)
    trainer = engine.trainer(name_of(run))
    engine.jobs[name_of(run)].shim.kill()
    engine.jobs[name_of(run)].shim.wait()
    stays(run, chief, "running")
    os.killpg(trainer["pid"], signal.SIGKILL)
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)


def test_a_node_that_dies_is_named_in_the_words_of_the_cluster(store, engine):
    run, chief = running(store)
    engine.cut_power(name_of(run))
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    assert run.attempts()[0].ended.startswith(
        "Attempt 1 and its shim were ended from outside, as by a restart. Slurm says NODE_FAIL."
    )


def test_a_cluster_that_does_not_answer_changes_no_state(store, engine):
    run, chief = running(store)
    engine.is_down = True
    stays(run, chief, "running")
    assert time.time() - 10 < run.status.unanswered <= time.time()
    assert run.status.device == "Slurm n1"
    since = run.status.since
    engine.is_down = False
    chief.step()
    assert (run.status.unanswered, run.status.state, run.status.since) == (0, "running", since)


def test_a_short_silence_is_not_shown(store, engine):
    run, chief = running(store, quiet_seconds=60.0)
    engine.is_down = True
    stays(run, chief, "running")
    assert run.status.unanswered == 0


def test_a_run_stops_by_its_own_file_while_the_cluster_does_not_answer(store, engine):
    run, chief = running(store)
    engine.is_down = True
    chief.step()
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert (run.status.unanswered, engine.ended) == (0, [])


def test_while_it_does_not_answer_no_run_is_handed_over(store, engine):
    _, chief = running(store)
    engine.is_down = True
    other = there(store)
    chief.step()
    assert (other.status.state, other.status.message) == (
        "queued",
        "Waiting until Slurm answers.",
    )
    engine.is_down = False
    until(lambda: other.status.state == "running", chief.step)


def test_a_job_that_was_forgotten_goes_on_while_its_lock_is_held(store, engine):
    run, chief = running(store)
    trainer = engine.trainer(name_of(run))
    job = engine.forget(name_of(run))
    stays(run, chief, "running")
    job.shim.kill()
    os.killpg(trainer["pid"], signal.SIGKILL)
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    engine.close(job)


def test_that_a_job_is_gone_is_doubted_for_a_while(store, engine):
    engine.runs_at_once = False
    run, chief = there(store), chief_of(store)
    chief.step()
    engine.doubt_seconds = 1000.0
    job = engine.forget(name_of(run))
    stays(run, chief, "starting")
    engine.jobs[name_of(run)] = job  # it was only late to be listed
    engine.run(name_of(run))
    until(lambda: run.status.state == "running", chief.step)
    assert metrics.attempt_numbers(run.path) == [1]


def test_one_answer_that_it_is_gone_is_not_made_older_by_silence(store, engine):
    engine.runs_at_once, engine.doubt_seconds = False, 0.05
    run, chief = there(store), chief_of(store)
    chief.step()
    job = engine.forget(name_of(run))
    chief.step()
    engine.is_down = True
    time.sleep(0.1)
    stays(run, chief, "starting")
    engine.is_down = False
    chief.step()
    assert run.status.attempt == 1
    engine.jobs[name_of(run)] = job


def test_a_shim_that_starts_after_its_attempt_was_given_up_trains_nothing(store, engine):
    engine.runs_at_once = False
    run, chief = there(store), chief_of(store)
    chief.step()
    late = engine.forget(name_of(run))
    engine.runs_at_once = True
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    engine.jobs[name_of(run)] = late
    engine.run(name_of(run))
    assert late.shim.wait(timeout=20) == 73
    assert not (folder_of(run) / "start.json").exists()
    assert run.attempts()[0].ended.startswith(
        "Attempt 1 could not be started: Slurm no longer has it."
    )


def test_the_words_of_the_cluster_are_shown_while_a_job_waits(store, engine):
    engine.runs_at_once = False
    run, chief = there(store), chief_of(store)
    chief.step()
    chief.step()
    assert run.status.state == "starting"
    assert run.status.message == "Slurm says: waits for Resources."
    assert run.status.device == "Slurm"
    assert not any(live.is_moving for live in chief.live.values())
    engine.jobs[name_of(run)].words = "Slurm says: waits for Priority."
    chief.step()
    assert run.status.message == "Slurm says: waits for Priority."


def test_a_job_that_is_refused_fails_at_once_with_the_reason(store, engine):
    engine.refuses = OSError("sbatch: error: invalid partition specified: gpuu")
    run, chief = there(store), chief_of(store)
    chief.step()
    assert (run.status.state, run.status.reason) == ("failed", "never_started")
    assert run.status.message == (
        "Attempt 1 could not be started: sbatch: error: invalid partition specified: gpuu."
    )
    assert engine.questions == 0


def test_a_cluster_that_takes_no_more_is_asked_again_later(store, engine, monkeypatch):
    engine.refuses = FullError("Slurm takes no more jobs of yours: QOSMaxSubmitJobPerUserLimit.")
    first, second, chief = there(store), there(store), chief_of(store)
    chief.step()
    for run in (first, second):
        assert (run.status.state, run.status.message) == ("queued", str(engine.refuses))
        assert (metrics.attempt_numbers(run.path), run.status.attempt) == ([], 0)
    engine.refuses = None
    chief.step()
    assert first.status.state == "queued"
    chief.full.clear()  # its time is over
    until(lambda: first.status.state == second.status.state == "running", chief.step)


@pytest.mark.parametrize("has_it", [True, False])
def test_whether_a_job_was_submitted_without_an_answer_is_asked_later(store, engine, has_it):
    run, chief = there(store), chief_of(store)
    engine.refuses = NoAnswerError("sbatch did not answer within 20 s")
    engine.is_down = True
    chief.step()
    chief.step()
    assert (run.status.state, run.status.deaths) == ("starting", 0)
    assert run.status.unanswered > 0
    engine.refuses, engine.is_down = None, False
    if has_it:
        engine.submit(chief_submission(chief, run))
    until(lambda: run.status.state == "running", chief.step)
    assert (run.status.attempt, run.status.deaths) == (1 if has_it else 2, 0)


def chief_submission(chief, run):
    from cifar_core.runs.engine.live_attempts import submission_of

    return submission_of(chief.live[run.id])


def test_a_time_limit_or_a_preemption_uses_no_retry(store, engine):
    run, chief = running(store, "saves_when_preempted")
    for attempt in (1, 2, 3):
        engine.trainer(name_of(run, attempt))
        engine.preempt(name_of(run, attempt))
        until(
            lambda n=attempt: run.status.attempt == n + 1 and run.status.state == "running",
            chief.step,
        )
    assert run.status.deaths == 0
    assert run.attempts()[0].ended == (
        "Attempt 1 was interrupted by the system and saved its state. Slurm says TIMEOUT. It "
        "continues from there."
    )


def test_a_full_disk_holds_up_only_the_run_that_it_concerns(store, engine, monkeypatch):
    run, chief = running(store)
    other = there(store)
    until(lambda: other.status.state == "running", chief.step)
    write = files.write_json

    def full(path, values, **options):
        if path == run.path / "attempts" / "1" / "end.json":
            raise DiskFullError("a small file", 1000, 0)
        write(path, values, **options)

    monkeypatch.setattr(files, "write_json", full)
    for one in (run, other):
        one.stop("now")
    until(lambda: other.status.state == "stopped", chief.step)
    # its trainer may have ended between two looks, so that it was never seen to be stopping
    assert run.status.state in ("running", "stopping")
    monkeypatch.undo()
    until(lambda: run.status.state == "stopped", chief.step)


def test_no_death_counts_if_the_disk_is_full_before_it_is_submitted(store, engine, monkeypatch):
    run, chief = there(store), chief_of(store)
    write = files.write_json

    def full(path, values, **options):
        if path.parent.name == "1":
            raise DiskFullError("a small file", 1000, 0)
        write(path, values, **options)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_json", full)
        with suppress(OSError):
            chief.step()
    files.write_json(store.root / "backend.json", {"slurm": {}})
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.deaths == 0


def test_no_more_runs_are_handed_over_than_the_cluster_takes(store, engine):
    engine.slots = 2
    runs, chief = [there(store) for _ in range(3)], chief_of(store)
    until(lambda: [run.status.state for run in runs[:2]] == ["running"] * 2, chief.step)
    assert runs[2].status.message == "Waiting until Slurm has fewer than 2 runs of this store."
    runs[0].stop("now")
    until(lambda: runs[2].status.state == "running", chief.step)
    assert len(engine.submitted) == 3


def test_live_runs_are_looked_after_while_many_are_handed_over(store, engine, monkeypatch):
    monkeypatch.setattr(lending, "SUBMIT_SECONDS", -1.0)  # the time is always up
    run, chief = there(store), chief_of(store)
    assert chief.step()
    assert (run.status.state, chief.has_more) == ("queued", True)
    monkeypatch.setattr(lending, "SUBMIT_SECONDS", 10.0)
    chief.step(scan=False)
    assert run.status.state == "starting"
    assert not chief.has_more


@pytest.mark.parametrize(
    ("request_", "state"),
    [("now", "stopped"), ("kill", "stopped"), ("epoch", "stopped"), ("pause", "paused")],
)
def test_a_request_to_a_run_that_waits_in_the_queue_cancels_it_at_once(
    store, engine, request_, state
):
    engine.runs_at_once = False
    run, chief = there(store), chief_of(store, look_seconds=0.05)
    chief.step()
    if request_ == "pause":
        run.pause()
    else:
        run.stop(request_)
    chief.step()
    assert engine.ended == [(name_of(run), request_ == "kill")]
    until(lambda: run.status.state == state, chief.step)
    word = "stop" if state == "stopped" else "pause"
    assert run.status.message == (
        f"Attempt 1 never began: it was taken back from Slurm. A {word} had been requested."
    )
    assert len(engine.ended) == 1


def test_a_run_is_not_kept_by_a_queue_that_ends_its_job_only_when_its_turn_comes(store, engine):
    engine.runs_at_once = False
    run, chief = there(store), chief_of(store, look_seconds=0.05, grace_seconds=0.2)
    chief.step()
    engine.end = lambda name, folder, *, hard: engine.ended.append((name, hard))  # it stays
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert "it was taken back from Slurm" in run.status.message
    folder = metrics.attempt_folder(run.path, 1)
    assert subprocess.run(shim_command(folder), timeout=20, check=False).returncode == 73


def test_a_request_that_cannot_be_passed_on_is_shown_and_repeated_at_intervals(store, engine):
    run, chief = running(store, "stubborn", look_seconds=0.2)
    calls = []

    def fails(name, folder, *, hard):
        calls.append(hard)
        raise OSError("scancel: error: Unable to contact slurm controller")

    engine.end = fails
    run.stop("kill")
    begun = time.monotonic()
    until(lambda: len(calls) == 2, chief.step)
    assert time.monotonic() - begun >= 0.2
    assert run.status.state == "stopping"
    assert run.status.message == (
        "Being stopped without a checkpoint. Slurm could not be asked to end it: scancel: error: "
        "Unable to contact slurm controller. It is asked again every 0.2 s."
    )
    del engine.end
    until(lambda: run.status.state == "stopped", chief.step)


def test_a_cluster_that_does_not_answer_a_stop_holds_up_no_other_one(store, engine):
    runs, chief, calls = [there(store) for _ in range(3)], chief_of(store, "stubborn"), []
    until(lambda: [run.status.state for run in runs] == ["running"] * 3, chief.step)

    def hangs(name, folder, *, hard):
        calls.append(name)
        raise NoAnswerError("scancel did not answer within 10 seconds")

    engine.end = hangs
    for run in runs:
        run.stop("kill")
    for _ in range(5):
        chief.step()
    assert len(calls) == 1
    assert "did not answer" in runs[2].status.message
    chief.deaf_until.clear()
    del engine.end
    until(lambda: [run.status.state for run in runs] == ["stopped"] * 3, chief.step)


def test_a_cluster_that_was_removed_is_not_taken_for_a_failure(store, engine):
    run, chief = running(store)
    waiting = there(store)
    files.write_json(store.root / "backend.json", {})
    stays(run, chief, "running")
    assert run.status.unanswered == 0  # the executor still asks it
    assert waiting.status.state == "queued"
    assert waiting.status.message == (
        "Slurm is not set up in this store. An admin can set it up; or choose another place for "
        "the run to train."
    )
    files.write_json(store.root / "backend.json", {"slurm": {}})
    until(lambda: waiting.status.state == "running", chief.step)
    assert (run.status.state, run.status.unanswered) == ("running", 0)


def test_one_question_is_asked_for_all_runs_and_not_more_often_than_agreed(store, engine):
    runs, chief = [there(store) for _ in range(3)], chief_of(store, look_seconds=1000.0)
    until(lambda: [run.status.state for run in runs] == ["running"] * 3, chief.step)
    for _ in range(10):
        chief.step()
    assert engine.questions == 1
    assert [run.status.device for run in runs] == ["Slurm n1"] * 3


def test_an_end_is_seen_without_a_question(store, engine):
    run, chief = running(store, look_seconds=1000.0)
    before = engine.questions
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert engine.questions == before


def test_a_damaged_status_of_a_run_whose_lock_cannot_be_seen_is_written_again(store, engine):
    run, chief = running(store)
    (folder_of(run) / "lock").unlink()  # as if the file system showed no locks of other machines
    (run.path / "status.json").write_text('{"state": "runn')
    chief.step()
    assert (run.status.state, run.status.attempt) == ("running", 1)


def test_a_second_start_of_the_same_attempt_is_refused_there_too(store, engine):
    run, _ = running(store)
    pid = engine.trainer(name_of(run))["pid"]
    engine.jobs["again"] = engine.jobs[name_of(run)]
    shim = engine.jobs[name_of(run)].shim
    engine.run(name_of(run))
    assert engine.jobs[name_of(run)].shim.wait(timeout=20) == 73
    engine.jobs[name_of(run)].shim = shim
    assert engine.trainer(name_of(run))["pid"] == pid
    assert lock.is_locked(folder_of(run) / "lock")
    assert shim_command(folder_of(run)) == engine.jobs[name_of(run)].submission.command
    assert status.read(run.path).state == "running"
