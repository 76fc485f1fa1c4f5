"""A live attempt: how the executor starts it, makes it end, and describes it."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import resolve_name
from pathlib import Path

from cifar_core.background import processes
from cifar_core.devices import Device
from cifar_core.runs.backends.backend import Backend, Job, Submission
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.looks import Look, stamp
from cifar_core.runs.engine.several import command_of, devices_of, result_of, threads_of_one
from cifar_core.runs.record import checkpoints, control, metrics
from cifar_core.runs.record.environment import essentials
from cifar_core.runs.record.records import AttemptPlan, AttemptStart, ShimEnd, ShimRecord
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, RATE_SEARCH, TRAINING

EXPLAINED = ("finished", "stopped", "paused", "failed")  # outcomes with a reason of their own
WORDS_SECONDS = 3.0  # for a cluster to say why an attempt ended
ASK, TERMINATE, KILL = range(3)  # the ways to make an attempt end, from gentle to forceful
LAST_BYTES = 4096  # of a log
SHIM = Path(__file__).with_name("shim.py")
WORKERS = {  # by kind of run, from this folder; importing them here would cost memory
    TRAINING: ".worker.training_worker",
    RATE_SEARCH: ".worker.rate_search_worker",
}


@dataclass(kw_only=True)
class LiveAttempt:
    """An attempt that this executor watches."""

    run: Run
    attempt: int
    devices: tuple[str, ...]  # ids of those of this machine that it uses; none elsewhere
    state: str
    deaths: int
    backend: Backend
    name: str  # of its job
    since: float = field(default_factory=time.time)  # unix seconds, of the state
    submitted: bool = False  # whether this executor had it started
    has_begun: bool = False  # whether its shim has been seen
    job: Job = field(default_factory=lambda: Job(found="waits"))  # as its backend described it
    gone: tuple[float, float] | None = None  # first and last answer that it is gone, on this clock
    unanswered: float = 0.0  # unix seconds since when its backend does not answer; 0: it does
    silent: bool = False  # whether that has lasted long enough to be shown
    request: str = ""  # to it, as of the last look at control.json
    sequence: int = 0  # of that request
    requested_at: float = 0.0  # when it was first seen, on this process's own clock
    asked: tuple[int, bool] = (ASK, True)  # how it was last made to end, and if it had begun
    ask_again_at: float = 0.0  # on this process's own clock
    refusal: str = ""  # why it could not be made to end; empty if that was possible
    over_at: float = 0.0  # when it was first seen to be over, on this process's own clock
    shown: str = ""  # the state, request and force that the status was last written for
    status_seen: tuple[int, int] = (0, 0)  # time and inode of status.json at the last scan
    sentence: dict[str, str] | None = None  # about where it started; None before that
    trouble: str = ""  # an error of the last look at its files
    look: Look = field(default_factory=Look)  # when its files are due to be read again

    @cached_property
    def folder(self) -> Path:
        """The attempt's folder."""
        return metrics.attempt_folder(self.run.path, self.attempt)

    @cached_property
    def control(self) -> Path:
        """The file of requests to it."""
        return self.run.path / control.NAME

    @cached_property
    def status_file(self) -> Path:
        """The file of its run's state."""
        return self.run.path / "status.json"

    def take(self, job: Job, quiet_seconds: float = 0.0) -> None:
        """Remember what its backend has answered; silence is shown after `quiet_seconds`."""
        before, now = (self.job, self.silent), time.monotonic()
        gone = job.found == "gone"
        self.gone = ((self.gone or (now, now))[0], now) if gone else None
        if job.found == "unknown":  # what was known of it before stays
            self.unanswered = self.unanswered or time.time()
            self.silent = time.time() - self.unanswered >= quiet_seconds
            self.job = replace(self.job, found="unknown")
        else:
            self.unanswered, self.silent = 0.0, False
            self.job = ended(job, self.job) if gone else job
        if gone or (self.job, self.silent) != before:
            self.look.is_due = True

    def has_ended(self, shim: ShimRecord | None) -> bool:
        """Return True if it is over, provided that nothing holds its lock.

        A backend's "gone" is doubted for a while, as the files of another machine may come later;
        it must be the first and the last answer of that time. A job that was canceled before it
        began has no such files.
        """
        if shim and shim.ended:
            return True
        doubt = self.backend.doubt_seconds if self.job.began else 0.0
        return self.gone is not None and self.gone[1] - self.gone[0] >= doubt

    def is_unexplained(self, ended: ShimEnd) -> bool:
        """Return True if only its cluster may know why it ended."""
        is_known = ended.refused or self.request or result_of(self.folder).outcome in EXPLAINED
        return self.is_elsewhere and not is_known

    def awaits_words(self, ended: ShimEnd) -> bool:
        """Return True for a moment after its end, while its cluster may not have said why yet."""
        if self.job.found == "gone" or not self.is_unexplained(ended):
            return False
        self.over_at = self.over_at or time.monotonic()
        self.look.is_due = True
        return time.monotonic() - self.over_at < WORDS_SECONDS

    @property
    def words_of_cluster(self) -> str:
        """The sentence of its cluster on why it ended; empty if there is none."""
        return self.job.words if self.job.found in ("gone", "runs") else ""

    def is_known(self) -> bool:
        """Return True if status.json is the same file as at the last call."""
        before, self.status_seen = self.status_seen, stamp(self.status_file)
        return self.status_seen == before

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs on a cluster, rather than on devices of this machine."""
        return not self.devices

    @property
    def is_moving(self) -> bool:
        """Whether it is likely to change within a second."""
        return bool(self.request) or (self.state != "running" and not self.is_elsewhere)

    @property
    def device(self) -> str:
        """Where it runs, as the status says it."""
        return ", ".join(self.devices) or f"{self.backend.title} {self.job.node}".strip()

    @property
    def waiting_words(self) -> dict[str, object]:
        """The sentences about an attempt that waits in a cluster's queue; empty for any other."""
        if not self.is_elsewhere or self.has_begun or self.job.found not in ("waits", "unknown"):
            return {}
        title = self.backend.title
        usual = f"Waiting in {title}'s queue."
        if self.job.found == "unknown":
            usual = f"Waiting for an answer of {title}."
        words = self.job.words or usual
        return {"message": words, "action": f"Nothing to do: it starts when {title} has room."}


