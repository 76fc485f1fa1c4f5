"""Hyperparameter search: settings proposed one after another, each from the results so far.

A search is a sweep whose cells are chosen by Optuna's TPE sampler (Bergstra et al. 2011,
https://papers.nips.cc/paper/4443) and whose hopeless runs are stopped early. Its only memory is the
run folders: the study is replayed from them for every proposal, so any process may be killed.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core import devices
from cifar_core.background import processes
from cifar_core.errors import ConfigError, OutOfServiceError
from cifar_core.numbers import percent
from cifar_core.registry import Option, Registry
from cifar_core.runs.record import control
from cifar_core.runs.record.run import RESUMABLE
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store import sweep_files
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Cell, Sweep
from cifar_core.runs.sweeps import origins, sweeps
from cifar_core.runs.sweeps.search_space import distributions, is_inside, point_of
from cifar_core.settings.parameter_grid import MOST, in_words

if TYPE_CHECKING:
    import optuna

    from cifar_core.config import TrainConfig

PRUNERS = Registry(
    "pruner",
    [
        Option(
            key="median",
            title="Below the median",
            summary="Stops a run whose best accuracy is below the median of the others by then.",
        ),
        Option(
            key="halving",
            title="Successive halving",
            summary="Continues only the best third after 1, 3, 9, ... epochs.",
        ),
        Option(key="none", title="None", summary="Trains every run to the end."),
    ],
)
PRUNED = "pruned"  # the reason in control.json
SPENT = "All runs of its budget are done."  # why a search has ended by itself
TRIES = 20  # proposals that may be impossible before the search gives up
BEFORE_PRUNING = 4  # runs trained to the end, to compare the others with


def create(
    store: Store,
    base: "TrainConfig",
    space: Mapping[str, Mapping[str, Any]],
    *,
    budget: int = 20,
    pruner: str = "median",
    name: str = "",
    token: str = "",
    start: origins.Source | None = None,
    teachers: Sequence[origins.Source] = (),
) -> Sweep:
    """Start a search of `budget` runs; it continues by itself in the background.

    All runs start from the weights of `start`, a run and its checkpoint, and learn from `teachers`.
    """
    check_budget(budget, 2)
    PRUNERS[pruner]
    search = {
        "space": dict(space), "budget": budget, "pruner": pruner, "seed": base.seed, "ended": "",
        "owner": store.by.name,
    }  # fmt: skip
    sweep = sweeps.begin(
        store, base, [], [base.seed], name=name or "Search", token=token, search=search,
        start=start, teachers=teachers,
    )  # fmt: skip
    processes.ensure_running(store.root)
    return sweep


def check_budget(budget: int, least: int) -> None:
    """Raise ConfigError unless a search may have this number of runs."""
    if not least <= budget <= MOST:
        raise ConfigError({"budget": f"budget is {budget}, but it must be {least} to {MOST}."})


def replayed(
    store: Store, sweep: Sweep, rows: Sequence[RunRow], *, outside: bool = True
) -> "tuple[optuna.Study, dict[str, bool]]":
    """Return a study that knows every result, and which live runs are hopeless, by their ids.

    Results that the search space no longer has are left out, and those `outside` its ranges too
    unless they are wanted.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search, epochs = sweep.search, int(sweep.base["epochs"])
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if search["pruner"] == "median":
        pruner = optuna.pruners.MedianPruner(
            n_startup_trials=BEFORE_PRUNING, n_warmup_steps=max(1, epochs // 5)
        )
    elif search["pruner"] == "halving":
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner
    )
    by_cell = {row.cell: row for row in rows}
    hopeless: dict[str, bool] = {}
    for index, cell in enumerate(sweep.cells):
        point = point_of(cell, search["space"], sweep.base)
        if point is None or not (outside or is_inside(point, search["space"])):
            continue
        trial = asked(study, point, search["space"])
        row = by_cell.get(index)
        behind = False
        for epoch, accuracy in enumerate(row.history if row else (), 1):
            trial.report(accuracy, epoch)
            behind = trial.should_prune()
        if row is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif row.state == "finished":
            study.tell(trial, row.best_val_accuracy)
        elif row.state == "failed" and row.reason == "diverged":
            study.tell(trial, 0.0)  # so that it is not proposed again
        elif was_pruned(store, row):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif is_under_way(row.state, row.reason):
            hopeless[row.id] = behind
        else:  # stopped by a person, or failed for a reason that says nothing about its settings
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return study, hopeless


