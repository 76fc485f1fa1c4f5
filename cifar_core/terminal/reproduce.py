"""reproduce, verify: how to get a run again, and whether its first steps come out the same."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.terminal.output import add_json, add_store, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser: ArgumentParser = commands.add_parser(
        "reproduce", help="print the command, settings, seed, images and versions of a run"
    )
    parser.add_argument("run", help="the run's number or id")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=reproduce)

    check: ArgumentParser = commands.add_parser(
        "verify", help="train a run's first steps again and compare every logged number"
    )
    check.add_argument("run", help="the run's number or id")
    check.add_argument("--steps", type=int, default=20, help="how many (default 20)")
    add_store(check)
    add_json(check)
    check.set_defaults(command=verify)


def reproduce(arguments: Namespace) -> int:
    """Print the command that trains a run again, or everything that decides what it learns."""
    from cifar_core.runs.exchange.recipe import recipe

    found = recipe(store_of(arguments).run(arguments.run))
    print(json.dumps(found, indent=2) if arguments.json else found["command"])
    return 0


def verify(arguments: Namespace) -> int:
    """Print whether the first steps came out the same; the exit code is 1 if they did not."""
    from cifar_core.runs.results.verify import verify

    found = verify(store_of(arguments).run(arguments.run), arguments.steps)
    print(json.dumps(asdict(found), indent=2) if arguments.json else found.sentence)
    return 0 if found.equal else 1