def ended(job: Job, before: Job) -> Job:
    """Return a job that is gone, with what was known of it while it ran."""
    words = before.words if before.found in ("runs", "gone") else ""
    return replace(job, node=job.node or before.node, words=job.words or words)


def trainer_command(run: Run, attempt: int) -> list[str]:
    """Return the command that trains an attempt."""
    return command_of(resolve_name(WORKERS[run.kind], __package__), run, attempt)


def force_of(request: str, waited: float, grace: float) -> int:
    """Return how forceful a request is by now: ASK, TERMINATE (SIGTERM) or KILL (SIGKILL)."""
    if request == "kill" or (request != "epoch" and waited > 2 * grace):
        return KILL
    return TERMINATE if request != "epoch" and waited > grace else ASK


def sentence_of(run: Run, start: AttemptStart | None, attempt: int) -> dict[str, str]:
    """Return the sentence about a running attempt; empty for that of STATES."""
    if run.kind != TRAINING:
        words = {"message": KINDS[run.kind].summary, "action": "You can close this page."}
        return words if start else {}
    if start is None or (not start.note and attempt == 1):
        return {}
    origin = f"continues from step {start.step:,}" if start.checkpoint else "starts from step 0"
    return {"message": f"Attempt {attempt} {origin}. {start.note}".strip()}


def words_for(request: str, force: int, grace: float) -> dict[str, object]:
    """Return the sentence about a request, and when more force follows, after `grace` seconds."""
    words = {
        "epoch": "Stopping at the end of this epoch.",
        "now": "Stopping after saving a checkpoint.",
        "pause": "Saving a checkpoint and releasing the device.",
        "kill": "Being stopped without a checkpoint.",
    }[request]
    if request in ("now", "pause") and force:
        words = ("", "No response yet; asked again by the operating system (SIGTERM).",
                 "No response; being killed (SIGKILL).")[force]  # fmt: skip
    if force == KILL:
        return {"message": words, "action": "Wait a few seconds."}
    return {"message": words, "deadline": time.time() + grace if request != "epoch" else 0.0}


def last_words(folder: Path) -> str:
    """Return the end of an attempt's log, which a trainer that crashed could not put in order."""
    try:
        with (folder / "log.txt").open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - LAST_BYTES))
            return log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def has_saved(run: Run, attempt: int) -> bool:
    """Return True if the attempt has saved a state that a later one continues from."""
    if run.kind != TRAINING:  # its rows are its state
        return metrics.metrics_path(run.path, attempt).exists()
    names = [path.name for path in checkpoints.folders(run.path / "checkpoints")]
    return any(name.endswith(f"-a{attempt}") for name in names)


def submission_of(live: LiveAttempt, keep: tuple[int, ...] = ()) -> Submission:
    """Return what a backend needs to start an attempt; `keep` holds its devices."""
    return Submission(
        name=live.name,
        folder=live.folder,
        command=shim_command(live.folder),
        devices=devices_of(live.run),
        keep=keep,
    )


def shim_command(folder: Path) -> list[str]:
    """Return the command that runs an attempt, on any machine that has this folder."""
    return [sys.executable, "-S", "-E", str(SHIM), str(folder)]


def plan_of(
    live: LiveAttempt, targets: Sequence[Device], reason: str, command: list[str]
) -> AttemptPlan:
    """Return the plan of an attempt, for its shim and its trainer.

    Without targets the machine that runs it chooses its devices and threads. There the shim must
    not start an executor, so the plan does not say how.
    """
    run, root = live.run, live.run.store_root
    # the first attempt's number is kept: sums depend on it
    threads = run.environment.threads or metrics.attempt_plan(run.path, 1).threads
    if targets:
        threads = threads or threads_of_one(run.settings.get("threads", 0), targets)
    return AttemptPlan(
        command=command,
        environment=processes.trainer_environment(threads),
        executor=processes.executor_command(root) if targets else [],
        executor_lock=str(processes.executor_lock(root)) if targets else "",
        wake=str(processes.wake_file(root)),
        place="" if targets else live.backend.key,
        job=live.name,
        slot=live.devices[0] if targets else "",
        device=targets[0].torch_name if targets else "",
        slots=list(live.devices),
        devices=[target.torch_name for target in targets],
        device_name=targets[0].name if targets else "",
        device_reason=reason,
        versions={} if targets else essentials(),
        threads=threads,
        micro_batch=halving.chosen(run),
        at=time.time(),
    )