def asked(
    study: "optuna.Study", point: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]
) -> "optuna.Trial":
    """Return a trial of a study at a point, whose numbers may lie outside their ranges."""
    study.enqueue_trial(dict(point))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Fixed parameter .* is out of range")
        return study.ask(distributions(space))


def was_pruned(store: Store, row: RunRow) -> bool:
    """Whether a run was stopped early by the search."""
    folder = store.root / "runs" / row.id
    return row.state == "stopped" and control.read(folder).reason == PRUNED


def proposed(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> Cell:
    """Return the settings to try next; the same results always give the same settings."""
    import optuna

    from cifar_core.config import TrainConfig

    study, _ = replayed(store, sweep, rows)
    budget = int(sweep.search["budget"])
    study.sampler = optuna.samplers.TPESampler(
        seed=int(sweep.search["seed"]) + len(sweep.cells),
        n_startup_trials=min(10, max(4, budget // 4)),
    )
    problems: dict[str, str] = {}
    for _try in range(TRIES):
        trial = study.ask(distributions(sweep.search["space"]))
        changes = {name: rounded(value) for name, value in trial.params.items()}
        try:
            TrainConfig.from_dict({**sweep.base, **changes})
        except ConfigError as error:  # a combination that cannot train
            problems = error.problems
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            return Cell(title=in_words(TrainConfig, changes), changes=changes)
    raise ConfigError(problems)


def rounded(value: Any) -> Any:
    """Round a real number to three digits, which are all that matter."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def step(store: Store, id_: str) -> bool:
    """Stop hopeless runs and start the next one; False when nothing is left to do."""
    sweep = sweeps.find(store, id_)
    if sweep.search["ended"]:
        return False
    rows = sweeps.runs_of(store, sweep)
    prune(store, sweep, rows)
    under_way = [row for row in rows if is_under_way(row.state, row.reason)]
    if sweeps.missing(store, sweep):  # a run that was about to be created
        sweeps.complete(store, sweep)
        return True
    if len(under_way) < parallel_runs(store.root) and len(sweep.cells) < sweep.search["budget"]:
        sweeps.complete(store, with_cell(store, sweep, proposed(store, sweep, rows)))
        return True
    return bool(under_way) or len(sweep.cells) < sweep.search["budget"]


def with_cell(store: Store, sweep: Sweep, cell: Cell) -> Sweep:
    """Save the next settings in the sweep's file; a search ended in the meantime stays ended."""
    with sweeps.locked(store):
        current = sweeps.find(store, sweep.id)
        longer = replace(current, cells=[*current.cells, cell])
        sweep_files.save(store.root, longer)
    return longer


def prune(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Ask every hopeless run to stop."""
    live = [row for row in rows if row.state == "running" and row.epochs_done < row.epochs]
    if not live or sweep.search["pruner"] == "none":
        return
    _, hopeless = replayed(store, sweep, rows)
    for row in live:
        if hopeless.get(row.id):
            best = max(row.history)
            so_far = f"{percent(best)} after epoch {row.epochs_done}"
            note = f"Pruned: its {so_far} is behind the other runs."
            store.run(row.id).stop("now", reason=PRUNED, note=note)


def parallel_runs(root: Path) -> int:
    """Return how many runs may be under way at once: one per device of the fastest kind."""
    try:
        return len(devices.current(root).candidates("auto"))
    except OutOfServiceError:
        return 1


def end(store: Store, sweep: Sweep) -> None:
    """End a search on behalf of a person, so that it proposes nothing more."""
    with sweeps.action(store, sweep, "end", "ended"):
        mark_ended(store, sweep, "Ended by a person.")


def mark_ended(store: Store, sweep: Sweep, why: str) -> None:
    """Write into a search's file why it has ended; an empty reason lets it continue."""
    with sweeps.locked(store):
        current = sweeps.find(store, sweep.id)
        ended = replace(current, search={**current.search, "ended": why})
        sweep_files.save(store.root, ended)
    processes.ensure_running(store.root)


def go_on(store: Store, sweep: Sweep) -> int:
    """Continue an ended search, and queue the runs that a person stopped; return how many.

    Runs that the search itself stopped stay stopped.
    """
    with sweeps.action(store, sweep, "resume", "resumed"):
        mark_ended(store, sweep, "")
        rows = [row for row in sweeps.runs_of(store, sweep) if row.state in RESUMABLE]
        resumed = [row for row in rows if not was_pruned(store, row) and row.reason != "diverged"]
        for row in resumed:
            store.run(row.id).resume()
    return len(resumed)
