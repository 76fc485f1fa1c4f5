"""Every combination of several values: what was chosen, its controls, and how many runs it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import streamlit as st

from app import theme
from app.screens.train.draft import described
from app.screens.train.many.found_rates import rates_list
from app.screens.train.many.varied_settings import SETTINGS, choices_input, first_values, offers
from app.screens.train.total_time import about_time, run_seconds
from app.session import store
from app.shared.widgets import say_problem
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.errors import ConfigError
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs.store.sweep_files import Cell, Sweep
from cifar_core.runs.sweeps import sweeps
from cifar_core.runs.sweeps.found_rates import axis_of as rates_axis
from cifar_core.runs.sweeps.found_rates import found_rates
from cifar_core.runs.sweeps.sweeps import planned, seeds_apart
from cifar_core.settings import counted, label_of, rule_of
from cifar_core.settings.parameter_grid import Axis, axis_of, example, values_of

SHOWN = 12  # problems listed at once
LISTED = 100  # combinations
RATES, TYPED, FOUND = "rates", "typed", "found"


@dataclass(frozen=True, kw_only=True)
class GridDraft:
    """The combinations that the form asks for, or what is wrong with them."""

    names: list[str]  # settings that vary
    axes: list[Axis] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    waits: str = ""  # what has to be found before it can start, a sentence

    @property
    def runs(self) -> int:
        """How many runs it would be."""
        return len(self.cells) * len(self.seeds)

    @property
    def hidden(self) -> list[str]:
        """The settings whose value in the form has no meaning meanwhile."""
        varies = any("learning_rate" in entry for axis in self.axes for entry in axis)
        own_rates = varies or "optimizer" in self.names or bool(self.waits)
        return [*self.names, "learning_rate"] if own_rates else self.names

    @property
    def example(self) -> dict[str, Any]:
        """What the first of the combinations sets."""
        return self.cells[0].changes if self.cells else {}

    @property
    def label(self) -> str:
        """The text of the button that starts it."""
        return f"Start {theme.plural(self.runs, 'run')}" if not self.waits else "Start"

    @property
    def title(self) -> str:
        """The name of the sweep unless a person gives another."""
        return ", ".join(label_of(SETTINGS[name]) for name in self.names)

    def begin(self, base: TrainConfig, name: str, token: str, **own: Any) -> Sweep:
        """Make all runs and queue them, with the start and teachers in `own`, once for a token."""
        title = name or self.title
        return sweeps.create(store(), base, self.axes, self.seeds, name=title, token=token, **own)


def key_of(prefix: str, name: str) -> str:
    """Return the key of the control that takes a setting's values."""
    return f"{prefix}.vary.{name}"


def grid_inputs(
    prefix: str, grid: GridDraft, base: TrainConfig | None, images: Dataset | None
) -> None:
    """Draw which settings vary and a control for the values of each."""
    st.caption(
        "Every combination is trained with every seed. With two seeds or more, the Sweep page can "
        "say whether a difference is more than chance; the more seeds, the smaller the "
        "differences that it can tell from chance."
    )
    options = offers(base, grid.names)
    if "optimizer" in grid.names:
        options.remove("learning_rate")  # each optimizer has its own
    st.multiselect(
        "Settings that vary", options, key=f"{prefix}.vary", persist_state="session",
        format_func=lambda name: label_of(SETTINGS[name]), placeholder="Choose settings",
    )  # fmt: skip
    with st.grid(2, min_column_width=210, gap="small"):
        for name in grid.names:
            with st.container(gap="xsmall"):
                values_input(prefix, name)
                if why := grid.problems.get(name):
                    say_problem(why)
    if rates_can_be_found(grid.names):
        rates_inputs(prefix, grid.names, base, images)


def rates_can_be_found(names: Sequence[str]) -> bool:
    """Whether each combination may have a rate of its own."""
    return "learning_rate" not in names and bool({*names} - {"seed"})


def takes_found_rates(prefix: str) -> bool:
    """Whether the rates are to come from rate searches."""
    return st.session_state.get(key_of(prefix, RATES)) == FOUND


