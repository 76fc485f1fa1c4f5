"""log: who asked for what."""

import time
from argparse import Namespace
from typing import Any

from cifar_core.runs.record import action_log
from cifar_core.terminal.output import add_json, add_store, show, store_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("log", help="list who asked for what, newest first")
    parser.add_argument("run", nargs="?", help="of one run alone: its number or id")
    parser.add_argument("--most", type=int, default=50, help="how many lines (default: 50)")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=log)


def log(arguments: Namespace) -> int:
    """Print the latest changes."""
    store = store_of(arguments)
    run = store.run(arguments.run).id if arguments.run else ""
    rows = [
        {
            "when": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(deed.at)),
            "who": deed.by,
            "what": f"{deed.did} {deed.detail}".strip(),
            "run": deed.run,
        }
        for deed in action_log.deeds(store.root, run, arguments.most)
    ]
    show(rows, arguments.json)
    return 0
