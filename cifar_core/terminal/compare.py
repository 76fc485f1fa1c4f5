"""compare: which of several runs is better, and what differs in their settings."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.runs.results import comparison
from cifar_core.runs.results.predictions import Part, Predictions, compute, kept
from cifar_core.runs.results.side_by_side import (
    RunFacts,
    about_curves_only,
    best_of,
    facts,
    setting_rows,
)
from cifar_core.runs.results.test_looks import count_look
from cifar_core.terminal.output import Row, add_store, percent, progress, say, show, store_of

MOST = 9


def add(commands: Any) -> None:
    """Add the command of this module."""
    parser: ArgumentParser = commands.add_parser(
        "compare", help="say which of several runs is better, and what differs in their settings"
    )
    parser.add_argument("runs", nargs="+", help="numbers or ids of two to nine runs")
    parser.add_argument(
        "--part", choices=("val", "test"), default="val",
        help="images to compare them on (default: val); test counts as a look at the test images",
    )  # fmt: skip
    parser.add_argument("--against", help="run to compare the others with (default: the best)")
    add_store(parser)
    parser.set_defaults(command=compare)


def compare(arguments: Namespace) -> int:
    """Print the verdict, the results and the settings that differ."""
    store = store_of(arguments)
    runs = list({run.id: run for run in map(store.run, arguments.runs)}.values())
    if not 2 <= len(runs) <= MOST:
        raise RunError(f"Name 2 to {MOST} different runs to compare, not {len(runs)}.")
    results = [facts(run) for run in runs]
    uneven = any(result.uneven for result in results)
    if about := about_curves_only(results):
        say(about)
        print()
        show([result_row(result, uneven=uneven) for result in results], as_json=False)
        return 0
    base = store.run(arguments.against) if arguments.against else best_of(results).run
    if base.id not in [run.id for run in runs]:
        raise RunError(f"Run {base.id} is not one of the runs to compare.")
    for sentence in verdict(runs, base, arguments.part):
        say(sentence)
    print()
    show([result_row(result, uneven=uneven) for result in results], as_json=False)
    position = [run.id for run in runs].index(base.id)
    different: list[Row] = [
        {
            "setting": row.name,
            **{f"#{run.number}": row.words(i, position) for i, run in enumerate(runs)},
        }
        for row in setting_rows(runs)
        if row.differs
    ]
    print()
    if different:
        show(different, as_json=False)
    else:
        print("Their settings are the same.")
    return 0


def verdict(runs: Sequence[Run], base: Run, part: Part) -> list[str]:
    """Return the sentences, after the runs have classified the images."""
    obstacles = comparison.obstacles(runs, part)
    predictions = [predictions_of(run, part) for run in runs]
    pairs = comparison.compare_with(base, predictions)
    sentences = [comparison.headline(base, pairs), *details(pairs, part)] if pairs else []
    beside = [comparison.balanced_words(predictions, part)] if pairs else []
    return [*obstacles, *sentences, *comparison.beyond(runs, pairs), *filter(None, beside)]


def details(pairs: Sequence[comparison.PairComparison], part: Part) -> list[str]:
    """Return what the headline rests on."""
    evidence = [comparison.evidence(pair, part) for pair in pairs]
    return [*evidence, *filter(None, [comparison.correction(pairs)])]


def predictions_of(run: Run, part: Part) -> Predictions:
    """Return a run's predictions, computed now if they are not kept."""
    if part == "test":
        count_look(run, "the terminal", run.checkpoint("best").name)
    if predictions := kept(run, part):
        return predictions
    with progress(f"Run {run.number} classifies the images") as tell:
        return compute(run, part, report=tell)


def result_row(result: RunFacts, *, uneven: bool) -> dict[str, Any]:
    """Return a run's line of the table; with more figures if the classes of any are uneven."""
    more = {"balanced": percent(result.balanced), "macro F1": percent(result.f1)}
    return {
        "run": result.run.number,
        "name": result.name,
        "best val": percent(result.best),
        **(more if uneven else {}),
        "at epoch": result.best_epoch,
        "last": percent(result.last),
        "gap": None if result.gap is None else f"{100 * result.gap:+.1f}",
        "test": percent(result.test),
        "seconds": None if result.seconds is None else round(result.seconds),
        "parameters": result.parameters,
        "images/s": None if result.images_per_second is None else round(result.images_per_second),
    }
