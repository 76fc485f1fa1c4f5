"""A cluster in this process, for tests: it starts real shims, and fails on command."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass

from run_helpers import until

from cifar_core.disk import files, lock
from cifar_core.runs.backends.backend import Job


@dataclass
class FakeJob:
    """One job of the cluster."""

    submission: object
    shim: "subprocess.Popen | None" = None  # None while it waits
    node: str = ""
    words: str = "Slurm says: waits for Resources."


class FakeEngine:
    """A backend whose jobs wait in a queue until they are run, here or by `runs_at_once`."""

    key, title = "slurm", "Slurm"

    def __init__(self):
        self.slots, self.doubt_seconds = 100, 0.0
        self.jobs: dict[str, FakeJob] = {}
        self.runs_at_once, self.is_down = True, False
        self.refuses = None  # an error that `submit` raises instead
        self.dies = ""  # "before" or "after": the executor that submits dies at this moment
        self.submitted, self.ended, self.questions = [], [], 0

    def submit(self, submission):
        if self.dies == "before":
            raise SystemExit
        if self.refuses:
            raise self.refuses
        self.submitted.append(submission.name)
        self.jobs.setdefault(submission.name, FakeJob(submission))
        if self.dies == "after":
            raise SystemExit
        if self.runs_at_once:
            self.run(submission.name)

    def run(self, name, node="n1"):
        """Start the job on a node."""
        job = self.jobs[name]
        job.node, job.words = node, ""
        job.shim = subprocess.Popen(
            job.submission.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self, attempts):
        self.questions += 1
        if self.is_down:
            return dict.fromkeys(attempts, Job(found="unknown"))
        return {name: self.found(name) for name in attempts}

    def found(self, name):
        job = self.jobs.get(name)
        if job is None:
            return Job(found="gone")
        if job.shim is None:
            return Job(found="waits", words=job.words)
        if files.read_json(job.submission.folder / "shim.json").get("ended"):
            job.shim.wait()  # it is about to end
        is_over = job.shim.poll() is not None
        return Job(found="gone" if is_over else "runs", node=job.node, words=job.words)

    def end(self, name, folder, *, hard):
        if self.is_down:
            raise OSError("Unable to contact slurm controller")
        self.ended.append((name, hard))
        job = self.jobs[name]
        if job.shim is None:
            self.forget(name)
        elif hard:
            self.cut_power(name, words="Slurm says CANCELLED.")
        else:
            job.shim.terminate()

    def preempt(self, name):
        """End a job as a time limit does: by SIGTERM to its shim."""
        self.jobs[name].words = "Slurm says TIMEOUT."
        self.jobs[name].shim.terminate()

    def cut_power(self, name, words="Slurm says NODE_FAIL."):
        """Kill the shim and the trainer."""
        job = self.jobs[name]
        job.words = words
        trainer = self.trainer(name)
        job.shim.kill()
        job.shim.wait()
        os.killpg(trainer["pid"], signal.SIGKILL)
        until(lambda: not lock.is_same(trainer))

    def trainer(self, name):
        """Return the identity of a job's trainer, as its shim has written it."""
        path = self.jobs[name].submission.folder / "shim.json"
        until(lambda: "trainer" in files.read_json(path))
        return files.read_json(path)["trainer"]

    def forget(self, name):
        """Lose all memory of a job, which goes on if it runs; return it."""
        return self.jobs.pop(name)

    def close(self, *forgotten):
        """Kill whatever is left."""
        for job in [*self.jobs.values(), *forgotten]:
            if job.shim:
                with suppress(ProcessLookupError):
                    os.killpg(job.shim.pid, signal.SIGKILL)
                job.shim.wait()
