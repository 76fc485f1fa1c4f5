"""What the terminal says of a search: what was tried, what was best, what mattered."""

from typing import Any

from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import sweeps
from cifar_core.runs.sweeps.search_results import (
    conclusion,
    importance,
    ranked,
    runs_needed,
    seconds_left,
    tried,
)
from cifar_core.terminal.output import percent, show


def print_search(store: Store, sweep: Sweep) -> None:
    """Print a search for a person: a line for each run, the best first, those given up last."""
    rows = sweeps.runs_of(store, sweep)
    found = tried(store, sweep, rows)
    best = ranked(found)
    print(f"{sweep.id}: {sweep.name}, a search over {', '.join(sweep.search['space'])}\n")
    show(
        [
            {
                "run": one.row.number if one.row else None,
                "setting": one.title,
                "outcome": one.outcome,
                "best val": percent(one.row.best_val_accuracy) if one.row else None,
                "epochs": f"{one.row.epochs_done}/{one.row.epochs}" if one.row else None,
                "test (not to choose by)": percent(one.row.test_accuracy) if one.row else None,
            }
            for one in [*best, *(one for one in found if one not in best)]
        ],
        as_json=False,
    )
    print(f"\n{conclusion(sweep, found)}")
    if left := seconds_left(sweep, rows):
        print(f"The rest takes about {left / 60:.0f} minutes, less if runs are stopped early.")
    if shares := importance(store, sweep, rows):
        told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
        print(f"What tells the good runs from the rest, roughly: {told}.")
    elif len(sweep.search["space"]) > 1:
        print(f"Which setting mattered most can be said after {runs_needed(sweep)} finished runs.")


def search_record(store: Store, sweep: Sweep) -> dict[str, Any]:
    """Return what is particular to a search, for programs."""
    rows = sweeps.runs_of(store, sweep)
    found = tried(store, sweep, rows)
    return {
        "conclusion": conclusion(sweep, found),
        "outcomes": [one.outcome for one in found],
        "best": ranked(found)[0].changes if ranked(found) else None,
        "importance": importance(store, sweep, rows),
        "comparisons": [],  # no setting was trained twice
    }
