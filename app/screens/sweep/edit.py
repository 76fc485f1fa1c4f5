"""The dialog that edits a sweep or a search: what is to change, what follows from it, and Save."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from app import boundary, theme
from app.session import Key, clusters, inventory, remember, store
from app.shared.picker.networks import about
from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.runs import RunRow
from cifar_core.runs.backends import offered
from cifar_core.runs.record.queue.priorities import NORMAL, PRIORITIES
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps import edits, search_space, sweeps
from cifar_core.runs.sweeps.edits import Edit, Outcome
from cifar_core.runs.sweeps.hyperparameter_search import PRUNERS
from cifar_core.runs.sweeps.priority import may_give
from cifar_core.settings import label_of, rule_of
from cifar_core.settings.declaration import is_offered
from cifar_core.settings.parameter_grid import MOST, axis_of, example

KEY = "edit sweep"  # how the keys of the dialog's controls begin
FIELDS = {f.name: f for f in fields(TrainConfig) if f.name != "seed" and rule_of(f).type != "text"}
NONE = ""  # no setting is chosen


def edit_dialog(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Open the dialog."""
    kind = "search" if sweep.search else "sweep"
    remember(Key.EDITING, True)  # a page that is drawn again would close it
    boundary.dialog(f"Edit this {kind}", on_dismiss="rerun")(contents)(sweep, rows)


