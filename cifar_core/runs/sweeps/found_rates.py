"""The rates that rate searches found for the settings of a sweep, and those still missing.

At one common rate, or at guessed ones, a setting can lose merely because the rate does not suit it;
a comparison is fair when each has its own found rate.
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
from cifar_core.runs.sweeps.rate_searches import APART, begin, suggested_rate
from cifar_core.runs.sweeps.sweeps import planned
from cifar_core.settings.parameter_grid import Axis, in_words

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class FoundRate:
    """A setting of a sweep, and its rate searches."""

    title: str
    changes: dict[str, Any]  # without the rate
    config: "TrainConfig"  # what each search starts from
    searches: list[Run]  # with exactly these settings, whatever their seed; oldest first

    @property
    def answers(self) -> list[float]:
        """The reliable rates of the finished searches."""
        return [rate for run in self.searches if (rate := suggested_rate(run)) is not None]

    @property
    def rate(self) -> float | None:
        """The found rate, the middle of several; None without one."""
        from cifar_core.rate_search.parabola import middle

        return middle(self.answers) if self.answers else None

    @property
    def under_way(self) -> list[Run]:
        """The searches that are queued or live."""
        states = [(run, run.status.state) for run in self.searches]
        return [run for run, state in states if state == "queued" or STATES[state].is_live]

    @property
    def in_vain(self) -> list[Run]:
        """The searches that finished without a reliable rate."""
        done = [run for run in self.searches if run.status.state == "finished"]
        return [run for run in done if suggested_rate(run) is None]

    @property
    def is_missing(self) -> bool:
        """Whether a search has to be started to find a rate."""
        return self.rate is None and not self.under_way and not self.in_vain


def found_rates(store: Store, base: "TrainConfig", axes: Sequence[Axis]) -> list[FoundRate]:
    """Return every combination of the axes, among which no rate may be, with its searches."""
    from cifar_core.config import TrainConfig

    if any("learning_rate" in entry for axis in axes for entry in axis):
        why_not = "learning_rate is set already. Leave it out, or do not use found rates."
        raise ConfigError({"learning_rate": why_not})
    base = replace(base, data=data.resolve(base.data, store.root, store.by))
    rows = [row for row in store.seen() if row.kind == RATE_SEARCH]
    runs = [Run(store.root / "runs" / row.id) for row in sorted(rows, key=lambda row: row.number)]
    settings_of = [(run, {**TrainConfig().to_dict(), **run.settings}) for run in runs]
    rates = []
    for cell in planned(base, axes, [base.seed]):
        changes = {name: v for name, v in cell.changes.items() if name != "learning_rate"}
        config = TrainConfig.from_dict({**base.to_dict(), **cell.changes})
        wanted = compared_settings(config)
        rates.append(
            FoundRate(
                title=in_words(TrainConfig, changes) or "unchanged",
                changes=changes,
                config=config,
                searches=[
                    run for run, settings in settings_of if wanted.items() <= settings.items()
                ],
            )
        )
    return rates


def compared_settings(config: "TrainConfig") -> dict[str, Any]:
    """Return the relevant settings that determine which rate a search should find."""
    return {f.name: getattr(config, f.name) for f in config.relevant() if f.name not in APART}


def axis_of(rates: Sequence[FoundRate]) -> Axis:
    """Return what varies together in the sweep: each setting at its found rate."""
    if lacking := [setting for setting in rates if setting.rate is None]:
        raise ConfigError({setting.title: why(setting) for setting in lacking})
    return [{**setting.changes, "learning_rate": setting.rate} for setting in rates]


def why(setting: FoundRate) -> str:
    """Say why a setting has no found rate, and what to do."""
    if setting.under_way:
        search = f"its rate search, run {setting.under_way[0].number}"
        return f"{setting.title}: {search}, has not finished yet."
    if setting.in_vain:
        search = f"its rate search, run {setting.in_vain[0].number}"
        return f"{setting.title}: {search}, found no reliable rate. Set a rate instead."
    return f"{setting.title}: no rate search with these settings has found a rate."


def begin_missing(store: Store, rates: Sequence[FoundRate]) -> list[Run]:
    """Queue a rate search for each setting that has none."""
    return [begin(store, setting.config) for setting in rates if setting.is_missing]
