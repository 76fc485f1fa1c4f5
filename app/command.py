"""The command `cifar-lab`: `up` opens the dashboard, everything else is as in a terminal."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from cifar_core import __main__ as terminal


def main() -> int:
    """Run one command and return its exit code."""
    return terminal.main(prog="cifar-lab", first=(add,))


def add(commands: Any) -> None:
    """Add the command that opens the dashboard."""
    from cifar_core.terminal.output import add_store

    parser: ArgumentParser = commands.add_parser("up", help="open the dashboard")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8501)")
    parser.add_argument(
        "--address",
        help="address to listen on (default: 127.0.0.1); any other one asks visitors to log in",
    )
    add_store(parser)
    parser.set_defaults(command=up)


def up(arguments: Namespace) -> int:
    """Serve the dashboard until it is interrupted."""
    if arguments.store:
        os.environ["CIFAR_STORE"] = str(Path(arguments.store).absolute())
    from app import server

    sys.argv = [str(server.__file__)]  # Streamlit reads the configuration beside what was started
    wanted = {"server.port": arguments.port, "server.address": arguments.address}
    server.app.run(config={name: value for name, value in wanted.items() if value is not None})
    return 0
