"""Ray's Jobs over HTTP: the machine that asks needs neither ray nor the cluster's version of it.

Ray runs the commands of anyone who reaches it unless it was started with RAY_AUTH_MODE=token, so
an address that answers without a token is refused. A token is not an identity: every job belongs
to the user that Ray runs as.
"""

import json
import re
import shlex
import time
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from cifar_core.data.sources.limits import shown
from cifar_core.runs.backends import ray_server
from cifar_core.runs.backends.address import Address, parsed, problem_of
from cifar_core.runs.backends.backend import Checked, FullError, Job, NoAnswerError, Submission
from cifar_core.runs.backends.cluster import Cluster
from cifar_core.runs.backends.settings import RaySettings

T = TypeVar("T")
JOBS = "/api/jobs/"
STOP_SECONDS = 60  # that Ray waits between SIGTERM and SIGKILL: to save a checkpoint
GUARDED_SECONDS = 60.0  # for which it holds that the cluster asks for a token
LONGEST = 300  # characters of a message
BUSY = (408, 429)  # statuses of a server that may take the same job later (RFC 9110, 6585)
OVER = {
    "STOPPED": "Its job was stopped in Ray.",
    "SUCCEEDED": "",
    "FAILED": "Its job failed in Ray.",
}


class RayJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of an entry of Ray's list of jobs."""

    submission_id: str | None = None
    status: str | None = ""
    message: str | None = None
    driver_agent_http_address: str | None = None  # on the node that runs it
    driver_node_id: str | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What must be readable of any entry of that list."""

    submission_id: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of Ray's answer about itself."""

    ray_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What Ray answered to a request with a token."""

    status: int
    body: bytes
    token: re.Pattern[str]  # as `spellings` returns it

    def masked(self, text: str | None) -> str:
        """Return a text of the answer without the token."""
        return self.token.sub("(token)", text or "")

    @property
    def last_line(self) -> str:
        """The last line of an error, which says the reason in a traceback."""
        line = self.body.strip().rpartition(b"\n")[2][:100_000].decode("utf-8", "replace")
        return printable(self.masked(line)).rstrip(".") or "no reason is given"


class RayJobs(Cluster):
    """A Ray cluster, by the address of its dashboard."""

    key = "ray"
    settings: RaySettings

    def __init__(self, settings: RaySettings) -> None:
        super().__init__(settings)
        self.guarded_until = 0.0  # monotonic seconds

    def jobs(self) -> dict[str, Job]:
        """Return all submitted jobs by their submission ids."""
        listed, answer = self.asked("GET", JOBS, list[msgspec.Raw])
        found = [entry for raw in listed if (entry := entry_of(raw, answer))]
        if listed and all(job.found == "unknown" for _, job in found):
            raise NoAnswerError(self.not_ray())
        return {name: job for name, job in found if name}

    def hand_in(self, submission: Submission) -> None:
        """Hand a job in; Ray refuses a second one of the same id, which is as good."""
        wanted, devices = self.settings, submission.devices
        body = {
            "entrypoint": f"exec {shlex.join(submission.command)}",
            "submission_id": submission.name,
            "entrypoint_num_cpus": wanted.cores * devices,
            "entrypoint_num_gpus": wanted.gpus * devices,
            "runtime_env": {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)}},
        }
        try:
            reply = self.answered("POST", JOBS, body)
        except NoAnswerError:
            raise
        except OSError as error:  # of the cluster or the token, not of this job
            raise FullError(f"Waiting until Ray can be used: {error}.") from error
        if reply.status == 200 or b"already exists" in reply.body:
            return
        words = reply.last_line
        if reply.status >= 500 or reply.status in BUSY:
            raise FullError(f"Waiting until Ray takes the job: {words}.")
        raise OSError(f"Ray refused the job: {words}. Ask an admin to correct the settings for "
                      "Ray, or choose another place for the run")  # fmt: skip

    def ask_to_end(self, name: str, *, hard: bool) -> None:
        """Stop a job by SIGTERM, after which Ray sends SIGKILL; it has no other way (`hard`)."""
        reply = self.answered("POST", f"{JOBS}{quote(name, safe='')}/stop", {})
        if reply.status not in (200, 404):
            raise OSError(f"Ray could not end the job: {reply.last_line}")

    def check(self) -> Checked:
        """Ask Ray for its version and its jobs."""
        try:
            version, answer = self.asked("GET", "/api/version", Version)
            jobs = self.jobs()
        except OSError as error:
            return Checked(works=False, sentence=f"{error}.")
        live = sum(job.found != "gone" for job in jobs.values())
        listed = "1 job that runs or waits" if live == 1 else f"{live:,} jobs that run or wait"
        name = printable(answer.masked(version.ray_version))
        return Checked(works=True, sentence=f"Ray {name} answers; it has {listed}.")

    def asked(self, method: str, path: str, expected: type[T]) -> tuple[T, Answer]:
        """Return an answer, and its value of a type; OSError for any other answer."""
        reply = self.answered(method, path)
        if reply.status != 200:
            raise NoAnswerError(f"Ray answered with status {reply.status}: {reply.last_line}")
        try:
            return msgspec.json.decode(reply.body, type=expected), reply
        except (ValueError, RecursionError) as error:  # ValidationError is a ValueError
            raise NoAnswerError(self.not_ray()) from error

    def not_ray(self) -> str:
        """Return the sentence about another server."""
        return (
            f"{self.address.host}:{self.address.port} does not answer as Ray does; give the "
            "address of Ray's dashboard"
        )

    def answered(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Return the answer to a request with the token, of a cluster that asks for one."""
        token = ray_server.token_here()
        try:
            self.must_be_guarded()
            data = b"" if body is None else json.dumps(body).encode()
            reply = ray_server.ask(self.address, method, path, data, token)
        except OSError:
            self.guarded_until = 0.0  # it may be another one when it answers again
            raise
        if reply.status in (401, 403):
            raise OSError("Ray does not accept the token of this machine; save the one that the "
                          "cluster was started with")  # fmt: skip
        if 300 <= reply.status < 400:
            raise OSError(redirected(self.address))
        return Answer(status=reply.status, body=reply.body, token=spellings(token))

    @property
    def address(self) -> Address:
        """Where Ray's dashboard is."""
        address = parsed(self.settings.address)
        if address is None:
            raise OSError(problem_of(self.settings.address).rstrip("."))
        return address

    def must_be_guarded(self) -> None:
        """Raise OSError unless the cluster refuses requests without a token."""
        if time.monotonic() < self.guarded_until:
            return
        status = ray_server.ask(self.address, "GET", JOBS).status
        if 300 <= status < 400:
            raise OSError(redirected(self.address))
        if 200 <= status < 300:
            raise OSError(
                f"Ray at {self.address.host}:{self.address.port} runs the commands of anyone who "
                "reaches it; start it with RAY_AUTH_MODE=token on all of its machines"
            )
        if status not in (401, 403):
            raise NoAnswerError(f"Ray answered with status {status}")
        self.guarded_until = time.monotonic() + GUARDED_SECONDS


