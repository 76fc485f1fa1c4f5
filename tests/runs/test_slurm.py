"""Slurm through its own commands: real ones would be these scripts, which start real shims."""

import json
import os
import signal
import time

import fake_slurm
import pytest
from run_helpers import queued, store_without_executor, supervisor, until

from cifar_core.disk import files, lock
from cifar_core.people import ADMIN, Person
from cifar_core.runs.backends import settings, slurm_calls, slurm_jobs
from cifar_core.runs.backends.backend import FullError, NoAnswerError, Submission
from cifar_core.runs.backends.backends import Backends, check
from cifar_core.runs.backends.cluster import Cluster
from cifar_core.runs.backends.settings import SlurmSettings
from cifar_core.runs.backends.slurm import Slurm
from cifar_core.runs.record import metrics

ANN = Person(name="ann", role=ADMIN)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Return the folder of a fake Slurm whose commands are on the PATH."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{fake_slurm.install(folder)}:{os.environ['PATH']}")
    monkeypatch.setattr(Cluster, "doubt_seconds", 0.3)
    yield folder
    for job in fake_slurm.jobs(folder):
        if job["state"] == "RUNNING":
            os.kill(job["pid"], signal.SIGKILL)


@pytest.fixture
def store(tmp_path, slurm):
    with store_without_executor(tmp_path / "100%") as store:
        settings.set_up(store.root, ANN, SlurmSettings(partition="gpu", gpus=2, cores=3))
        yield store


def chief_of(store, mode, **options):
    """Return a supervisor that asks Slurm at each step."""
    chief = supervisor(store, mode, look_seconds=0.0, quiet_seconds=0.0, **options)
    chief.backends.get("slurm").asking.every = 0.0
    return chief


def calls(folder, command):
    """Return the arguments of the calls of a command."""
    lines = (folder / "calls").read_text().splitlines()
    return [words[1:] for words in map(json.loads, lines) if words[0] == command]


def started(store, slurm, mode, **more):
    """Return a supervisor, and a run of its that runs in Slurm."""
    run = queued(store, run_on="slurm", **more)
    chief = chief_of(store, mode)
    until(lambda: run.status.state == "running", chief.step)
    return chief, run


def trainer_of(run, attempt=1):
    return files.read_json(metrics.attempt_folder(run.path, attempt) / "shim.json")["trainer"]


def change(slurm, **changes):
    """Change the only job, as Slurm sees it."""
    (job,) = fake_slurm.jobs(slurm)
    fake_slurm.save(slurm, job, **changes)


def test_a_run_is_trained_by_slurm_from_its_own_folder(store, slurm):
    run = queued(store, run_on="slurm", devices=2)
    chief = chief_of(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    assert "fake trainer begins" in run.log_tail()
    (words,) = calls(slurm, "sbatch")
    assert {"--no-requeue", "--export=NIL", "--signal=B:TERM@120", "--open-mode=append",
            "--partition=gpu", "--gres=gpu:4", "--cpus-per-task=6", "--nodes=1",
            "--dependency=singleton"} <= set(words)  # fmt: skip
    assert len(run.attempts()) == 1
    assert run.status.device == ""


def test_the_page_shows_where_it_runs(store, slurm):
    _, run = started(store, slurm, "obey")
    assert run.status.device == "Slurm n1"


def test_a_job_that_waits_shows_slurms_reason_and_its_guess(store, slurm):
    (slurm / "busy").touch()
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "finish")
    waiting = "Waits in Slurm's queue (Resources: no node is free for it)."
    until(lambda: run.status.message == waiting, chief.step)
    assert run.status.state == "starting"
    change(slurm, reason="Priority", start=str(int(time.time()) + 7200))
    until(lambda: "Priority" in run.status.message, chief.step)
    assert "Slurm expects it to start" in run.status.message
    (job,) = fake_slurm.jobs(slurm)
    fake_slurm.start(slurm, job)
    until(lambda: run.status.state == "finished", chief.step)


