"""Ray's Jobs, on a stub of its dashboard that starts real shims."""

import http.client
import signal
import time

import pytest
from ray_stub import TOKEN, Ray
from run_helpers import queued, store_without_executor, supervisor, until

from cifar_core.disk import files, lock
from cifar_core.people import ADMIN, Person
from cifar_core.runs.backends import address, ray_server, settings
from cifar_core.runs.backends.backend import FullError, NoAnswerError, Submission
from cifar_core.runs.backends.backends import check
from cifar_core.runs.backends.cluster import Cluster
from cifar_core.runs.backends.ray_jobs import RayJobs
from cifar_core.runs.backends.settings import RaySettings
from cifar_core.runs.record import metrics

ANN = Person(name="ann", role=ADMIN)


@pytest.fixture
def ray(monkeypatch, tmp_path):
    """Return a Ray cluster whose token this machine has."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Cluster, "doubt_seconds", 0.3)
    ray = Ray()
    yield ray
    ray.close()


@pytest.fixture
def cluster(ray):
    cluster = RayJobs(RaySettings(address=ray.address))
    cluster.asking.every = 0.0
    return cluster


@pytest.fixture
def store(tmp_path, ray):
    with store_without_executor(tmp_path / "store") as store:
        settings.set_up(store.root, ANN, RaySettings(address=ray.address, gpus=1, cores=2))
        yield store


def chief_of(store, mode):
    """Return a supervisor that asks Ray at each step."""
    chief = supervisor(store, mode, look_seconds=0.0, quiet_seconds=0.0)
    chief.backends.get("ray").asking.every = 0.0
    return chief


def started(store, mode):
    run = queued(store, run_on="ray")
    chief = chief_of(store, mode)
    until(lambda: run.status.state == "running", chief.step)
    return chief, run


def one(folder):
    return Submission(name="cifar-0-1-a1", folder=folder, command=["true"])


def found(cluster, folder, name="cifar-0-1-a1"):
    return cluster.look({name: folder})[name]


def test_a_run_is_trained_by_ray_from_its_own_folder(store, ray):
    run = queued(store, run_on="ray", devices=2)
    chief = chief_of(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    (job,) = ray.jobs.values()
    assert job["entrypoint"].startswith("exec ")
    assert (job["asked"]["entrypoint_num_gpus"], job["asked"]["entrypoint_num_cpus"]) == (2, 4)
    assert job["asked"]["runtime_env"]["env_vars"] == {"RAY_JOB_STOP_WAIT_TIME_S": "60"}


def test_the_token_is_nowhere_in_the_store(store, ray):
    run = queued(store, run_on="ray")
    chief = chief_of(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    texts = [path.read_bytes() for path in store.root.rglob("*") if path.is_file()]
    assert [text for text in texts if TOKEN.encode() in text] == []


def test_a_job_that_waits_shows_rays_words_and_then_its_node(store, ray):
    ray.runs_at_once = False
    run = queued(store, run_on="ray")
    chief = chief_of(store, "obey")
    until(lambda: "Waits in Ray's queue" in run.status.message, chief.step)
    assert "It may be waiting for resources." in run.status.message
    ray.start(next(iter(ray.jobs)))
    until(lambda: run.status.state == "running", chief.step)
    until(lambda: run.status.device == "Ray 10.0.0.7", chief.step)


def test_a_job_that_waits_is_taken_back(store, ray):
    ray.runs_at_once = False
    run = queued(store, run_on="ray")
    chief = chief_of(store, "obey")
    until(lambda: "Waits in Ray's queue" in run.status.message, chief.step)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)


def test_stopping_in_ray_lets_the_trainer_save(store, ray):
    chief, run = started(store, "saves_when_preempted")
    (name,) = ray.jobs
    ray.runs_at_once = False
    ray.stop(name)
    until(lambda: run.status.attempt == 2, chief.step)
    assert "saved its state" in run.attempts()[0].ended
    assert run.status.deaths == 0


def test_a_lost_node_is_believed_once_nothing_holds_the_lock(store, ray):
    chief, run = started(store, "obey")
    (name,) = ray.jobs
    shim = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")
    ray.shims[name].kill()
    ray.shims[name].wait()
    end = time.monotonic() + 1.0
    until(lambda: time.monotonic() > end, chief.step)
    assert run.status.attempt == 1  # the trainer lives
    ray.jobs[name]["message"] = "The actor died because its node has died."
    lock.send(shim["trainer"], signal.SIGKILL, group=True)
    until(lambda: run.status.attempt == 2 and run.status.state == "running", chief.step)
    assert "its node has died" in run.attempts()[0].ended


def test_a_restart_that_forgets_a_job_does_not_end_a_trainer_that_lives(store, ray):
    chief, run = started(store, "obey")
    ray.mode = (503, b"GCS is down")
    until(lambda: run.status.unanswered, chief.step)
    assert run.status.state == "running"
    ray.mode = None
    ray.jobs.clear()
    end = time.monotonic() + 1.0
    until(lambda: time.monotonic() > end, chief.step)
    assert (run.status.state, run.status.attempt) == ("running", 1)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)


def test_an_attempt_is_handed_in_once(cluster, ray, tmp_path):
    ray.runs_at_once = False
    cluster.submit(one(tmp_path))
    cluster.hand_in(one(tmp_path))  # Ray refuses the second of a name
    RayJobs(cluster.settings).submit(one(tmp_path))
    assert len(ray.jobs) == 1


def test_ending_a_job_that_ray_does_not_know_is_not_an_error(cluster, tmp_path):
    cluster.end("cifar-0-9-a1", tmp_path, hard=True)


def test_a_cluster_that_answers_without_a_token_is_refused(cluster, ray, tmp_path, store):
    ray.asks_for_a_token = False
    with pytest.raises(FullError, match="runs the commands of anyone"):
        cluster.submit(one(tmp_path))
    assert ray.jobs == {}
    assert all(token is None for _, _, token in ray.seen)  # it never got the token
    checked = check(store.root, cluster.settings)
    assert (checked.works, "RAY_AUTH_MODE=token" in checked.sentence) == (False, True)


def test_a_token_that_is_wrong(cluster, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(FullError, match="does not accept the token") as error:
        cluster.submit(one(tmp_path))
    assert "another" not in str(error.value)
    assert found(cluster, tmp_path).found == "unknown"


@pytest.mark.parametrize(("answer", "words"), [
    ("redirects", "points to another address, which is not followed"),
    ((500, b"Traceback\nRuntimeError: a-token-of-the-tests"), "status 500: RuntimeError: (token)"),
    ((200, b"<html>Hello</html>"), "does not answer as Ray does"),
    ((200, b"[" * 100_000), "does not answer as Ray does"),
    ((200, b'{"submission_id": 1}'), "does not answer as Ray does"),
    ((200, b'[{"submission_id": "x", "status": 1e400}]'), "does not answer as Ray does"),
    ((200, b'["\xff"]'), "does not answer as Ray does"),
])  # fmt: skip
def test_answers_that_are_not_rays(cluster, ray, tmp_path, answer, words):
    ray.mode = answer
    job = found(cluster, tmp_path)
    assert (job.found, words in job.words) == ("unknown", True), job.words
    assert TOKEN not in job.words
    assert ("GET", "/elsewhere", f"Bearer {TOKEN}") not in ray.seen


def test_an_answer_that_is_too_long_or_too_slow_ends(cluster, ray, monkeypatch):
    monkeypatch.setattr(ray_server, "MOST_BYTES", 1000)
    ray.mode = (200, b"[" + b" " * 5000 + b"]")
    with pytest.raises(NoAnswerError, match="its answer has over"):
        cluster.jobs()
    monkeypatch.setattr(ray_server, "SECONDS", 1.0)
    ray.mode = "drips"
    before = time.monotonic()
    with pytest.raises(NoAnswerError, match="did not answer"):
        cluster.jobs()
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("text", ["HTTP/1.1 {token}\r\n\r\n", "{token}\r\n\r\n"])
def test_a_server_that_repeats_the_token_in_its_status_does_not_show_it(
    cluster, tmp_path, monkeypatch, text
):
    def fails(*_):
        raise http.client.BadStatusLine(text.format(token=TOKEN))

    monkeypatch.setattr(ray_server, "exchanged", fails)
    words = found(cluster, tmp_path).words
    assert TOKEN not in words
    assert "its answer is not one of HTTP" in words


def test_a_token_in_the_escapes_of_json_is_not_shown(cluster, ray, tmp_path):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in TOKEN)
    head = '[{"submission_id": "cifar-0-1-a1", "status": "FAILED", "message": "'
    body = f'{head}{escaped}"}}]'
    ray.mode = (200, body.encode())
    assert "It says: (token)." in found(cluster, tmp_path).words
    ray.mode = (500, f'"{escaped}"'.encode())
    cluster.asking.last = None
    assert found(cluster, tmp_path).words.endswith('"(token)".')


def test_one_odd_job_does_not_hide_the_others(cluster, ray, tmp_path):
    ours = b'{"submission_id": "cifar-0-1-a1", "status": "PENDING"}'
    ray.mode = (200, b'[{"status": null}, 3, {"submission_id": "x", "status": 7}, ' + ours + b"]")
    assert found(cluster, tmp_path).found == "waits"
    assert found(cluster, tmp_path, "x").found == "unknown"


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_busy_ray_lets_a_run_wait(cluster, ray, tmp_path, status):
    cluster.asking.latest()
    cluster.asking.every = 1000.0
    ray.mode = (status, b"later")
    with pytest.raises(FullError, match="later"):
        cluster.submit(one(tmp_path))


def test_a_refused_job_says_why(cluster, ray, tmp_path):
    cluster.asking.latest()
    cluster.asking.every = 1000.0
    ray.mode = (400, b"ValueError: entrypoint_num_gpus must not be negative")
    with pytest.raises(OSError, match="entrypoint_num_gpus must not be negative"):
        cluster.submit(one(tmp_path))


def test_a_cluster_that_is_away_lets_runs_wait(cluster, ray, tmp_path):
    ray.close()
    with pytest.raises(FullError, match="cannot be reached: connection refused"):
        cluster.submit(one(tmp_path))


def test_a_check_names_the_version(store, cluster, monkeypatch):
    checked = check(store.root, cluster.settings)
    assert (checked.works, checked.sentence) == (
        True, "Ray 2.60.0 answers; it has 0 jobs that run or wait.",
    )  # fmt: skip
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    assert "This machine has no token for Ray" in check(store.root, cluster.settings).sentence


def test_a_token_in_a_file_belongs_to_its_owner_alone(cluster, monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    path = tmp_path / ".ray" / "auth_token"
    path.parent.mkdir()
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o644)
    with pytest.raises(OSError, match="chmod 600"):
        cluster.jobs()
    path.chmod(0o600)
    assert cluster.jobs() == {}
    path.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "elsewhere"))
    assert cluster.jobs() == {}


def test_the_token_crosses_no_public_network_in_clear_text(monkeypatch, ray):
    monkeypatch.setattr(ray_server, "may_be_clear", lambda number: False)
    with pytest.raises(OSError, match="use https"):
        RayJobs(RaySettings(address=ray.address.replace("127.0.0.1", "localhost"))).jobs()
    assert ray.seen == []


def test_https_needs_a_valid_certificate(ray):
    with pytest.raises(OSError, match="does not speak https"):
        RayJobs(RaySettings(address=ray.address.replace("http:", "https:"))).jobs()


@pytest.mark.parametrize("text", [
    "http://127.0.0.1:8265", "http://10.0.0.5:8265/", "http://[::1]:8265", "https://ray.org:443",
    "http://head:8265", "http://192.168.7.1:1", "https://8.8.8.8:8265",
])  # fmt: skip
def test_addresses_that_can_be_used(text):
    assert address.problem_of(text) == ""


@pytest.mark.parametrize("text", [
    "", "head:8265", "ftp://head:21", "http://head", "http://user:secret@head:8265", "http://a b:1",
    "http://head:8265/path", "http://head:8265?x=1", "http://head:99999", "http://head:0",
    "http://8.8.8.8:8265", "http://169.254.169.254:80", "http://0.0.0.0:8265", "file:///etc",
    "http://[::ffff:8.8.8.8]:8265", "http://head:8265\r\nX: y", "http://100.64.0.1:8265",
])  # fmt: skip
def test_addresses_that_cannot_be_used(text):
    problem = address.problem_of(text)
    assert problem.endswith(".")
    assert "secret" not in problem
