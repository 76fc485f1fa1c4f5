"""A hyperparameter search: what is searched, its controls, and how long it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import fmean
from typing import Any

import streamlit as st

from app import theme
from app.screens.train.draft import described
from app.screens.train.many.varied_settings import SETTINGS, choices_input
from app.screens.train.total_time import about_time, run_seconds
from app.session import store
from app.shared.widgets import say_problem
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.errors import ConfigError
from cifar_core.optim import OPTIMIZERS
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import hyperparameter_search, search_space
from cifar_core.runs.sweeps.hyperparameter_search import PRUNERS
from cifar_core.settings import label_of, rule_of

Space = Mapping[str, Mapping[str, Any]]
SEARCHED = [name for name, f in SETTINGS.items() if rule_of(f).scope == "recipe"]
USUAL_RUNS = 20
MOST_COMBINED = 200  # combinations of costly ends that are checked
MARGIN = 5  # factor by which the first range of rates exceeds the optimizers' usual ones


@dataclass(frozen=True, kw_only=True)
class SearchDraft:
    """The search that the form asks for, or what is wrong with it."""

    names: list[str]  # settings that are searched
    space: Space = field(default_factory=dict)
    budget: int = USUAL_RUNS
    pruner: str = "median"
    problems: dict[str, str] = field(default_factory=dict)
    waits: str = ""  # nothing has to be found first

    @property
    def runs(self) -> int:
        """How many runs it would be."""
        return self.budget

    @property
    def hidden(self) -> list[str]:
        """The settings whose value in the form has no meaning meanwhile."""
        return self.names

    @property
    def example(self) -> dict[str, Any]:
        """Nothing: the settings of the first run are not known yet."""
        return {}

    @property
    def label(self) -> str:
        """The text of the button that starts it."""
        return f"Start a search of {theme.plural(self.runs, 'run')}"

    @property
    def title(self) -> str:
        """The name of the search unless a person gives another."""
        return f"Best {', '.join(label_of(SETTINGS[name]).lower() for name in self.names)}"

    def begin(self, base: TrainConfig, name: str, token: str, **own: Any) -> Sweep:
        """Begin the search, with the start and the teachers in `own`, once for a token."""
        return hyperparameter_search.create(
            store(), base, self.space, budget=self.budget, pruner=self.pruner,
            name=name or self.title, token=token, **own,
        )  # fmt: skip


def key_of(prefix: str, name: str) -> str:
    """Return the key of a control of the search."""
    return f"{prefix}.search.{name}"


def search_inputs(prefix: str, search: SearchDraft, values: Mapping[str, Any]) -> None:
    """Draw which settings are searched, a control for the range of each, and the budget."""
    st.caption(
        "Each run's settings are chosen from the results of the runs before it. Runs far behind "
        "the others can be stopped early. All runs have the same seed, so the search cannot say "
        "whether a difference is more than chance."
    )
    st.multiselect(
        "Settings to search", SEARCHED, key=f"{prefix}.search", persist_state="session",
        format_func=lambda name: label_of(SETTINGS[name]), placeholder="Choose settings",
    )  # fmt: skip
    with st.grid(2, min_column_width=210, gap="small"):
        for name in search.names:
            with st.container(gap="xsmall"):
                range_input(prefix, name, search.names, values)
                if why := search.problems.get(name):
                    say_problem(why)
    if {"optimizer", "learning_rate"} <= {*search.names}:
        st.caption("All optimizers share one range of rates: make it wide enough for each.")
    with st.grid(2, min_column_width=210, gap="small"):
        st.number_input(
            "Runs", 2, 1000, USUAL_RUNS, key=key_of(prefix, "budget"), persist_state="session",
            help="Ten runs per setting is a good start.",
        )  # fmt: skip
        st.selectbox(
            "Stop early", list(PRUNERS), key=key_of(prefix, "pruner"), persist_state="session",
            format_func=lambda key: PRUNERS[key].title,
            help=" ".join(f"{o.title}: {o.summary}" for o in map(PRUNERS.__getitem__, PRUNERS)),
        )  # fmt: skip


def range_input(prefix: str, name: str, names: Sequence[str], values: Mapping[str, Any]) -> None:
    """Draw the control for the range or the choices of one setting."""
    if rule_of(SETTINGS[name]).type in ("choice", "switch"):
        choices_input(key_of(prefix, name), name)
        return
    st.text_input(
        label_of(SETTINGS[name]), usual_range(name, names, values), key=key_of(prefix, name),
        persist_state="session", live="500ms",
        help="A range such as 0.001..0.1, or choices such as 32, 64, 128. Ranges of rates and of "
        "other settings that change by factors are searched on a log scale.",
    )  # fmt: skip


def usual_range(name: str, names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return a range to begin with, around the form's value or the optimizers' usual rates."""
    rule, now = rule_of(SETTINGS[name]), float(values[name])
    if name == "learning_rate" and "optimizer" in names:
        usual = [OPTIMIZERS[key].usual_rate for key in OPTIMIZERS]
        low, high = min(usual) / MARGIN, max(usual) * MARGIN
    elif rule.log_scale and rule.type == "real" and now > 0:
        low, high = now / 10, now * 10
    elif now > 0:
        low, high = now / 2, now * 2
    else:
        low, high = 0.0, 1e-3 if rule.log_scale else 0.5
    ends = [min(max(end, rule.low), rule.high) for end in (low, high)]
    if rule.type == "integer":
        ends = [max(round(end), 1 if now else 0) for end in ends]
    return f"{ends[0]:.3g}..{ends[1]:.3g}"


