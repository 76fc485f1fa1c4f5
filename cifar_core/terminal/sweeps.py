"""sweeps: lists sweeps, and shows or changes one of them."""

import json
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from cifar_core.installation import PROGRAM
from cifar_core.numbers import counted
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import edits, hyperparameter_search, sweeps
from cifar_core.runs.sweeps.sweep_results import (
    CellResult,
    as_csv,
    best_of,
    compared,
    conclusion,
    counts,
    results,
)
from cifar_core.statistics.over_seeds import Spread
from cifar_core.terminal import sweep_edit
from cifar_core.terminal.output import add_json, add_store, progress, say, show, store_of
from cifar_core.terminal.search_report import print_search, search_record


def add(commands: Any) -> None:
    """Add the command of this module."""
    manage = commands.add_parser("sweeps", help="list sweeps, or show and change one of them")
    add_store(manage)
    add_json(manage)
    manage.set_defaults(command=list_sweeps)
    actions = manage.add_subparsers(metavar="ACTION")
    for name, command, about in [
        ("show", show_sweep, "print mean, spread, comparison and verdict of a sweep"),
        ("csv", print_csv, "print one line for each run, for a spreadsheet"),
        ("stop", stop_sweep, "remove its queued runs from the queue and stop the running ones"),
        ("resume", resume_sweep, "queue its stopped and failed runs again"),
        ("seeds", more_seeds, "train every setting with more seeds"),
    ]:
        parser = actions.add_parser(name, help=about)
        parser.add_argument("sweep", help="number or id of the sweep")
        add_store(parser)
        parser.set_defaults(command=command)
        if name == "show":
            parser.add_argument(
                "--against", help="part of the baseline's title (default: the best setting)"
            )
            add_json(parser)
        if name == "seeds":
            parser.add_argument(
                "--add", type=int, default=2, metavar="N", help="number (default: 2)"
            )
    sweep_edit.add(actions)


def wait_for_sweep(store: Store, sweep: Sweep) -> int:
    """Wait until no run of the sweep is queued or running, then print the results."""
    try:
        with progress("Training") as tell:
            while under_way(store, sweep):
                states = [row.state for row in sweeps.runs_of(store, sweep)]
                tell(sum(STATES[state].is_final for state in states), sweep.planned_runs)
                time.sleep(0.5)
    except KeyboardInterrupt:
        print(
            f"\nThe runs continue in the background. Stop them with: {PROGRAM} sweeps stop "
            f"{sweep.number}",
            file=sys.stderr,
        )
        return 0
    sweep, rows = sweeps.find(store, sweep.id), sweeps.runs_of(store, sweep)
    print_any(store, sweep, results(sweep, rows))
    good = ("finished", "stopped") if sweep.search else ("finished",)  # hopeless ones are stopped
    return 0 if all(row.state in good for row in rows) else 1


def under_way(store: Store, sweep: Sweep) -> bool:
    """Return whether a run is queued or running, or another one may be proposed."""
    rows = sweeps.runs_of(store, sweep)
    lives = any(row.state == "queued" or STATES[row.state].is_live for row in rows)
    return lives or sweeps.find(store, sweep.id).is_active


def list_sweeps(arguments: Namespace) -> int:
    """Print one line for each sweep."""
    store, rows = store_of(arguments), []
    for sweep in sweeps.listed(store):
        cells = results(sweep, sweeps.runs_of(store, sweep))
        best = best_of(cells)
        done = sum(len(cell.finished) for cell in cells)
        rows.append(
            {
                "sweep": sweep.number,
                "kind": "search" if sweep.search else "grid",
                "name": sweep.name,
                "varies": ", ".join(sweep.search.get("space", sweep.varied)),
                "settings": len(sweep.places),
                "seeds": None if sweep.search else len(sweep.seeds),
                "finished": f"{done}/{sweep.planned_runs}",
                "best": best.title if best else None,
                "best val": mean_words(best.val) if best else None,
            }
        )
    show(rows, arguments.json)
    return 0


