"""search: proposes settings run after run and looks for the best ones."""

from argparse import Namespace
from typing import Any

from cifar_core.runs.sweeps import hyperparameter_search, search_space
from cifar_core.terminal.output import add_store, store_of
from cifar_core.terminal.runs import add_settings, config_of
from cifar_core.terminal.sweeps import wait_for_sweep


def add(commands: Any) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser(
        "search", help="start a hyperparameter search: find the best settings, run after run"
    )
    add_settings(parser)
    parser.add_argument(
        "--over", action="append", default=[], metavar="KEY=RANGE",
        help="a range, such as learning_rate=0.001..0.1, or choices, such as optimizer=sgd,adam",
    )  # fmt: skip
    parser.add_argument("--runs", type=int, default=20, help="number of runs (default: 20)")
    parser.add_argument(
        "--prune", default="median", choices=list(hyperparameter_search.PRUNERS),
        help="rule that stops hopeless runs early (default: median)",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="name of the search")
    parser.add_argument(
        "--foreground", action="store_true", help="wait for the search and print its results"
    )
    add_store(parser)
    parser.set_defaults(command=start)


def start(arguments: Namespace) -> int:
    """Begin a search and print its id; it goes on in the background."""
    base = config_of(arguments)
    space = search_space.space_of(arguments.over)
    store = store_of(arguments)
    made = hyperparameter_search.create(
        store, base, space, budget=arguments.runs, pruner=arguments.prune, name=arguments.name
    )
    print(made.id, flush=True)
    return wait_for_sweep(store, made) if arguments.foreground else 0
