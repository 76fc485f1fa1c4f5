"""Rate searches among the runs: how one is started, and which ones have the same settings."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import ConfigError
from cifar_core.runs.family import again
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import RATE_SEARCH
from cifar_core.runs.store.store import Store

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

Fill = Callable[[Path], Mapping[str, Any]]
APART = ("seed", "learning_rate")  # settings in which searches for the same rate may differ
USUAL_STEPS = 560  # that a search takes roughly; it depends on how soon it finds the lowest point


def begin(
    store: Store, config: "TrainConfig", *, parent: str = "", fill: Fill = lambda _: {}
) -> Run:
    """Make a rate search with the settings of a training run, and queue it.

    `fill` gives it the weights from which that run starts, as for `Store.create`. Raises
    ConfigError if the run is for several devices.
    """
    from cifar_core.models import MODELS
    from cifar_core.optim import OPTIMIZERS

    if config.devices > 1:
        raise ConfigError(
            {
                "devices": f"devices is {config.devices}, but a rate search trains many short runs "
                "on one device. Set devices to 1 for the search, and use the rate that it finds."
            }
        )
    name = f"Rate for {OPTIMIZERS[config.optimizer].title} on {MODELS[config.model].title}"
    run = store.create(config, name=name, parent=parent, kind=RATE_SEARCH, fill=fill)
    store.submit(run)
    return run


def alike(store: Store, run: Run) -> list[Run]:
    """Return all searches with the run's settings, whatever their seed, including the run."""
    wanted = compared_settings(run)
    searches = [store.run(row.id) for row in store.seen() if row.kind == RATE_SEARCH]
    return sorted((r for r in searches if compared_settings(r) == wanted), key=lambda r: r.number)


def compared_settings(run: Run) -> dict[str, object]:
    """Return the settings that determine which rate a search should find."""
    return {name: value for name, value in run.settings.items() if name not in APART}


def repeat(store: Store, run: Run) -> Run:
    """Start the same search with a seed that none of those alike has had."""
    from dataclasses import replace

    seeds = [int(other.settings.get("seed", 0)) for other in alike(store, run)]
    config = replace(run.config, seed=max(seeds) + 1)
    return begin(store, config, parent=run.id, fill=again.like(run, config))


def suggested_rate(run: Run) -> float | None:
    """Return the rate that a finished search suggests; None without a reliable one."""
    suggestion = run.summary.suggestion
    return suggestion.rate if suggestion and suggestion.advice != "none" else None