def show_sweep(arguments: Namespace) -> int:
    """Print the table, the comparison and the verdict of a sweep."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    cells = results(sweep, sweeps.runs_of(store, sweep))
    baseline = best_of(cells)
    if arguments.against:
        named = [c for c in cells if arguments.against.lower() in c.title.lower() and c.val]
        baseline = named[0] if named else baseline
    if arguments.json:
        values = record(sweep, cells, baseline)
        values |= search_record(store, sweep) if sweep.search else {}
        print(json.dumps(values, indent=2, default=str))
        return 0
    print_any(store, sweep, cells, baseline)
    return 0


def record(sweep: Sweep, cells: list[CellResult], baseline: CellResult | None) -> dict[str, Any]:
    """Return everything about a sweep for programs."""
    rows = [
        {
            "title": cell.title,
            "changes": cell.changes,
            "runs": [row.number for row in cell.rows],
            "val_accuracy_by_seed": cell.by_seed,
            "val": asdict(cell.val) if cell.val else None,
            "test": asdict(cell.test) if cell.test else None,
            "seconds": cell.seconds,
        }
        for cell in cells
    ]
    return {
        **asdict(sweep),
        "cells": rows,
        "conclusion": conclusion(cells),
        "baseline": baseline.title if baseline else None,
        "comparisons": [asdict(c) for c in compared(cells, baseline)] if baseline else [],
    }


def print_any(
    store: Store, sweep: Sweep, cells: list[CellResult], baseline: CellResult | None = None
) -> None:
    """Print a sweep or a search for a person."""
    if sweep.search:
        print_search(store, sweep)
    else:
        print_sweep(sweep, cells, baseline)


def print_sweep(sweep: Sweep, cells: list[CellResult], baseline: CellResult | None = None) -> None:
    """Print a sweep for a person."""
    baseline = baseline or best_of(cells)
    rows = [row for cell in cells for row in cell.rows]
    uneven = any(row.uneven for row in rows)
    states = ", ".join(f"{n} {STATES[state].title.lower()}" for state, n in counts(rows).items())
    print(f"{sweep.id}: {sweep.name}\n{states or 'no runs'}\n")
    show(
        [
            {
                "setting": cell.title,
                "val (mean ± spread)": mean_words(cell.val),
                "best": f"{100 * max(cell.by_seed.values()):.2f} %" if cell.by_seed else None,
                "seeds": len(cell.by_seed),
                **({"balanced": mean_words(cell.balanced)} if uneven else {}),
                "test (not for choosing)": mean_words(cell.test),
                "seconds per run": cell.seconds,
            }
            for cell in cells
        ],
        as_json=False,
    )
    print()
    say(conclusion(cells))
    if baseline:
        for comparison in compared(cells, baseline):
            say(f"- {comparison.verdict}")


def mean_words(values: Spread | None) -> str | None:
    """Write mean and standard deviation as percentages."""
    if values is None:
        return None
    spread = "" if values.deviation is None else f" ± {100 * values.deviation:.2f}"
    return f"{100 * values.mean:.2f}{spread} %"


def print_csv(arguments: Namespace) -> int:
    """Print the runs of a sweep as comma-separated values."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    print(as_csv(sweep, results(sweep, sweeps.runs_of(store, sweep))), end="")
    return 0


def stop_sweep(arguments: Namespace) -> int:
    """Remove queued runs from the queue and stop the running ones."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    if sweep.is_active:
        hyperparameter_search.end(store, sweep)
    asked = sweeps.cancel(store, sweep, running=True)
    print(f"{counted(asked, 'run')} of {sweep.id} {'was' if asked == 1 else 'were'} asked to stop.")
    return 0


def resume_sweep(arguments: Namespace) -> int:
    """Queue stopped, paused and failed runs again, and make those that are missing."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    made = len(sweeps.complete(store, sweep))
    queued = (
        hyperparameter_search.go_on(store, sweep) if sweep.search else sweeps.go_on(store, sweep)
    )
    further = " The search continues." if sweep.search else ""
    count = queued + made
    print(f"{counted(count, 'run')} of {sweep.id} {'is' if count == 1 else 'are'} queued.{further}")
    return 0


def more_seeds(arguments: Namespace) -> int:
    """Train every setting with more seeds."""
    store = store_of(arguments)
    sweep = sweeps.find(store, arguments.sweep)
    more = edits.next_seeds(sweep, arguments.add)
    sweep = edits.apply(store, sweep, edits.Edit(add_seeds=more)).sweep
    print(f"{sweep.id} now has {len(sweep.seeds)} seeds: {', '.join(map(str, sweep.seeds))}.")
    return 0