def contents(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw what can be changed, also while runs train, and what follows from it.

    `sweep` is what the person saw when the dialog opened. Only what they change of it is an edit,
    so that whatever another person changes meanwhile stays.
    """
    name = st.text_input("Name", sweep.name, max_chars=80, key=f"{KEY} name")
    try:
        changes = search_inputs(sweep) if sweep.search else grid_inputs(sweep)
        wanted = Edit(
            name="" if name == sweep.name else name, priority=priority_input(sweep), **changes
        )
        outcome = edits.outcome(store(), sweeps.find(store(), sweep.id), wanted)
    except boundary.REFUSED as error:
        boundary.show(error)
        outcome = None
    if outcome:
        st.markdown(f"**{consequences(outcome, rows)}**")
    if st.button(
        "Save", type="primary", key=f"{KEY} save", disabled=outcome is None or not outcome.changed
    ):  # fmt: skip
        edits.apply(store(), sweep, wanted)
        st.rerun()


def priority_input(sweep: Sweep) -> str:
    """Draw when the runs are trained, compared with others that wait; return it if it changed."""
    now = sweep.priority or NORMAL
    offered = {key: one for key, one in PRIORITIES.items()
               if key == now or may_give(store().by, key)}  # fmt: skip
    chosen = st.segmented_control(
        "In the queue", list(offered), default=now, required=True,
        format_func=lambda key: offered[key].title, key=f"{KEY} priority",
        help="Of the runs that wait: " + " ".join(
            f"*{one.title}*: {one.summary.lower()}" for one in offered.values()
        ),
    )  # fmt: skip
    return "" if chosen in (None, now) else chosen


def grid_inputs(sweep: Sweep) -> dict[str, Any]:
    """Draw the settings, another value and the seeds of a grid."""
    titles = {place: cell.title for place, cell in enumerate(sweep.cells)}
    kept = st.multiselect(
        "Settings", list(titles), default=sweep.places, format_func=titles.__getitem__,
        key=f"{KEY} places", placeholder="Choose at least one",
        help="One that is left out trains no further runs. What it trained is kept, and it can "
        "return.",
    )  # fmt: skip
    more = more_values(sweep)
    count = st.number_input(
        "Seeds", 1, MOST, len(sweep.seeds), key=f"{KEY} seeds",
        help="More follow the highest one; fewer leave out the last ones, if none of their runs "
        "has begun.",
    )  # fmt: skip
    further = count - len(sweep.seeds)
    return {
        "remove": [place for place in sweep.places if place not in kept],
        "restore": [place for place in kept if sweep.cells[place].removed],
        "add": more,
        "add_seeds": edits.next_seeds(sweep, further) if further > 0 else [],
        "drop_seeds": sweep.seeds[count:],
    }


def more_values(sweep: Sweep) -> list[list[dict[str, Any]]]:
    """Draw a setting and more values of it; the ones that vary already come first."""
    names = [NONE, *dict.fromkeys([n for n in sweep.varied if n in FIELDS] + offered_fields(sweep))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "More values of", names, key=f"{KEY} setting",
            format_func=lambda key: label_of(FIELDS[key]) if key else "no setting",
        )  # fmt: skip
        if not name:
            return []
        setting = FIELDS[name]
        words = st.text_input(
            "Values", key=f"{KEY} values of {name}", placeholder=f"such as {example(setting)}"
        )
    if not words.strip():
        return []
    if name not in sweep.varied:
        now = theme.safe(str(sweep.base.get(name, setting.default)))
        st.caption(f"The settings so far have {now}.")
    return [axis_of(TrainConfig, f"{name}={words}")]


def offered_fields(sweep: Sweep) -> list[str]:
    """Return the settings of which more values may be added; all runs stay at one place."""
    there = offered.several(str(sweep.base.get("run_on", "")), clusters(), inventory())
    return [
        name for name, f in FIELDS.items() if is_offered(f, f.default, there - {offered.PLACES})
    ]


def search_inputs(sweep: Sweep) -> dict[str, Any]:
    """Draw the budget, the ranges and the pruner of a search."""
    least = max(2, len(sweep.cells))
    budget = st.number_input(
        "Runs", least, max(MOST, least), max(least, sweep.search["budget"]), key=f"{KEY} budget",
        help="All that the search may train, those so far included.",
    )  # fmt: skip
    space: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, range_ in sweep.search["space"].items():
        text = search_space.as_typed(range_)
        words = st.text_input(
            label_of(FIELDS[name]), text, key=f"{KEY} range of {name}",
            help="A range such as 0.001..0.1, or choices with commas; empty: no longer searched.",
        )  # fmt: skip
        if words.strip() == text:
            space[name] = range_
        elif words.strip():
            read(f"{name}={words}", space, problems)
    others = [name for name in offered_fields(sweep) if name not in sweep.search["space"]]
    name = st.selectbox(
        "Search over", [NONE, *others], key=f"{KEY} setting",
        format_func=lambda key: label_of(FIELDS[key]) if key else "no further setting",
    )  # fmt: skip
    if name and (words := st.text_input("Range or choices", key=f"{KEY} range of {name}")).strip():
        read(f"{name}={words}", space, problems)
    pruner = st.selectbox(
        "Stop hopeless runs", list(PRUNERS), list(PRUNERS).index(sweep.search["pruner"]),
        format_func=lambda key: PRUNERS[key].title, key=f"{KEY} pruner",
    )  # fmt: skip
    st.caption(
        "Runs so far still count where their settings could be proposed now, numbers outside a "
        "range included."
    )
    if problems:
        raise ConfigError(problems)
    before = sweep.search
    return {
        "budget": 0 if budget == before["budget"] else budget,
        "space": None if space == before["space"] else space,
        "pruner": "" if pruner == before["pruner"] else pruner,
    }


def read(text: str, space: dict[str, Any], problems: dict[str, str]) -> None:
    """Add a typed range to a space, or what is wrong with it to the problems."""
    try:
        space |= search_space.space_of([text])
    except ConfigError as error:
        problems |= error.problems


def consequences(outcome: Outcome, rows: Sequence[RunRow]) -> str:
    """Say what an edit leads to, with about how long the new runs take."""
    words = outcome.sentence
    times = [row.seconds for row in rows if row.state == "finished"]
    more = outcome.new_runs + len(outcome.resumed)
    if more and times:
        words += f" {about(more * sum(times) / len(times))} of training."
    return words
