"""The rates that finished searches found for the settings of a sweep, and those still to be found.

Settings compared at one common rate, or each at a guessed one, can lose only for having the wrong
rate; each at its own found rate is the fair comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cifar_core import data
from cifar_core.errors import ConfigError
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import RATE_SEARCH
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.store import Store
from cifar_core.runs.sweeps.rate_searches import APART, answer, begin
from cifar_core.runs.sweeps.sweeps import planned
from cifar_core.settings.parameter_grid import Axis, in_words

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class FoundRate:
    """A setting of a sweep, and the searches for its rate."""

    title: str
    changes: dict[str, Any]  # what it sets, the rate apart
    config: "TrainConfig"  # what is searched for
    searches: list[Run]  # with exactly these settings, whatever their seed; oldest first

    @property
    def answers(self) -> list[float]:
        """The rates that can be relied on."""
        return [rate for run in self.searches if (rate := answer(run)) is not None]

    @property
    def rate(self) -> float | None:
        """The found rate, the middle of several; None without one."""
        from cifar_core.rate_search.parabola import middle

        return middle(self.answers) if self.answers else None

    @property
    def under_way(self) -> list[Run]:
        """The searches that wait or run."""
        states = [(run, run.status.state) for run in self.searches]
        return [run for run, state in states if state == "queued" or STATES[state].is_live]

    @property
    def in_vain(self) -> list[Run]:
        """The searches that ended without a rate that can be relied on."""
        done = [run for run in self.searches if run.status.state == "finished"]
        return [run for run in done if answer(run) is None]

    @property
    def is_missing(self) -> bool:
        """Whether a search has to be started before there can be a rate."""
        return self.rate is None and not self.under_way and not self.in_vain


def found_rates(store: Store, base: "TrainConfig", axes: Sequence[Axis]) -> list[FoundRate]:
    """Return every combination of the axes, in which no rate varies, with its searches."""
    from cifar_core.config import TrainConfig

    if any("learning_rate" in entry for axis in axes for entry in axis):
        why_not = "learning_rate is given already. Leave it out, or take no found rates."
        raise ConfigError({"learning_rate": why_not})
    base = replace(base, data=data.resolve(base.data, store.root))
    rows = [row for row in store.index.rows() if row.kind == RATE_SEARCH]
    runs = [Run(store.root / "runs" / row.id) for row in sorted(rows, key=lambda row: row.number)]
    asked = [(run, {**TrainConfig().to_dict(), **run.settings}) for run in runs]
    found = []
    for cell in planned(base, axes, [base.seed]):
        changes = {name: v for name, v in cell.changes.items() if name != "learning_rate"}
        config = TrainConfig.from_dict({**base.to_dict(), **cell.changes})
        wanted = question(config)
        found.append(
            FoundRate(
                title=in_words(TrainConfig, changes) or "as it is",
                changes=changes,
                config=config,
                searches=[run for run, settings in asked if wanted.items() <= settings.items()],
            )
        )
    return found


def question(config: "TrainConfig") -> dict[str, Any]:
    """Return the settings that mean something to a search and decide what its answer should be."""
    return {f.name: getattr(config, f.name) for f in config.relevant() if f.name not in APART}


def axis_of(found: Sequence[FoundRate]) -> Axis:
    """Return what varies together in the sweep: each setting at its found rate."""
    if lacking := [one for one in found if one.rate is None]:
        raise ConfigError({one.title: why(one) for one in lacking})
    return [{**one.changes, "learning_rate": one.rate} for one in found]


def why(one: FoundRate) -> str:
    """Say why a setting has no found rate, and what to do."""
    if one.under_way:
        return f"{one.title}: its search, run {one.under_way[0].number}, is not over yet."
    if one.in_vain:
        return (
            f"{one.title}: its search, run {one.in_vain[0].number}, found no rate that can be "
            "relied on. Give a rate instead."
        )
    return f"{one.title}: its rate has not been searched for with these settings."


def begin_missing(store: Store, found: Sequence[FoundRate]) -> list[Run]:
    """Queue a search for each setting that has none."""
    return [begin(store, one.config) for one in found if one.is_missing]
