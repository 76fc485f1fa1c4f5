"""What came out of a search: the best so far, what was given up, and which settings mattered.

No run of a search is repeated with another seed, so nothing here speaks of means or differences.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import hyperparameter_search

PRUNED, DIVERGED = "Pruned", "Diverged"  # outcomes that no state of a run has a word for
NEAR = 0.01  # accuracy within which one run each tells nothing apart
EDGE = 0.05  # share of a range that counts as its end
GOOD = 1 / 3  # share of the runs that count as good: a tenth of so few would be one or two
RUNS_A_SETTING, FEWEST = 10, 20  # finished runs before anything is said about importance


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One proposal of a search and what became of it."""

    place: int  # in the search, from 1
    title: str
    changes: dict[str, Any]
    outcome: str  # a state's title, or one of those above
    row: RunRow | None  # None while its run has yet to be made, or when it was deleted

    @property
    def accuracy(self) -> float | None:
        """The best validation accuracy, 0 to 1, of a run that trained to its end."""
        return self.row.best_val_accuracy if self.row and self.row.state == "finished" else None


def tried(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> list[Tried]:
    """Return every proposal in order, with its run."""
    by_cell = {row.cell: row for row in rows}
    return [
        Tried(
            place=place + 1,
            title=cell.title,
            changes=cell.changes,
            outcome=outcome(store, by_cell.get(place)),
            row=by_cell.get(place),
        )
        for place, cell in enumerate(sweep.cells)
    ]


def outcome(store: Store, row: RunRow | None) -> str:
    """Say in a word what became of a proposal's run."""
    if row is None:
        return "Not there"
    if row.state == "failed" and row.reason == "diverged":
        return DIVERGED
    return PRUNED if hyperparameter_search.was_pruned(store, row) else STATES[row.state].title


def ranked(found: Sequence[Tried]) -> list[Tried]:
    """Return the runs that trained to their end, the best first."""
    done = [one for one in found if one.accuracy is not None]
    return sorted(done, key=lambda one: -(one.accuracy or 0.0))


def conclusion(sweep: Sweep, found: Sequence[Tried]) -> str:
    """Say in a few sentences what the search has found so far."""
    done, ended = ranked(found), sweep.search["ended"]
    words = [progress(sweep, found)]
    if done:
        best = done[0]
        when = "Best" if ended else "Best so far"
        words = [
            f"{when}: {best.title} with {100 * (best.accuracy or 0.0):.2f} %.", *words,
            *at_the_end(sweep.search["space"], best), *close_ones(done),
        ]  # fmt: skip
    else:
        words = ["No run has finished yet.", *words]
    return " ".join([*words, *([ended] if ended else [])])


def progress(sweep: Sweep, found: Sequence[Tried]) -> str:
    """Say how much of the budget is spent, and on what."""
    outcomes = [one.outcome for one in found]
    parts = [f"{outcomes.count(o)} {o.lower()}" for o in dict.fromkeys(outcomes)]
    told = f": {', '.join(parts)}" if parts else ""
    return f"{len(found)} of {sweep.search['budget']} runs were proposed{told}."


def at_the_end(space: Mapping[str, Mapping[str, Any]], best: Tried) -> list[str]:
    """Say which of the best values stand at the end of what was searched."""
    return [
        f"Its {name.replace('_', ' ')} stands at the end of what was searched, {range_['low']:g} "
        f"to {range_['high']:g}: a wider range may hold a better one."
        for name, range_ in space.items()
        if "low" in range_ and not EDGE < share_of(range_, best.changes[name]) < 1 - EDGE
    ]


def share_of(range_: Mapping[str, Any], value: float) -> float:
    """Return where a value stands in its range: 0 at the low end, 1 at the high one."""
    low, high = range_["low"], range_["high"]
    if range_["log"]:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def close_ones(done: Sequence[Tried]) -> list[str]:
    """Say how many others one run each cannot tell from the best."""
    best = done[0].accuracy or 0.0
    close = sum((one.accuracy or 0.0) > best - NEAR for one in done[1:])
    if not close:
        return []
    others = "another one" if close == 1 else f"{close} others"
    return [f"Chance may decide between it and {others} within a point."]


def runs_needed(sweep: Sweep) -> int:
    """Return how many finished runs it takes before importance is more than a guess."""
    return max(FEWEST, RUNS_A_SETTING * len(sweep.search["space"]))


def importance(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> dict[str, float]:
    """Return each setting's share, together 1, in what tells good runs from the rest.

    PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255): how much the settings of
    the best third are distributed otherwise than those of all. Empty until enough have finished,
    and where a single setting was searched.
    """
    finished = sum(row.state == "finished" for row in rows)
    if finished < runs_needed(sweep) or len(sweep.search["space"]) < 2:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    study, _ = hyperparameter_search.replayed(store, sweep, rows)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=GOOD)
    return get_param_importances(study, evaluator=evaluator)


def seconds_left(sweep: Sweep, rows: Sequence[RunRow]) -> float | None:
    """Return how long the rest of the budget takes at most, one run after another."""
    over = [row for row in rows if row.state in ("finished", "stopped") and row.epochs_done]
    if not over or sweep.search["ended"]:
        return None
    mean = sum(row.seconds for row in over) / len(over)
    live = sum(row.eta_seconds or 0.0 for row in rows)
    waiting = sum(row.state in ("queued", "starting") for row in rows)
    return live + mean * (waiting + sweep.search["budget"] - len(sweep.cells))
