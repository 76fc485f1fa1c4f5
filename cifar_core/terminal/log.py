"""log: who did what, and when."""

import textwrap
import time
from argparse import Namespace
from typing import Any

from cifar_core.runs.record import action_log
from cifar_core.terminal.output import add_json, add_store, show, store_of

LONGEST = 120  # characters of an action in the table; --json has all of them


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("log", help="list who did what, newest first")
    parser.add_argument("run", nargs="?", help="number or id of the only run to list")
    parser.add_argument("--most", type=int, default=50, help="number of lines (default: 50)")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=log)


def log(arguments: Namespace) -> int:
    """Print the latest actions."""
    store = store_of(arguments)
    run = store.run(arguments.run).id if arguments.run else ""
    rows = [
        {
            "when": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(action.at)),
            "who": action.by,
            "what": what if arguments.json else shortened(what),
            "run": action.run,
        }
        for action in action_log.latest(store.root, run, arguments.most)
        for what in [f"{action.did} {action.detail}".strip()]
    ]
    show(rows, arguments.json)
    return 0


def shortened(words: str) -> str:
    """Return what a person did on one line, without the end of a long text."""
    return textwrap.shorten(words, LONGEST, placeholder=" ...")
