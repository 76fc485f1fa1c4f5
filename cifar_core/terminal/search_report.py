"""Prints a hyperparameter search: what was tried, what was best, what mattered."""

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
from cifar_core.terminal.output import percent, say, show


def print_search(store: Store, sweep: Sweep) -> None:
    """Print a search for a person: a line for each run, the best first, stopped ones last."""
    rows = sweeps.runs_of(store, sweep)
    trials = tried(store, sweep, rows)
    best = ranked(trials)
    print(f"{sweep.id}: {sweep.name}, a search over {', '.join(sweep.search['space'])}\n")
    show(
        [
            {
                "run": trial.row.number if trial.row else None,
                "setting": trial.title,
                "outcome": trial.outcome,
                "best val": percent(trial.row.best_val_accuracy) if trial.row else None,
                "epochs": f"{trial.row.epochs_done}/{trial.row.epochs}" if trial.row else None,
                "test (not for choosing)": percent(trial.row.test_accuracy) if trial.row else None,
            }
            for trial in [*best, *(trial for trial in trials if trial not in best)]
        ],
        as_json=False,
    )
    print()
    say(conclusion(sweep, trials))
    if left := seconds_left(sweep, rows):
        say(f"The rest takes about {left / 60:.0f} minutes, or less if runs are stopped early.")
    if shares := importance(store, sweep, rows):
        words = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
        say(f"What sets the good runs apart, roughly: {words}.")
    elif len(sweep.search["space"]) > 1:
        say(f"Which setting matters most is shown after {runs_needed(sweep)} finished runs.")


def search_record(store: Store, sweep: Sweep) -> dict[str, Any]:
    """Return what only a search has, for programs."""
    rows = sweeps.runs_of(store, sweep)
    trials = tried(store, sweep, rows)
    return {
        "conclusion": conclusion(sweep, trials),
        "outcomes": [trial.outcome for trial in trials],
        "best": ranked(trials)[0].changes if ranked(trials) else None,
        "importance": importance(store, sweep, rows),
        "comparisons": [],  # no setting was trained twice
    }
