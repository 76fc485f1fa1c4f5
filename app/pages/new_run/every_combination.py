"""Several values for some settings: what was chosen, its controls, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import theme
from app.pages.new_run.draft import described
from app.pages.new_run.found_rates import rates_list
from app.pages.new_run.total_time import about_time, run_seconds
from app.pages.new_run.varied_settings import SETTINGS, choices_input
from app.session import store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.errors import ConfigError
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs.store.sweep_files import Cell, Sweep
from cifar_core.runs.sweeps import sweeps
from cifar_core.runs.sweeps.found_rates import axis_of as rates_axis
from cifar_core.runs.sweeps.found_rates import found_rates
from cifar_core.runs.sweeps.sweeps import planned, seeds_apart
from cifar_core.settings import label_of, rule_of
from cifar_core.settings.parameter_grid import Axis, axis_of, example, values_of

SHOWN = 12  # combinations listed without scrolling
RATES, TYPED, FOUND = "rates", "typed", "found"


@dataclass(frozen=True, kw_only=True)
class Several:
    """The combinations that were asked for, or what is wrong with them."""

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
        """The settings whose value in the form means nothing meanwhile."""
        given = any("learning_rate" in entry for axis in self.axes for entry in axis)
        own_rates = given or "optimizer" in self.names or bool(self.waits)
        return [*self.names, "learning_rate"] if own_rates else self.names

    @property
    def example(self) -> dict[str, Any]:
        """What the first of the combinations sets."""
        return self.cells[0].changes if self.cells else {}

    @property
    def label(self) -> str:
        """What the button says that starts it."""
        return f"Start {theme.plural(self.runs, 'run')}" if not self.waits else "Start"

    @property
    def title(self) -> str:
        """What to call it."""
        return ", ".join(label_of(SETTINGS[name]) for name in self.names)

    def begin(self, base: TrainConfig, name: str, token: str) -> Sweep:
        """Make all runs and queue them; the same token gives the same sweep."""
        return sweeps.create(
            store(), base, self.axes, self.seeds, name=name or self.title, token=token
        )


def key_of(prefix: str, name: str) -> str:
    """Return the key of the control that takes a setting's values."""
    return f"{prefix}.vary.{name}"


def several_inputs(
    prefix: str, several: Several, base: TrainConfig | None, images: Dataset | None
) -> None:
    """Draw which settings vary and a control for the values of each."""
    st.caption(
        "Every combination is trained with every seed. With three seeds or more the sweep's page "
        "can say whether a difference is more than chance."
    )
    options = list(SETTINGS)
    picked = several.names
    if "optimizer" in picked:
        options.remove("learning_rate")  # each optimizer has its own
    st.multiselect(
        "Settings that vary", options, key=f"{prefix}.vary", persist_state="session",
        format_func=lambda name: label_of(SETTINGS[name]), placeholder="Choose settings",
    )  # fmt: skip
    with st.grid(2, min_column_width=210, gap="small"):
        for name in picked:
            with st.container(gap="xsmall"):
                values_input(prefix, name)
                if why := several.problems.get(name):
                    st.markdown(f":red[:material/error: {theme.safe(why)}]")
    if rates_can_be_found(picked):
        rates_inputs(prefix, picked, base, images)


def rates_can_be_found(names: Sequence[str]) -> bool:
    """Tell whether each setting of the sweep may take a rate of its own."""
    return "learning_rate" not in names and bool({*names} - {"seed"})


def are_found(prefix: str) -> bool:
    """Tell whether the rates are to come from searches."""
    return st.session_state.get(key_of(prefix, RATES)) == FOUND


def rates_inputs(
    prefix: str, names: Sequence[str], base: TrainConfig | None, images: Dataset | None
) -> None:
    """Draw where the rates come from: typed, or found by searches."""
    typed = "Usual or typed" if "optimizer" in names else "The form's"
    how = st.segmented_control(
        "Learning rates", [TYPED, FOUND], default=TYPED, required=True,
        key=key_of(prefix, RATES), persist_state="session",
        format_func=lambda key: typed if key == TYPED else "Found by a search for each",
    )  # fmt: skip
    if how == FOUND and base is not None:
        try:
            rates_list(base, unseeded_axes(prefix, names), images)
        except ConfigError:
            return  # said beside the setting that is wrong
    elif how == TYPED and "optimizer" in names:
        rates_table(prefix)


def values_input(prefix: str, name: str) -> None:
    """Draw the control for the values of one setting."""
    setting, key = SETTINGS[name], key_of(prefix, name)
    if rule_of(setting).type in ("choice", "switch"):
        choices_input(key, name)
        return
    st.text_input(
        label_of(setting), key=key, persist_state="session", placeholder=example(setting),
        live="500ms", help="A list such as 0.01, 0.03, a span such as 0.001..0.1 x5, or for "
        "whole numbers 1-5.",
    )  # fmt: skip


def rates_table(prefix: str) -> None:
    """Draw a row for each chosen optimizer with its rates, prefilled with the usual one."""
    chosen = st.session_state.get(key_of(prefix, "optimizer"), [])
    if not chosen:
        return
    with st.grid(3, min_column_width=150, gap="small"):
        for optimizer in chosen:
            spec = OPTIMIZERS[optimizer]
            st.text_input(
                spec.title, f"{spec.usual_rate:g}", key=key_of(prefix, f"{RATES}.{optimizer}"),
                persist_state="session", live="500ms", help="One rate or several: 0.001, 0.003",
            )  # fmt: skip
    st.caption("Compared at one common rate, an optimizer can lose only for having the wrong one.")