def test_a_job_that_waits_is_canceled_at_once_without_doubt(store, slurm, monkeypatch):
    monkeypatch.setattr(Cluster, "doubt_seconds", 1000.0)
    (slurm / "busy").touch()
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "finish", grace_seconds=1000.0)
    until(lambda: "Resources" in run.status.message, chief.step)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert [job["state"] for job in fake_slurm.jobs(slurm)] == ["CANCELLED"]


def test_a_trainer_that_ignores_a_request_gets_sigterm_through_slurm(store, slurm):
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "only_sigterm", grace_seconds=2.0)
    until(lambda: run.status.state == "running", chief.step)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    ends = [[w for w in words if w.startswith(("--signal", "--batch"))]
            for words in calls(slurm, "scancel")]  # fmt: skip
    assert ends[:2] == [[], ["--signal=TERM", "--batch"]]


def test_a_stubborn_trainer_is_killed_with_its_shim(store, slurm):
    chief, run = started(store, slurm, "stubborn")
    trainer = trainer_of(run)
    run.stop("kill")
    until(lambda: run.status.state == "stopped", chief.step)
    until(lambda: not fake_slurm.is_alive(trainer["pid"]))


def test_a_time_limit_ends_in_the_queue_with_its_reason_and_costs_no_try(store, slurm):
    chief, run = started(store, slurm, "saves_when_preempted")
    change(slurm, left="1:58")
    until(lambda: chief.live[run.id].job.words, chief.step)
    os.kill(fake_slurm.jobs(slurm)[0]["pid"], signal.SIGTERM)
    (slurm / "busy").touch()  # so that the next attempt waits
    until(lambda: run.status.attempt == 2, chief.step)
    (first, _) = run.attempts()
    assert "interrupted by the system and saved its state" in first.ended
    assert "The time limit of its job in Slurm was" in first.ended
    assert run.status.deaths == 0


def test_a_preemption_ends_in_the_queue_with_its_reason(store, slurm):
    chief, run = started(store, slurm, "saves_when_preempted")
    (slurm / "busy").touch()
    pid = fake_slurm.jobs(slurm)[0]["pid"]
    change(slurm, state="PREEMPTED")
    os.kill(pid, signal.SIGTERM)
    until(lambda: run.status.attempt == 2, chief.step)
    assert "preemption" in run.attempts()[0].ended
    assert run.status.deaths == 0


def test_a_lost_node_is_believed_once_nothing_holds_the_lock(store, slurm):
    chief, run = started(store, slurm, "obey")
    pid, trainer = fake_slurm.jobs(slurm)[0]["pid"], trainer_of(run)
    change(slurm, state="NODE_FAIL")
    end = time.monotonic() + 1.0  # longer than the doubt: the trainer lives
    until(lambda: time.monotonic() > end, chief.step)
    assert (run.status.state, run.status.attempt) == ("running", 1)
    os.kill(pid, signal.SIGKILL)
    lock.send(trainer, signal.SIGKILL, group=True)
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    assert "Slurm lost the node n1." in run.attempts()[0].ended


@pytest.mark.parametrize("how", ["down", "hangs"])
def test_a_controller_that_is_away_changes_no_state_and_holds_nobody_up(store, slurm, how):
    chief, run = started(store, slurm, "obey")
    asking = chief.backends.get("slurm").asking
    asking.patience, asking.lasts = 0.2, 0.5
    (slurm / how).touch()
    until(lambda: run.status.unanswered, chief.step)
    assert run.status.state == "running"
    before = time.monotonic()
    for _ in range(3):
        chief.step(scan=False)
    assert time.monotonic() - before < 10  # a hanging call has 20 s
    run.stop("now")  # control.json needs no Slurm
    until(lambda: run.status.state == "stopped", chief.step)


