"""sweep: trains every combination of several values, each with the same seeds."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from cifar_core.errors import CifarError, ConfigError
from cifar_core.installation import PROGRAM
from cifar_core.runs.store.store import Store
from cifar_core.runs.sweeps import found_rates, sweeps
from cifar_core.settings.parameter_grid import Axis, axis_of
from cifar_core.terminal.output import add_store, store_of
from cifar_core.terminal.runs import add_settings, config_of
from cifar_core.terminal.sweeps import wait_for_sweep

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser = commands.add_parser("sweep", help="train every combination of several values")
    add_settings(parser)
    parser.add_argument(
        "--vary", action="append", default=[], metavar="KEY=VALUES",
        help="values, such as learning_rate=0.01,0.1 or seed=1-3; settings that change together: "
        "'optimizer=sgd,learning_rate=0.06 | optimizer=adam,learning_rate=0.003'",
    )  # fmt: skip
    parser.add_argument(
        "--found-rates", action="store_true",
        help="train each combination at the rate that finished rate searches found for it",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="name of the sweep")
    parser.add_argument(
        "--dry-run", action="store_true", help="only print which runs would be made"
    )
    parser.add_argument(
        "--foreground", action="store_true", help="wait for the runs and print the comparison"
    )
    add_store(parser)
    parser.set_defaults(command=start)


def start(arguments: Namespace) -> int:
    """Plan a sweep, print its runs, and queue them."""
    from cifar_core.config import TrainConfig

    base = config_of(arguments)
    axes, seeds = sweeps.seeds_apart(
        [axis_of(TrainConfig, text) for text in arguments.vary], base.seed
    )
    if arguments.found_rates:
        axes = [at_found_rates(store_of(arguments), base, axes)]
    cells = sweeps.planned(base, axes, seeds)
    print(f"{len(cells)} settings x {len(seeds)} seeds = {len(cells) * len(seeds)} runs")
    for cell in cells:
        print(f"  {cell.title}")
    if arguments.dry_run:
        return 0
    store = store_of(arguments)
    sweep = sweeps.create(store, base, axes, seeds, name=arguments.name)
    print(sweep.id, flush=True)
    return wait_for_sweep(store, sweep) if arguments.foreground else 0


def at_found_rates(store: Store, base: "TrainConfig", axes: list[Axis]) -> Axis:
    """Return each combination at its found rate, or say which rate searches are missing."""
    rates = found_rates.found_rates(store, base, axes)
    try:
        return found_rates.axis_of(rates)
    except ConfigError as error:
        words = [
            " ".join(f"--set {name}={value}" for name, value in rate.changes.items())
            for rate in rates
            if rate.is_missing
        ]
        commands = "\n".join(f"  {PROGRAM} find-rate ... {word}" for word in words)
        advice = f"\nStart these rate searches, all else the same:\n{commands}" if words else ""
        raise CifarError(f"{error}{advice}") from error
