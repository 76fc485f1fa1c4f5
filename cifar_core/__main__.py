"""The same functions from a terminal: python -m cifar_core --help."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cifar_core.errors import CifarError
from cifar_core.installation import STORE_RULE, VERSION, require_posix

Add = Callable[[Any], None]  # adds commands to the parser


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
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (*first, *COMMANDS):
        add(commands)
    return top


def main(
    words: list[str] | None = None, *, prog: str = "python -m cifar_core", first: Sequence[Add] = ()
) -> int:
    """Run one command and return its exit code; errors that a user can fix are printed."""
    require_posix()
    if isinstance(sys.stdout, io.TextIOWrapper):  # names from the disk may not be UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser(prog, first).parse_args(words)
    try:
        code: int = arguments.command(arguments)
    except CifarError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