def rates_inputs(
    prefix: str, names: Sequence[str], base: TrainConfig | None, images: Dataset | None
) -> None:
    """Draw where the rates come from: typed, or found by rate searches."""
    typed = "Usual or typed" if "optimizer" in names else "The form's"
    source = st.segmented_control(
        "Learning rates", [TYPED, FOUND], default=TYPED, required=True,
        key=key_of(prefix, RATES), persist_state="session",
        format_func=lambda key: typed if key == TYPED else "Found by a search for each",
    )  # fmt: skip
    if source == FOUND and base is not None:
        try:
            rates_list(base, unseeded_axes(prefix, names), images)
        except ConfigError:
            return  # said beside the setting that is wrong
    elif source == TYPED and "optimizer" in names:
        rates_table(prefix)


def values_input(prefix: str, name: str) -> None:
    """Draw the control for the values of one setting."""
    setting, key = SETTINGS[name], key_of(prefix, name)
    if rule_of(setting).type in ("choice", "switch"):
        choices_input(key, name)
        return
    st.text_input(
        label_of(setting), key=key, persist_state="session", placeholder=example(setting),
        live="500ms", help="A list such as 0.01, 0.03; a range such as 0.001..0.1 x5 for five "
        "values; for whole numbers also 1-5.",
    )  # fmt: skip


def rates_table(prefix: str) -> None:
    """Draw a control for the rates of each chosen optimizer, filled with its usual one."""
    optimizers = st.session_state.get(key_of(prefix, "optimizer"), [])
    if not optimizers:
        return
    with st.grid(3, min_column_width=150, gap="small"):
        for optimizer in optimizers:
            spec = OPTIMIZERS[optimizer]
            st.text_input(
                spec.title, f"{spec.usual_rate:g}", key=key_of(prefix, f"{RATES}.{optimizer}"),
                persist_state="session", live="500ms", help="One rate or several: 0.001, 0.003",
            )  # fmt: skip
    st.caption(
        "At one common rate, an optimizer can lose merely because the rate does not suit it."
    )


def chosen_grid(prefix: str, values: Mapping[str, Any], images: Dataset | None) -> GridDraft:
    """Return what the controls ask for, checked, before they are drawn."""
    key = f"{prefix}.vary"
    if key not in st.session_state:
        st.session_state[key] = ["seed"]
    names = list(st.session_state[key])
    if "optimizer" in names and "learning_rate" in names:
        names.remove("learning_rate")
        st.session_state[key] = names
    problems: dict[str, str] = {}
    axes: list[Axis] = []
    for name in names:
        if rule_of(SETTINGS[name]).type != "switch":
            st.session_state.setdefault(key_of(prefix, name), first_values(name, values))
        try:
            axes.append(axis(prefix, name))
        except ConfigError as error:
            problems[name] = str(error)
    if problems:
        return GridDraft(names=names, problems=problems)
    if rates_can_be_found(names) and takes_found_rates(prefix):
        return at_found_rates(prefix, names, axes, values, images)
    return checked(names, axes, values, images)


def at_found_rates(
    prefix: str,
    names: list[str],
    axes: list[Axis],
    values: Mapping[str, Any],
    images: Dataset | None,
) -> GridDraft:
    """Return the combinations, each at its found rate, or say that rates have to be found."""
    try:
        base = TrainConfig.from_dict(values)
        rates = found_rates(store(), base, unseeded_axes(prefix, names))
    except ConfigError as error:
        return GridDraft(names=names, problems=dict(error.problems))
    if lacking := sum(entry.rate is None for entry in rates):
        waits = f"{lacking} of {theme.plural(len(rates), 'rate')} must be found first."
        return GridDraft(names=names, waits=waits)
    seeds = [axis for axis in axes if "seed" in axis[0]]
    return checked(names, [rates_axis(rates), *seeds], values, images)


def unseeded_axes(prefix: str, names: Sequence[str]) -> list[Axis]:
    """Return what varies apart from the seeds; raises ConfigError if it is wrong."""
    return [axis(prefix, name) for name in names if name != "seed"]


