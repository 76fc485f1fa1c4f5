"""Several values for some settings: what was chosen, its controls, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import streamlit as st

from app import theme
from app.plans import described
from app.session import Key, remember, remembered, store
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.errors import CifarError, ConfigError
from cifar_core.grid import Axis, axis_of, example, values_of
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs import RunRow
from cifar_core.runs.estimate import Estimate
from cifar_core.runs.sweep_files import Cell
from cifar_core.runs.sweeps import planned, seeds_apart
from cifar_core.settings import label_of, rule_of

SETTINGS = {f.name: f for f in fields(TrainConfig) if rule_of(f).kind != "text"}
FIRST = ["optimizer", "learning_rate", "seed"]  # what most people compare
SHOWN = 12  # combinations listed without scrolling
RATES = "rates"


@dataclass(frozen=True, kw_only=True)
class Several:
    """The combinations that were asked for, or what is wrong with them."""

    names: list[str]  # settings that vary
    axes: list[Axis] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs it would be."""
        return len(self.cells) * len(self.seeds)


def follow_address(prefix: str) -> None:
    """Turn the address's `vary=learning_rate=0.01,0.1` into the form's state, once for a draft."""
    texts = st.query_params.get_all("vary")
    if not texts or remembered(Key.VARIED) == (prefix, texts):
        return
    remember(Key.VARIED, (prefix, texts))
    st.session_state["several"] = True
    names = []
    for text in texts:
        name, _, values = text.partition("=")
        if name in SETTINGS:
            names.append(name)
            among = rule_of(SETTINGS[name]).among
            keys = [key.strip() for key in values.split(",")]
            known = None if among is None else [key for key in keys if key in among]
            st.session_state[key_of(prefix, name)] = values if known is None else known
    st.session_state[f"{prefix}.vary"] = names


def key_of(prefix: str, name: str) -> str:
    """Return the key of the control that takes a setting's values."""
    return f"{prefix}.vary.{name}"


def several_inputs(prefix: str, several: Several) -> None:
    """Draw which settings vary and a control for the values of each."""
    st.subheader("Several values", anchor=False)
    st.caption(
        "Every combination is trained with every seed. With three seeds or more the sweep's page "
        "can say whether a difference is more than chance."
    )
    options = [*FIRST, *(name for name in SETTINGS if name not in FIRST)]
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
    if "optimizer" in picked:
        rates_table(prefix)


def values_input(prefix: str, name: str) -> None:
    """Draw the control for the values of one setting."""
    setting, key = SETTINGS[name], key_of(prefix, name)
    rule, label = rule_of(setting), label_of(setting)
    if rule.among is not None:
        among = rule.among
        st.multiselect(
            label, list(among), key=key, persist_state="session",
            format_func=lambda entry: among[entry].title, placeholder="Choose two or more",
        )  # fmt: skip
    elif rule.kind == "switch":
        st.text_input(label, "on and off", disabled=True)
    else:
        st.text_input(
            label, key=key, persist_state="session", placeholder=example(setting), live="500ms",
            help="A list such as 0.01, 0.03, a span such as 0.001..0.1 x5, or for whole numbers "
            "1-5.",
        )  # fmt: skip


def rates_table(prefix: str) -> None:
    """Draw a row for each chosen optimizer with its rates, prefilled with the usual one."""
    chosen = st.session_state.get(key_of(prefix, "optimizer"), [])
    if not chosen:
        return
    st.markdown("**Learning rate of each**")
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
    return checked(names, axes, values, images)


def axis(prefix: str, name: str) -> Axis:
    """Read the values of one setting; raises if they are wrong."""
    setting = SETTINGS[name]
    if rule_of(setting).kind == "switch":
        return [{name: True}, {name: False}]
    typed = st.session_state.get(key_of(prefix, name))
    if rule_of(setting).among is None:
        return axis_of(TrainConfig, f"{name}={typed or ''}")
    if not typed:
        raise ConfigError({name: f"Choose what to compare, such as {example(setting)}."})
    if name != "optimizer":
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
    st.markdown(f"**{multiplied(several)}**")
    seconds = total_seconds(several, values, images)
    if seconds:
        st.markdown(f":material/timer: about **{theme.duration(seconds)}**, one after another")
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
    if name == "optimizer" and len({entry["optimizer"] for entry in axis}) < len(axis):
        return "optimizers and rates"
    label = "rates" if name == "learning_rate" else f"{label_of(SETTINGS[name]).lower()}s"
    return label if len(axis) > 1 else label.removesuffix("s")


def total_seconds(
    several: Several, values: Mapping[str, Any], images: Dataset | None
) -> float | None:
    """Estimate the time of all runs from a measurement of this form or from earlier runs."""
    known: tuple[TrainConfig, Estimate] | None = remembered(Key.ESTIMATE)
    rows = store().runs()
    total = 0.0
    for cell in several.cells:
        try:
            config = TrainConfig.from_dict({**values, **cell.changes})
        except CifarError:
            return None
        each = epoch_seconds(config, known, rows, images)
        if each is None:
            return None
        total += each * config.epochs * len(several.seeds)
    return total


def epoch_seconds(
    config: TrainConfig,
    known: tuple[TrainConfig, Estimate] | None,
    rows: list[RunRow],
    images: Dataset | None,
) -> float | None:
    """Return what an epoch took when it was measured here, or in the newest run of the network."""
    if known and known[0].model == config.model and known[0].computes_on == config.computes_on:
        share = config.train_fraction / known[0].train_fraction
        return known[1].seconds_per_epoch * share
    for row in rows:
        if row.model == config.model and row.images_per_second and images is not None:
            if store().run(row.id).settings.get("resolution") != config.resolution:
                continue
            used = len(images.train) * config.train_fraction
            return used / row.images_per_second
    return None
