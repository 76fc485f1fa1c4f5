"""Calls of Slurm's commands, each with a limit of time."""

import os
import signal
import subprocess
from collections.abc import Sequence

from cifar_core.data.sources.limits import shown
from cifar_core.runs.backends.backend import NoAnswerError

SECONDS = 20.0  # Slurm's own commands give up after MessageTimeout, by default 10 s
# variables that would add options of their own
FOREIGN = ("SBATCH_", "SQUEUE_", "SCANCEL_", "SINFO_", "SLURM_")
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
# errors of sbatch after which a job may be there or not, and those after which it is not
LOST = ("timed out", "zero bytes", "communication connection failure")
BUSY = ("contact slurm controller", "connection refused", "temporarily", "maxsubmitjob",
        "backup controller")  # fmt: skip
LONGEST = 300  # characters of an error


class CommandError(OSError):
    """A command of Slurm that ended with an error; its text is Slurm's own."""


class BusyError(OSError):
    """Slurm's controller was not reached, or has enough jobs: it did not do what was asked."""


class MissingError(BusyError):
    """A command of Slurm that this process does not find."""


def environment() -> dict[str, str]:
    """Return the environment of Slurm's commands: times are unix seconds, words English."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or not name.startswith(FOREIGN)
    }
    return own | {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C"}


def call(command: Sequence[str], text: str = "", *, seconds: float = SECONDS) -> tuple[str, str]:
    """Run a command of Slurm with a text as its input; return its output and its messages.

    Raises NoAnswerError if it takes too long, BusyError if Slurm could do nothing, CommandError if
    it fails, and MissingError if it is not on the PATH.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise MissingError(missing(command[0])) from error
    try:
        output, messages = process.communicate(text, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NoAnswerError(f"{command[0]} did not answer within {seconds:.0f} seconds") from error
    if process.returncode:
        raise failed(command[0], messages or output)
    return output, messages


def missing(command: str) -> str:
    """Return the sentence about a process that does not find one of Slurm's commands.

    The executor has the PATH of the program that started it.
    """
    return (
        f"CIFAR Lab finds no command {command} on its PATH; install Slurm's commands here, or end "
        "the executor and start the dashboard where they are on the PATH"
    )


def failed(command: str, messages: str) -> OSError:
    """Return the error of a command that failed, with Slurm's own words."""
    words = in_one_line(command, messages)
    for signs, error in ((LOST, NoAnswerError), (BUSY, BusyError)):
        if any(sign in words.lower() for sign in signs):
            return error(words)
    return CommandError(words)


def in_one_line(command: str, messages: str) -> str:
    """Return the messages of a command without their prefixes."""
    lines = [
        line.strip().removeprefix(f"{command}: ").removeprefix("error: ").strip()
        for line in messages.splitlines()
    ]
    text = "; ".join(dict.fromkeys(line for line in lines if line))
    return shown(text, LONGEST).rstrip(".") or f"{command} failed without a message"