def test_a_run_waits_in_the_queue_until_slurm_answers(store, slurm):
    (slurm / "down").touch()
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "finish")
    until(lambda: "Waiting until Slurm answers" in run.status.message, chief.step)
    assert (run.status.state, run.status.attempt) == ("queued", 0)
    (slurm / "down").unlink()
    chief.full.clear()  # rather than wait a minute
    until(lambda: run.status.state == "finished", chief.step)
    assert len(run.attempts()) == 1


def test_a_limit_of_jobs_makes_a_run_wait(store, slurm):
    (slurm / "limit").touch()
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "finish")
    until(lambda: "AssocMaxSubmitJobLimit" in run.status.message, chief.step)
    assert run.status.state == "queued"


def test_a_job_that_slurm_refuses_fails_in_slurms_words(store, slurm):
    settings.set_up(store.root, ANN, SlurmSettings(partition="nope"))
    run = queued(store, run_on="slurm")
    chief = chief_of(store, "finish")
    until(lambda: run.status.state == "failed", chief.step)
    assert "invalid partition specified: nope" in run.status.message
    assert "Ask an admin" in run.status.message


def test_an_attempt_is_handed_in_once(store, slurm, tmp_path):
    (slurm / "busy").touch()
    cluster = Slurm(SlurmSettings())
    wanted = Submission(name="cifar-0-1-a1", folder=tmp_path, command=["true"])
    cluster.submit(wanted)
    cluster.submit(wanted)
    Slurm(SlurmSettings()).submit(wanted)  # of another executor
    assert len(fake_slurm.jobs(slurm)) == 1


def test_a_job_that_was_just_handed_in_is_not_gone(slurm, tmp_path):
    cluster = Slurm(SlurmSettings())
    cluster.handed["cifar-0-1-a1"] = time.monotonic()
    assert cluster.look({"cifar-0-1-a1": tmp_path})["cifar-0-1-a1"].found == "waits"
    cluster.handed["cifar-0-1-a1"] -= 10
    assert cluster.look({"cifar-0-1-a1": tmp_path})["cifar-0-1-a1"].found == "gone"


def test_a_hand_in_that_is_cut_off_may_have_worked(slurm, tmp_path, monkeypatch):
    cluster = Slurm(SlurmSettings())
    cluster.asking.latest()
    monkeypatch.setattr("cifar_core.runs.backends.slurm.QUICK_SECONDS", 0.3)
    (slurm / "hangs").touch()
    with pytest.raises(NoAnswerError, match="did not answer within"):
        cluster.submit(Submission(name="cifar-0-1-a1", folder=tmp_path, command=["true"]))


def test_ten_thousand_names_are_one_short_question(slurm, tmp_path):
    names = {f"cifar-12345678-{n}-of-a-long-name-a1": tmp_path for n in range(10_000)}
    found = Slurm(SlurmSettings()).look(names)
    assert {job.found for job in found.values()} == {"gone"}
    (words,) = calls(slurm, "squeue")
    assert sum(map(len, words)) < 200


