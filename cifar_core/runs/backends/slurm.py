"""Slurm, through its own commands sbatch, squeue and scancel; no further package is needed.

A job is found again by its name, and `--dependency=singleton` lets only one job of a name run at a
time, should one have been handed in twice. Slurm must not repeat a job by itself, as the executor
does, and hands over nothing of the executor's environment, which may hold passwords.
"""

import shlex
import time

from cifar_core.numbers import counted
from cifar_core.runs.backends.backend import Checked, FullError, Job, NoAnswerError, Submission
from cifar_core.runs.backends.cluster import Cluster
from cifar_core.runs.backends.settings import SlurmSettings
from cifar_core.runs.backends.slurm_calls import BusyError, CommandError, MissingError, call
from cifar_core.runs.backends.slurm_jobs import FORM, read

SAVE_SECONDS = 120  # between SIGTERM and the limit of time: to save a checkpoint
QUICK_SECONDS = 10.0  # for a call that the executor waits for
ENDED = ("already completing or completed", "invalid job id")  # of the errors of scancel


class Slurm(Cluster):
    """A Slurm cluster, as the person who runs this program."""

    key = "slurm"
    settings: SlurmSettings

    def jobs(self) -> dict[str, Job]:
        """Return this person's jobs by name, also those that ended within MinJobAge.

        The names are not part of the question, as an argument holds 128 KB at most.
        """
        command = ["squeue", "--noheader", "--me", "--states=all", f"--format={FORM}"]
        try:
            return read(call(command)[0], time.time())
        except (BusyError, CommandError) as error:
            raise NoAnswerError(str(error)) from error

    def hand_in(self, submission: Submission) -> None:
        """Hand a job in through sbatch."""
        script = f"#!/bin/sh\nexec {shlex.join(submission.command)}\n"
        command = ["sbatch", *options_of(self.settings, submission)]
        try:
            call(command, script, seconds=QUICK_SECONDS)
        except BusyError as error:
            raise FullError(f"Waiting until Slurm takes the job: {error}.") from error
        except CommandError as error:
            raise OSError(
                f"Slurm refused the job: {error}. Ask an admin to correct the settings for Slurm, "
                "or choose another place for the run"
            ) from error
        except NoAnswerError:
            raise
        except OSError as error:  # such as no memory for the command: the job is not refused
            raise FullError(f"Waiting until sbatch can be started: {error}.") from error

    def ask_to_end(self, name: str, *, hard: bool) -> None:
        """Cancel a job that waits; signal one that runs, or with `hard` end it in any state.

        Without --batch or --full no signal reaches the shim, as it is not one of Slurm's steps.
        """
        mine = ["scancel", "--me", f"--name={name}"]
        if hard:
            orders = [[*mine, "--signal=KILL", "--full", "--state=RUNNING"], mine]
        else:  # in this order, as a job may start in between
            orders = [[*mine, "--state=PENDING"],
                      [*mine, "--state=RUNNING", "--signal=TERM", "--batch"]]  # fmt: skip
        for order in orders:
            try:
                call(order, seconds=QUICK_SECONDS)
            except CommandError as error:
                if not any(sign in str(error).lower() for sign in ENDED):
                    raise OSError(f"Slurm could not end the job: {error}") from error

    def check(self) -> Checked:
        """Ask Slurm for its nodes, and whether it would take a job with these settings."""
        try:
            sentence = self.tried()
        except CommandError as error:
            return Checked(
                works=False, sentence=f"Slurm refuses a job with these settings: {error}."
            )
        except MissingError as error:
            return Checked(works=False, sentence=f"{error}.")
        except (NoAnswerError, BusyError) as error:
            words = f"Slurm does not answer: {error}. Check that its controller (slurmctld) runs."
            return Checked(works=False, sentence=words)
        except OSError as error:
            return Checked(works=False, sentence=f"{error}.")
        return Checked(works=True, sentence=sentence)

    def tried(self) -> str:
        """Return the sentence about a cluster that takes jobs; OSError for any other."""
        for command in ("sbatch", "squeue", "scancel"):
            call([command, "--version"], seconds=QUICK_SECONDS)
        version = call(["sinfo", "--version"], seconds=QUICK_SECONDS)[0].split()[-1:]
        call(["squeue", "--noheader", "--me", "--format=%i"], seconds=QUICK_SECONDS)
        options = options_of(self.settings, None)
        call(["sbatch", "--test-only", *options], "#!/bin/sh\nexec true\n", seconds=QUICK_SECONDS)
        wanted = [f"--partition={self.settings.partition}"] if self.settings.partition else []
        lines = call(["sinfo", "--noheader", "--format=%P|%D", *wanted], seconds=QUICK_SECONDS)[0]
        return f"Slurm {' '.join(version)} answers; {nodes_in(lines)}.{loose_processes()}"


def options_of(settings: SlurmSettings, submission: Submission | None) -> list[str]:
    """Return the options of sbatch for an attempt, or for a test without one."""
    devices = submission.devices if submission else 1
    options = ["--parsable", "--no-requeue", "--export=NIL", "--nodes=1", "--ntasks=1",
               f"--signal=B:TERM@{SAVE_SECONDS}"]  # fmt: skip
    if submission:
        # a percent sign begins a pattern in the name of a log
        log = str(submission.folder / "log.txt").replace("%", "%%")
        options += [f"--job-name={submission.name}", "--dependency=singleton", f"--output={log}",
                    "--open-mode=append", f"--chdir={submission.folder}"]  # fmt: skip
    for name in ("partition", "account", "time"):
        if value := getattr(settings, name):
            options.append(f"--{name}={value}")
    if settings.gpus:
        options.append(f"--gres=gpu:{settings.gpus * devices}")
    if settings.cores:
        options.append(f"--cpus-per-task={settings.cores * devices}")
    return options + list(settings.options)


def nodes_in(lines: str) -> str:
    """Return what sinfo says of partitions (name|nodes, a star for the default one), in words."""
    counts: dict[str, int] = {}
    for line in lines.splitlines():
        name, _, nodes = line.strip().partition("|")
        name = name.rstrip("*")
        counts[name] = counts.get(name, 0) + (int(nodes) if nodes.isdecimal() else 0)
    words = [f"partition {name} has {counted(count, 'node')}" for name, count in counts.items()]
    shown = words if len(words) <= 5 else [*words[:5], f"{len(words) - 5} more partitions"]
    return ", ".join(shown) or "it lists no partition"


def loose_processes() -> str:
    """Return a sentence if Slurm may leave processes of a job behind; empty if not, or unknown."""
    try:
        text, _ = call(["scontrol", "show", "config"], seconds=QUICK_SECONDS)
    except OSError:
        return ""
    kind = [line.split()[-1] for line in text.splitlines() if line.startswith("ProctrackType")]
    if kind in ([], ["proctrack/cgroup"]):
        return ""
    return (
        f" Its ProctrackType is {kind[0]}, with which processes of a job can outlive it; "
        "proctrack/cgroup is safer."
    )
