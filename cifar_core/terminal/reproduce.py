"""reproduce, verify: how to repeat a run, and whether its first steps come out the same."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.terminal.output import add_json, add_run, add_store, progress, say, store_of


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser: ArgumentParser = commands.add_parser(
        "reproduce", help="print the command, settings, seed, images and versions of a run"
    )
    add_run(parser)
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=reproduce)

    check: ArgumentParser = commands.add_parser(
        "verify", help="train a run's first steps again and compare every logged number"
    )
    add_run(check)
    check.add_argument("--steps", type=int, default=20, help="number of steps (default: 20)")
    add_store(check)
    add_json(check)
    check.set_defaults(command=verify)


def reproduce(arguments: Namespace) -> int:
    """Print the command that repeats a run, or everything that decides what it learns."""
    from cifar_core.runs.exchange.recipe import recipe

    steps = recipe(store_of(arguments).run(arguments.run))
    print(json.dumps(steps, indent=2) if arguments.json else steps["command"])
    return 0


def verify(arguments: Namespace) -> int:
    """Print whether the first steps came out the same; the exit code is 1 if they did not."""
    from cifar_core.runs.results.verify import verify

    run = store_of(arguments).run(arguments.run)
    with progress("Training the first steps again") as tell:
        comparison = verify(run, arguments.steps, tell)
    if arguments.json:
        print(json.dumps(asdict(comparison), indent=2))
    else:
        say(comparison.sentence)
    return 0 if comparison.equal else 1