def chosen_search(prefix: str, values: Mapping[str, Any], images: Dataset | None) -> SearchDraft:
    """Return what the controls ask for, checked, before they are drawn."""
    state = st.session_state
    names = state.setdefault(f"{prefix}.search", ["learning_rate"])
    problems: dict[str, str] = {}
    space: dict[str, Mapping[str, Any]] = {}
    for name in names:
        try:
            space |= search_space.space_of([f"{name}={typed(prefix, name, names, values)}"])
        except ConfigError as error:
            problems[name] = str(error)
    if not names:
        problems[""] = "Choose at least one setting to search, such as the learning rate."
    if not problems and images is not None:
        problems = ends_that_cannot_train(values, space, images)
    return SearchDraft(
        names=list(names),
        space=space,
        budget=state.get(key_of(prefix, "budget"), USUAL_RUNS),
        pruner=state.get(key_of(prefix, "pruner"), "median"),
        problems=problems,
    )


def typed(prefix: str, name: str, names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return the range or the choices of one setting as a person would write them."""
    type_, key = rule_of(SETTINGS[name]).type, key_of(prefix, name)
    if type_ == "switch":
        return "yes, no"
    if type_ == "choice":
        return ", ".join(st.session_state.get(key, []))
    return str(st.session_state.get(key, usual_range(name, names, values)))


def costly_ends(values: Mapping[str, Any], space: Space) -> list[TrainConfig]:
    """Return the settings at all ends of the costly ones; those that conflict are left out."""
    names = [name for name in space if rule_of(SETTINGS[name]).costly]
    ends = [space[n].get("choices") or [space[n]["low"], space[n]["high"]] for n in names]
    configs = []
    for combined in list(product(*ends))[:MOST_COMBINED]:
        changes = dict(zip(names, combined, strict=True))
        try:
            configs.append(TrainConfig.from_dict({**values, **changes}))
        except ConfigError:  # never proposed either
            continue
    return configs


def ends_that_cannot_train(
    values: Mapping[str, Any], space: Space, images: Dataset
) -> dict[str, str]:
    """Say for which ends of the space there are not enough images."""
    problems: dict[str, str] = {}
    for config in costly_ends(values, space):
        problems |= described(config, images).problems
    return problems


def search_summary(search: SearchDraft, values: Mapping[str, Any], images: Dataset | None) -> None:
    """Say how many runs it would be and how long they take."""
    if search.problems:
        for why in search.problems.values():
            say_problem(why)
        return
    what = ", ".join(label_of(SETTINGS[name]).lower() for name in search.names)
    st.markdown(f"**Search over {theme.safe(what)}: {theme.plural(search.runs, 'run')}**")
    ends = costly_ends(values, search.space)
    seconds = run_seconds(ends, images)
    whole = search.runs * fmean(seconds) if seconds else None
    about_time(whole, ends[0], at_most=search.pruner != "none")
