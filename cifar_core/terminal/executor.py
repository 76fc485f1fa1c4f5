"""executor: says where the process runs that works through the queue; ends it or starts another."""

import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.errors import RunError
from cifar_core.installation import PROGRAM
from cifar_core.terminal.output import add_store, say, store_of

START_SECONDS = 20.0  # for a new executor to take its lock, on a loaded machine


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser(
        "executor", help="say where the process runs that starts runs, or end or restart it"
    )
    add_store(parser)
    parser.set_defaults(command=status)
    actions = parser.add_subparsers(metavar="ACTION")
    for name, command, about in [
        ("status", status, "say whether it runs, and where"),
        ("end", end, "end it, such as before another machine takes over the store"),
        ("restart", restart, "end it and start one with the environment of this terminal"),
    ]:
        action = actions.add_parser(name, help=about)
        add_store(action)
        action.set_defaults(command=command)


def status(arguments: Namespace) -> int:
    """Print where the executor of the store runs."""
    root = store_of(arguments).root
    machine = processes.elsewhere(root)
    if machine:
        say(f"The executor of this store runs on {machine}.")
    elif lock.is_locked(processes.executor_lock(root)):
        known = files.read_json(processes.identity_file(root))
        number = f", as process {known['pid']}" if lock.is_same(known) else ""  # written only later
        say(f"The executor of this store runs on this machine{number}.")
    else:
        say("No executor runs. It starts when a run is to be started.")
    return 0


def end(arguments: Namespace) -> int:
    """End the executor of this machine."""
    if not ended(store_of(arguments).root):
        say("No executor runs.")
        return 0
    say(
        "The executor has ended. Runs that train continue. Open pages of this machine, runs that "
        "train here and requests start another one within seconds, unless another machine has "
        "started one before."
    )
    return 0


def restart(arguments: Namespace) -> int:
    """End the executor of this machine, and start one with the environment of this terminal."""
    root = store_of(arguments).root
    ended(root)
    processes.ensure_running(root)
    deadline = time.monotonic() + START_SECONDS
    while not processes.is_running(root):
        if time.monotonic() > deadline:
            raise RunError(f"The executor has not started. {root / 'executor.log'} may say why.")
        time.sleep(0.05)
    say("The executor has started with the environment of this terminal. Runs continue.")
    return 0


def ended(root: Path) -> bool:
    """End the executor of this machine; return False if there was none."""
    machine = processes.elsewhere(root)
    if machine:
        raise RunError(
            f"The executor of this store runs on {machine}, and only {machine} can end it. Run "
            f"`{PROGRAM} executor end` there."
        )
    if not lock.is_locked(processes.executor_lock(root)):
        return False
    processes.shut_down(root)
    if lock.is_locked(processes.executor_lock(root)):
        raise RunError(
            "The executor has not ended within 10 s: it may be waiting for a disk or a network "
            "drive. Runs that train continue; try again later."
        )
    return True
