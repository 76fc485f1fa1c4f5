"""The same functions from a terminal: python -m cifar_core --help."""

import argparse
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cifar_core.errors import CifarError
from cifar_core.installation import STORE_RULE, VERSION, default_store, require_posix

Add = Callable[[Any], None]  # adds commands to the parser
REFUSED, FAULTY, INTERRUPTED = 2, 3, 130  # exit codes
FAULT = (
    "The command ended because of a fault in the program. Report it with its details: they are in "
    "{log}, under the code {code}."
)


def parser(
    prog: str = "python -m cifar_core", first: Sequence[Add] = ()
) -> argparse.ArgumentParser:
    """Return the parser with every command, those that `first` adds before the others."""
    from cifar_core.terminal import COMMANDS

    top = argparse.ArgumentParser(
        prog=prog,
        description="Train, watch, compare and explain image classifiers.",
        epilog=f"The store (runs, data, weights): --store if given; else {STORE_RULE}.",
    )
    top.add_argument("--version", action="version", version=f"CIFAR Lab {VERSION}")
    top.add_argument("--store", help="folder of runs; may be given after the command too")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (*first, *COMMANDS):
        add(commands)
    return top


def main(
    words: list[str] | None = None, *, prog: str = "python -m cifar_core", first: Sequence[Add] = ()
) -> int:
    """Run one command and return its exit code; every error is printed as a sentence."""
    require_posix()
    speak_any_language()
    arguments = parser(prog, first).parse_args(words)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()  # here, where an error of it is still understood
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        return refuse(error, store_named(arguments))
    return code


def speak_any_language() -> None:
    """Let output contain any character: one that the terminal's encoding lacks becomes '?'."""
    if isinstance(sys.stdout, TextIOWrapper):  # the error stream never fails on a character
        sys.stdout.reconfigure(errors="replace")


def store_named(arguments: argparse.Namespace) -> Path:
    """Return the folder of runs that a command was given, or that it uses by default."""
    return Path(arguments.store or default_store()).absolute()


def refuse(error: Exception, root: Path) -> int:
    """Print why a command ended, and return its exit code."""
    from cifar_core.disk import faults_log
    from cifar_core.disk.os_errors import explained

    if isinstance(error, CifarError | OSError):
        print(explained(error, root), file=sys.stderr)
        return REFUSED
    code, log = faults_log.record(error, root)
    print(FAULT.format(log=log, code=code), file=sys.stderr)
    return FAULTY


if __name__ == "__main__":
    sys.exit(main())