def axis(prefix: str, name: str) -> Axis:
    """Read the values of one setting; raises ConfigError if they are wrong."""
    setting = SETTINGS[name]
    if rule_of(setting).type == "switch":
        return [{name: True}, {name: False}]
    typed = st.session_state.get(key_of(prefix, name))
    if rule_of(setting).among is None:
        return axis_of(TrainConfig, f"{name}={typed or ''}")
    if not typed:
        raise ConfigError({name: f"Choose what to compare under '{label_of(setting)}'."})
    if name != "optimizer" or takes_found_rates(prefix):
        return [{name: key} for key in typed]
    rates = {key: rates_of(prefix, key) for key in typed}
    return [{name: key, "learning_rate": rate} for key in typed for rate in rates[key]]


def rates_of(prefix: str, optimizer: str) -> list[Any]:
    """Read the rates typed for an optimizer; its usual one before the table was drawn."""
    usual = f"{OPTIMIZERS[optimizer].usual_rate:g}"
    text = st.session_state.get(key_of(prefix, f"{RATES}.{optimizer}"), usual)
    try:
        return values_of(SETTINGS["learning_rate"], text)
    except ConfigError as error:
        raise ConfigError({"optimizer": f"{OPTIMIZERS[optimizer].title}: {error}"}) from error


def checked(
    names: list[str], axes: list[Axis], values: Mapping[str, Any], images: Dataset | None
) -> GridDraft:
    """Combine the axes and check every combination, with the images too."""
    try:
        base = TrainConfig.from_dict(values)
        axes, seeds = seeds_apart(axes, base.seed)
        cells = planned(base, axes, seeds)
    except ConfigError as error:
        return GridDraft(names=names, problems=dict(error.problems))
    problems: dict[str, str] = {}
    for cell in cells if images else ():
        config = TrainConfig.from_dict({**values, **cell.changes})
        assert images is not None
        problems |= {f"{cell.title} {k}": f"{cell.title}: {why}"
                     for k, why in described(config, images).problems.items()}  # fmt: skip
    return GridDraft(names=names, axes=axes, seeds=seeds, cells=cells, problems=problems)


def grid_summary(grid: GridDraft, values: Mapping[str, Any], images: Dataset | None) -> None:
    """Say how many runs it would be, which, and how long they take."""
    if grid.problems:
        for why in list(grid.problems.values())[:SHOWN]:
            say_problem(why)
        return
    if grid.waits:
        st.markdown(f":material/hourglass_empty: {grid.waits}")
        return
    st.markdown(f"**{multiplied(grid)}**")
    configs = [TrainConfig.from_dict({**values, **cell.changes}) for cell in grid.cells]
    seconds = run_seconds(configs, images)
    about_time(sum(seconds) * len(grid.seeds) if seconds else None, configs[0])
    with st.expander(theme.plural(len(grid.cells), "combination")):
        st.markdown("\n".join(f"- {theme.safe(cell.title)}" for cell in grid.cells[:LISTED]))


def multiplied(grid: GridDraft) -> str:
    """Write what is multiplied: 3 optimizers x 2 rates x 3 seeds = 18 runs."""
    parts = [size_of(axis) for axis in grid.axes]
    if prod(map(len, grid.axes)) != len(grid.cells):  # some meant the same
        parts = [theme.plural(len(grid.cells), "different combination")]
    parts.append(counted(SETTINGS["seed"], len(grid.seeds)))
    return f"{' x '.join(parts)} = {theme.plural(grid.runs, 'run')}"


def size_of(axis: Axis) -> str:
    """Write how many values one axis has, and of what."""
    name, *others = axis[0]
    if others and {*axis[0]} != {"optimizer", "learning_rate"}:
        return theme.plural(len(axis), "combination")
    if name == "optimizer" and len({entry["optimizer"] for entry in axis}) < len(axis):
        return f"{len(axis)} optimizers and rates"
    return counted(SETTINGS[name], len(axis))