def spellings(token: str) -> re.Pattern[str]:
    """Return what a token may look like in a text: in JSON's escapes, and in a host's lower case.

    Runs of spaces in it count as one.
    """
    letters = (
        r"\s+" if part.isspace() else rf"\\*(?:{re.escape(part)}|u00{ord(part):02x})"
        for part in re.findall(r" +|.", token)
    )
    return re.compile("".join(letters), re.IGNORECASE)


def entry_of(raw: msgspec.Raw, answer: Answer) -> tuple[str, Job] | None:
    """Return the name and the job of an entry of Ray's list; None if not even a name is readable.

    An entry that is otherwise odd is a job of which nothing is known.
    """
    try:
        name = msgspec.json.decode(raw, type=Named).submission_id or ""
    except (ValueError, RecursionError):
        return None
    try:
        job = msgspec.json.decode(raw, type=RayJob)
    except (ValueError, RecursionError):
        return name, Job(found="unknown", words="Ray describes its job in another form.")
    texts = ("status", "message", "driver_agent_http_address", "driver_node_id")
    clean = {text: answer.masked(getattr(job, text)) for text in texts}
    return name, job_of(RayJob(submission_id=name, **clean))


def job_of(job: RayJob) -> Job:
    """Return a job by what Ray says of it."""
    node = node_of(job)
    says = printable(job.message or "").rstrip(".")
    if job.status in OVER:
        words = OVER[job.status]
        words = f"{words} It says: {says}." if words and says else words
        return Job(found="gone", node=node, words=words, began=bool(node))
    if job.status == "PENDING":
        words = f"Waits in Ray's queue. It says: {says}." if says else "Waits in Ray's queue."
        return Job(found="waits", node=node, words=words)
    return Job(found="runs", node=node)


def node_of(job: RayJob) -> str:
    """Return the machine that runs a job; empty while there is none."""
    try:
        host = urlsplit(job.driver_agent_http_address or "").hostname or ""
    except ValueError:
        host = ""
    return printable(host or (job.driver_node_id or "")[:8])[:80]


def redirected(address: Address) -> str:
    """Return the sentence about a server that sends its visitors elsewhere."""
    return (
        f"{address.host}:{address.port} points to another address, which is not followed; give "
        "the address of Ray's dashboard itself"
    )


def printable(text: str) -> str:
    """Return a text of another program as a sentence may quote it: one line, not too long."""
    return shown(" ".join(text[: 4 * LONGEST].split()), LONGEST)
