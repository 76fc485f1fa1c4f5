"""find-rate: runs a rate search and prints its verdict."""

import sys
from argparse import Namespace
from typing import Any

from cifar_core.disk import files
from cifar_core.runs.family import start_from
from cifar_core.runs.store.store import Run
from cifar_core.terminal.output import add_json, add_store, say, show, store_of
from cifar_core.terminal.runs import add_settings, config_of, wait_for
from cifar_core.terminal.teachers import add_teachers, teachers_of


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("find-rate", help="search for a good learning rate")
    add_settings(parser)
    add_teachers(parser)
    parser.add_argument("--background", action="store_true", help="do not wait for the verdict")
    add_store(parser)
    add_json(parser)
    parser.set_defaults(command=find)


def find(arguments: Namespace) -> int:
    """Begin a rate search with the settings of a run, wait for it and print its verdict."""
    from cifar_core.runs.sweeps.rate_searches import begin

    config, store = config_of(arguments), store_of(arguments)
    fill = start_from.filler(teachers=teachers_of(arguments, config, store))
    run = begin(store, config, fill=fill)
    print(run.id, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.background:
        return 0
    if not wait_for(run, "Searching for a rate"):
        return 0
    return show_verdict(run, as_json=arguments.json)


def show_verdict(run: Run, *, as_json: bool) -> int:
    """Print the result of a rate search that has ended."""
    suggestion = run.summary.suggestion
    if not suggestion:
        print(f"{run.status.state}: {run.status.message}", file=sys.stderr)
        return 1
    if as_json:
        show([files.plain_of(suggestion)], as_json=True)
        return 0
    say(suggestion.verdict)
    if suggestion.advice != "none":
        say(
            f"rate {suggestion.rate:g}  (90 % interval {suggestion.low:g} to "
            f"{suggestion.high:g}, plateau {suggestion.plateau_low:g} to "
            f"{suggestion.plateau_high:g}; {suggestion.steps:,} steps)"
        )
    return 0
