"""Results of a hyperparameter search: the best run, what became of all, and what mattered.

A search trains every setting once, with one seed, so there are no means or intervals here.
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

PRUNED, DIVERGED = "Pruned", "Diverged"  # outcomes beyond the states of a run
NEAR = 0.01  # accuracy within which single runs cannot be distinguished
EDGE = 0.05  # share of a range that counts as its edge
GOOD = 1 / 3  # share of the runs that count as good; a tenth would be only one or two
RUNS_A_SETTING, FEWEST = 10, 20  # finished runs before anything is said about importance


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One proposal of a search and what became of it."""

    number: int  # in the search, from 1
    title: str
    changes: dict[str, Any]  # with the base's value of a setting that was added later
    outcome: str  # a state's title, or one of those above
    row: RunRow | None  # None while its run has yet to be made, or when it was deleted

    @property
    def accuracy(self) -> float | None:
        """The best validation accuracy, 0 to 1, of a run that trained to its end."""
        return self.row.best_val_accuracy if self.row and self.row.state == "finished" else None


def tried(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> list[Proposal]:
    """Return every proposal in order, with its run."""
    by_cell = {row.cell: row for row in rows}
    return [
        Proposal(
            number=number,
            title=cell.title,
            changes={**{name: sweep.base[name] for name in sweep.search["space"]}, **cell.changes},
            outcome=outcome(store, by_cell.get(number - 1)),
            row=by_cell.get(number - 1),
        )
        for number, cell in enumerate(sweep.cells, 1)
    ]


def outcome(store: Store, row: RunRow | None) -> str:
    """Return in a word what became of a proposal's run."""
    if row is None:
        return "Missing"
    if row.state == "failed" and row.reason == "diverged":
        return DIVERGED
    return PRUNED if hyperparameter_search.was_pruned(store, row) else STATES[row.state].title


def ranked(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals whose runs finished, the best first."""
    done = [proposal for proposal in proposals if proposal.accuracy is not None]
    return sorted(done, key=lambda proposal: -(proposal.accuracy or 0.0))


def conclusion(sweep: Sweep, proposals: Sequence[Proposal]) -> str:
    """Summarize the results of the search so far in a few sentences."""
    done, ended = ranked(proposals), sweep.search["ended"]
    words = [progress(sweep, proposals)]
    if done:
        best = done[0]
        when = "Best" if ended else "Best so far"
        words = [
            f"{when}: {best.title} with {100 * (best.accuracy or 0.0):.2f} %.", *words,
            *at_the_edge(sweep.search["space"], best), *close_ones(done),
        ]  # fmt: skip
    else:
        words = ["No run has finished yet.", *words]
    return " ".join([*words, *([ended] if ended else [])])


def progress(sweep: Sweep, proposals: Sequence[Proposal]) -> str:
    """Say how much of the budget is spent, and with which outcomes."""
    outcomes = [proposal.outcome for proposal in proposals]
    parts = [f"{outcomes.count(o)} {o.lower()}" for o in dict.fromkeys(outcomes)]
    details = f": {', '.join(parts)}" if parts else ""
    return f"{len(proposals)} of {sweep.search['budget']} runs were proposed{details}."


def at_the_edge(space: Mapping[str, Mapping[str, Any]], best: Proposal) -> list[str]:
    """Say which of the best values are at an edge of their range."""
    return [
        f"Its {name.replace('_', ' ')} is at the edge of the searched range, {range_['low']:g} "
        f"to {range_['high']:g}; a wider range may contain a better value."
        for name, range_ in space.items()
        if "low" in range_ and is_at_the_edge(share_of(range_, best.changes[name]))
    ]


def is_at_the_edge(share: float) -> bool:
    """Whether a place in a range is near one of its ends; False for one outside, after an edit."""
    return 0 <= share <= EDGE or 1 - EDGE <= share <= 1


def share_of(range_: Mapping[str, Any], value: float) -> float:
    """Return the position of a value in its range: 0 at the low end, 1 at the high end."""
    low, high = range_["low"], range_["high"]
    if range_["log"]:
        if value <= 0:
            return -math.inf
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def close_ones(done: Sequence[Proposal]) -> list[str]:
    """Say how many other runs cannot be distinguished from the best."""
    best = done[0].accuracy or 0.0
    close = sum((proposal.accuracy or 0.0) > best - NEAR for proposal in done[1:])
    if not close:
        return []
    others = "Another run is" if close == 1 else f"{close} other runs are"
    return [f"{others} within one point of the best, which may be chance."]


def runs_needed(sweep: Sweep) -> int:
    """Return how many finished runs the importance of the settings needs."""
    return max(FEWEST, RUNS_A_SETTING * len(sweep.search["space"]))


def importance(store: Store, sweep: Sweep, rows: Sequence[RunRow]) -> dict[str, float]:
    """Return each setting's share, together 1, in what distinguishes good runs from the rest.

    PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255): how much the settings of
    the best third are distributed differently from those of all. Empty until enough runs have
    finished, and where a single setting was searched.
    """
    needed = runs_needed(sweep)
    if len(sweep.search["space"]) < 2 or sum(row.state == "finished" for row in rows) < needed:
        return {}
    study, _ = hyperparameter_search.replayed(store, sweep, rows, outside=False)
    if sum(trial.value is not None for trial in study.trials) < needed:  # after an edit
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    evaluator = PedAnovaImportanceEvaluator(target_quantile=GOOD)
    return get_param_importances(study, evaluator=evaluator)


def seconds_left(sweep: Sweep, rows: Sequence[RunRow]) -> float | None:
    """Return an upper limit of the time that the rest of the budget takes, run after run."""
    ended = [row for row in rows if row.state in ("finished", "stopped") and row.epochs_done]
    if not ended or sweep.search["ended"]:
        return None
    mean = sum(row.seconds for row in ended) / len(ended)
    live = sum(row.eta_seconds or 0.0 for row in rows)
    waiting = sum(row.state in ("queued", "starting") for row in rows)
    return live + mean * (waiting + sweep.search["budget"] - len(sweep.cells))