def chosen(prefix: str, values: Mapping[str, Any], images: Dataset | None) -> Several:
    """Return what the controls ask for, checked, before they are drawn."""
    key = f"{prefix}.vary"
    if key not in st.session_state:
        st.session_state[key] = ["seed"]
        st.session_state[key_of(prefix, "seed")] = "1-3"
    names = list(st.session_state[key])
    if "optimizer" in names and "learning_rate" in names:
        names.remove("learning_rate")
        st.session_state[key] = names
    problems: dict[str, str] = {}
    axes: list[Axis] = []
    for name in names:
        try:
            axes.append(axis(prefix, name))
        except ConfigError as error:
            problems[name] = str(error)
    if problems:
        return Several(names=names, problems=problems)
    if rates_can_be_found(names) and are_found(prefix):
        return at_found_rates(prefix, names, axes, values, images)
    return checked(names, axes, values, images)


def at_found_rates(
    prefix: str,
    names: list[str],
    axes: list[Axis],
    values: Mapping[str, Any],
    images: Dataset | None,
) -> Several:
    """Return the combinations, each at its found rate, or say that rates have to be found."""
    try:
        base = TrainConfig.from_dict(values)
        found = found_rates(store(), base, unseeded_axes(prefix, names))
    except ConfigError as error:
        return Several(names=names, problems=dict(error.problems))
    if lacking := sum(one.rate is None for one in found):
        waits = f"{theme.plural(lacking, 'rate')} of {len(found)} must be found first."
        return Several(names=names, waits=waits)
    seeds = [axis for axis in axes if "seed" in axis[0]]
    return checked(names, [rates_axis(found), *seeds], values, images)


def unseeded_axes(prefix: str, names: Sequence[str]) -> list[Axis]:
    """Return what varies apart from the seeds; raises if it is wrong."""
    return [axis(prefix, name) for name in names if name != "seed"]


def axis(prefix: str, name: str) -> Axis:
    """Read the values of one setting; raises if they are wrong."""
    setting = SETTINGS[name]
    if rule_of(setting).type == "switch":
        return [{name: True}, {name: False}]
    typed = st.session_state.get(key_of(prefix, name))
    if rule_of(setting).among is None:
        return axis_of(TrainConfig, f"{name}={typed or ''}")
    if not typed:
        raise ConfigError({name: f"Choose what to compare, such as {example(setting)}."})
    if name != "optimizer" or are_found(prefix):
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
) -> Several:
    """Combine the axes and check every combination, with the images too."""
    try:
        base = TrainConfig.from_dict(values)
        axes, seeds = seeds_apart(axes, base.seed)
        cells = planned(base, axes, seeds)
    except ConfigError as error:
        return Several(names=names, problems=dict(error.problems))
    problems: dict[str, str] = {}
    for cell in cells if images else ():
        config = TrainConfig.from_dict({**values, **cell.changes})
        assert images is not None
        problems |= {f"{cell.title} {k}": f"{cell.title}: {why}"
                     for k, why in described(config, images)[1].items()}  # fmt: skip
    return Several(names=names, axes=axes, seeds=seeds, cells=cells, problems=problems)


def several_summary(several: Several, values: Mapping[str, Any], images: Dataset | None) -> None:
    """Say how many runs it would be, which, and how long they take."""
    if several.problems:
        for why in list(several.problems.values())[:SHOWN]:
            st.markdown(f":red[:material/error: {theme.safe(why)}]")
        return
    if several.waits:
        st.markdown(f":material/hourglass_empty: {several.waits}")
        return
    st.markdown(f"**{multiplied(several)}**")
    configs = [TrainConfig.from_dict({**values, **cell.changes}) for cell in several.cells]
    each = run_seconds(configs, images)
    about_time(sum(each) * len(several.seeds) if each else None)
    with st.expander(theme.plural(len(several.cells), "setting")):
        st.markdown("\n".join(f"- {theme.safe(cell.title)}" for cell in several.cells[:100]))


def multiplied(several: Several) -> str:
    """Write what is multiplied: 3 optimizers x 2 rates x 3 seeds = 18 runs."""
    sizes = [(len(axis), plural_of(axis)) for axis in several.axes]
    whole = 1
    for size, _ in sizes:
        whole *= size
    parts = [f"{size} {name}" for size, name in sizes]
    if whole != len(several.cells):  # some meant the same
        parts = [theme.plural(len(several.cells), "different setting")]
    parts.append(theme.plural(len(several.seeds), "seed"))
    return f"{' x '.join(parts)} = {theme.plural(several.runs, 'run')}"


def plural_of(axis: Axis) -> str:
    """Name what one axis counts."""
    name = next(iter(axis[0]))
    if len(axis[0]) > 1 and {*axis[0]} - {"optimizer", "learning_rate"}:
        return "setting" + "s" * (len(axis) > 1)
    if name == "optimizer" and len({entry["optimizer"] for entry in axis}) < len(axis):
        return "optimizers and rates"
    label = "rates" if name == "learning_rate" else f"{label_of(SETTINGS[name]).lower()}s"
    return label if len(axis) > 1 else label.removesuffix("s")
