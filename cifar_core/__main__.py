"""The same functions from a terminal: python -m cifar_core --help."""

import argparse
import sys

from cifar_core.errors import CifarError
from cifar_core.terminal import (
    archive,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    export_model,
    listing,
    log,
    rate,
    reading,
    report,
    reproduce,
    runs,
    search,
    settings,
    sweep,
    sweeps,
    tidy,
    weights,
)

MODULES = (
    *(runs, log, listing, archive, export_model, evaluate, compare, reading, report, reproduce),
    *(rate, sweep, sweeps, search, explain, data, weights, settings, tidy, doctor),
)


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    top = argparse.ArgumentParser(
        prog="python -m cifar_core",
        description="Train, watch, compare and explain image classifiers.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in MODULES:
        module.add(commands)
    return top


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code; what the user can fix is told in a sentence."""
    arguments = parser().parse_args(words)
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
