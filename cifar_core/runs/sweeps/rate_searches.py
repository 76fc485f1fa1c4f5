"""Searches for a rate among the runs: how one is begun, and which ones answer the same question."""

from typing import TYPE_CHECKING

from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import RATE_SEARCH
from cifar_core.runs.store.store import Store

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

APART = ("seed", "learning_rate", "name")  # what searches for the same answer may differ in
USUAL_STEPS = 560  # that a search takes about; it depends on how soon it finds the lowest point


def begin(store: Store, config: "TrainConfig", *, parent: str = "") -> Run:
    """Make a search with a training's settings and put it into the queue."""
    from cifar_core.models import MODELS
    from cifar_core.optim import OPTIMIZERS

    name = f"Rate for {OPTIMIZERS[config.optimizer].title} on {MODELS[config.model].title}"
    run = store.create(config, name=name, parent=parent, kind=RATE_SEARCH)
    store.submit(run)
    return run


def alike(store: Store, run: Run) -> list[Run]:
    """Return all searches with the run's settings, whatever their seed, the run among them."""
    wanted = question(run)
    searches = [store.run(row.id) for row in store.index.rows() if row.kind == RATE_SEARCH]
    return sorted((r for r in searches if question(r) == wanted), key=lambda r: r.number)


def question(run: Run) -> dict[str, object]:
    """Return the settings that decide what a search's answer should be."""
    return {name: value for name, value in run.settings.items() if name not in APART}


def repeat(store: Store, run: Run) -> Run:
    """Begin the same search with weights and an order that none of those alike has had."""
    from dataclasses import replace

    seeds = [int(other.settings.get("seed", 0)) for other in alike(store, run)]
    return begin(store, replace(run.config, seed=max(seeds) + 1), parent=run.id)


def answer(run: Run) -> float | None:
    """Return the rate that a finished search suggests; None without one that can be relied on."""
    suggestion = run.summary.suggestion
    return suggestion.rate if suggestion and suggestion.advice != "none" else None
