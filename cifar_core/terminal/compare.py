"""compare: which of several runs is better, and what differs in their settings."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.runs.results import comparison
from cifar_core.runs.results.predictions import Part, Predictions, compute, kept
from cifar_core.runs.results.side_by_side import RunFacts, best_of, facts, setting_rows
from cifar_core.runs.results.test_looks import count_look
from cifar_core.terminal.output import Row, add_store, percent, store_of, table

MOST = 9


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser: ArgumentParser = commands.add_parser(
        "compare", help="say which of several runs is better, and what differs in their settings"
    )
    parser.add_argument("runs", nargs="+", help="numbers or ids of two to nine runs")
    parser.add_argument(
        "--part", choices=("val", "test"), default="val",
        help="the images they are compared on (default: val); test counts as a look at them",
    )  # fmt: skip
    parser.add_argument("--against", help="run that the others are compared with (default: best)")
    add_store(parser)
    parser.set_defaults(command=compare)


def compare(arguments: Namespace) -> int:
    """Print the verdict, the results and the settings that differ."""
    store = store_of(arguments)
    runs = list({run.id: run for run in map(store.run, arguments.runs)}.values())
    if not 2 <= len(runs) <= MOST:
        raise RunError(f"Name 2 to {MOST} different runs to compare, not {len(runs)}.")
    found = [facts(run) for run in runs]
    base = store.run(arguments.against) if arguments.against else best_of(found).run
    if base.id not in [run.id for run in runs]:
        raise RunError(f"Run {base.id} is not among those that are compared.")
    for sentence in verdict(runs, base, arguments.part):
        print(sentence)
    print("\n" + table([result(one) for one in found]))
    rows = [row for row in setting_rows(runs) if row.differs]
    place = [run.id for run in runs].index(base.id)
    lines: list[Row] = [
        {"setting": row.name, **{f"#{r.number}": row.words(i, place) for i, r in enumerate(runs)}}
        for row in rows
    ]
    print("\n" + (table(lines) if lines else "Their settings are the same."))
    return 0


def verdict(runs: Sequence[Run], base: Run, part: Part) -> list[str]:
    """Return the sentences, after the runs have answered the images."""
    why = comparison.obstacles(runs, part)
    found = comparison.duels_of(base, [answered(run, part) for run in runs])
    told = [comparison.headline(base, found), *details(found, part)] if found else []
    return [*why, *told, *comparison.beyond(runs, found)]


def details(found: Sequence[comparison.Duel], part: Part) -> list[str]:
    """Return what the headline rests on."""
    evidence = [comparison.evidence(duel, part) for duel in found]
    return [*evidence, *filter(None, [comparison.correction(found)])]


def answered(run: Run, part: Part) -> Predictions:
    """Return a run's answers, computed now if they are not kept."""
    if part == "test":
        count_look(run, "the terminal", run.checkpoint("best").name)
    found = kept(run, part)
    if found is None:
        print(f"Run {run.number} answers the images, once.", file=sys.stderr)
        found = compute(run, part)
    return found


def result(one: RunFacts) -> dict[str, Any]:
    """Return a run's line of the table."""
    return {
        "run": one.run.number,
        "name": one.name,
        "best val": percent(one.best),
        "at epoch": one.best_epoch,
        "last": percent(one.last),
        "gap": None if one.gap is None else f"{100 * one.gap:+.1f}",
        "test": percent(one.test),
        "seconds": None if one.seconds is None else round(one.seconds),
        "parameters": one.parameters,
        "images/s": None if one.images_per_second is None else round(one.images_per_second),
    }