def test_the_environment_adds_no_options(monkeypatch):
    for name in ("SBATCH_WRAP", "SCANCEL_INTERACTIVE", "SQUEUE_FORMAT", "SLURM_CLUSTERS"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    kept = slurm_calls.environment()
    assert [n for n in kept if n.startswith(("S", "L")) and kept[n] == "x"] == []
    assert kept["SLURM_CONF"] == "/etc/slurm.conf"


LINE = "7|{state}|{reason}|{start}|{left}|{node}|job"


def job(state="RUNNING", reason="None", start="N/A", left="UNLIMITED", node="n1"):
    line = LINE.format(state=state, reason=reason, start=start, left=left, node=node)
    return slurm_jobs.read(line, now=1e9)["job"]


@pytest.mark.parametrize(("state", "found"), [
    ("PENDING", "waits"), ("CONFIGURING", "waits"), ("SUSPENDED", "waits"), ("RUNNING", "runs"),
    ("COMPLETING", "runs"), ("A_STATE_OF_LATER", "runs"), ("COMPLETED", "gone"),
    ("TIMEOUT", "gone"), ("OUT_OF_MEMORY", "gone"),
])  # fmt: skip
def test_states(state, found):
    assert job(state).found == found


def test_a_canceled_job_without_a_node_never_began():
    assert not job("CANCELLED", node="").began
    assert job("CANCELLED").began


def test_of_two_jobs_of_one_name_the_one_that_lives_counts():
    common = {"reason": "None", "start": "N/A", "left": "1:00:00"}
    seen = (("FAILED", "n1"), ("RUNNING", "n2"), ("NODE_FAIL", "n3"))
    lines = "\n".join(LINE.format(state=state, node=node, **common) for state, node in seen)
    assert slurm_jobs.read(lines, now=1e9)["job"].node == "n2"


def test_names_of_other_jobs_cannot_confuse():
    text = "8|RUNNING|None|N/A|1:00|n1|a|b\nrest of a name\n||||||\n"
    assert slurm_jobs.read(text, now=1e9)["a|b"].found == "runs"


@pytest.mark.parametrize(("left", "seconds"), [
    ("58", 58), ("1:58", 118), ("2:00:00", 7200), ("1-00:00:10", 86410), ("UNLIMITED", None),
    ("NOT_SET", None), ("", None), ("1:2:3:4", None),
])  # fmt: skip
def test_times(left, seconds):
    assert slurm_jobs.seconds_of(left) == seconds


def test_a_limit_of_time_is_said_only_near_it():
    assert job(left="10:00").words == ""
    assert job(left="2:00").words.startswith("The time limit of its job in Slurm was at")


def test_an_expected_start_on_another_day_has_its_date():
    words = job("PENDING", "Priority", start=str(int(1e9 + 3 * 86400)), node="").words
    assert "expects it to start on 12 Sep at" in words
    assert "expects" not in job("PENDING", start=str(int(1e9 - 60)), node="").words


def test_a_check_names_version_and_nodes(store, slurm):
    found = check(store.root, SlurmSettings())
    assert found.works
    assert found.sentence == (
        "Slurm 22.05.8 answers; partition gpu has 3 nodes, partition cpu has 1 node."
    )
    assert fake_slurm.jobs(slurm) == []


def test_a_check_says_what_is_wrong(store, slurm, monkeypatch):
    wrong = check(store.root, SlurmSettings(partition="nope"))
    assert (wrong.works, "invalid partition specified: nope" in wrong.sentence) == (False, True)
    (slurm / "proctrack").write_text("linuxproc")
    assert "proctrack/cgroup is safer" in check(store.root, SlurmSettings()).sentence
    (slurm / "down").touch()
    assert "does not answer" in check(store.root, SlurmSettings()).sentence
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "no command sbatch" in check(store.root, SlurmSettings()).sentence


def test_settings_that_were_edited_by_hand_are_checked_before_a_job(store, tmp_path):
    cluster = Slurm(SlurmSettings(options=["--wrap=id"]))
    with pytest.raises(FullError, match="--wrap cannot be changed"):
        cluster.submit(Submission(name="cifar-0-1-a1", folder=tmp_path, command=["true"]))


def test_an_executor_takes_a_change_of_the_settings_over(store):
    backends = Backends(store.root)
    backends.refresh()
    assert backends.get("slurm").slots == 100
    settings.set_up(store.root, ANN, SlurmSettings(slots=7))
    backends.refresh()
    assert backends.get("slurm").slots == 7
    settings.remove(store.root, ANN, "slurm")
    backends.refresh()
    assert backends.get("slurm") is None


def test_without_slurms_commands_a_run_waits_and_says_so(store, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(FullError, match="finds no command squeue on its PATH"):
        Slurm(SlurmSettings()).submit(
            Submission(name="cifar-0-1-a1", folder=tmp_path, command=["true"])
        )
