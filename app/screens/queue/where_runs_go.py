"""Where runs can go besides this machine: a dialog in which an admin sets up clusters."""

from typing import Any

import streamlit as st
from msgspec.structs import asdict, fields, replace

from app import boundary, theme
from app.session import clusters, store
from app.shared.widgets import say_problem
from cifar_core.errors import ConfigError
from cifar_core.people import ADMIN
from cifar_core.runs.backends import backends, settings
from cifar_core.runs.backends.backend import Checked
from cifar_core.runs.backends.backends import at_hand
from cifar_core.runs.backends.offered import LABELS, clusters_in, settings_of
from cifar_core.runs.backends.settings import ClusterSettings

KEY = "cluster"  # how the keys of the dialog's controls begin
TESTED = f"{KEY} tested"  # the settings tested last, and the result
ABOUT = {
    "slurm": "Runs are handed over with *sbatch* by the account that CIFAR Lab runs as. Slurm's "
    "commands must be installed here. Its machines must have this folder of runs, and CIFAR Lab, "
    "under the same paths.",
    "ray": "Runs are handed over through Ray's dashboard. Ray must ask for a token. It is not "
    "entered here, but read from RAY_AUTH_TOKEN or from ~/.ray/auth_token where CIFAR Lab is "
    "started. Ray's machines must have this folder of runs, and CIFAR Lab, under the same paths.",
}


def may_set_up() -> bool:
    """Whether the visitor may set up clusters, and may have one to set up."""
    by = store().by
    return by.may(ADMIN) and (not by.is_local or bool(clusters_in(clusters())) or at_hand())


def where_button() -> None:
    """Draw the button that opens the dialog."""
    if st.button(
        "Where runs can go", icon=":material/dns:", key="where_runs_go", type="tertiary"
    ):  # fmt: skip
        where_runs_go()


@boundary.dialog("Where runs can go")
def where_runs_go() -> None:
    """Draw what is set up, and the settings of one kind of cluster."""
    found = clusters()
    st.markdown(
        "Runs train on this machine. If a cluster is set up, the Train page asks where a run goes."
    )
    key = st.segmented_control(
        "Cluster", list(settings.TITLES), default=next(iter(settings.TITLES)), required=True,
        format_func=lambda key: title(key, set_up=getattr(found, key) is not None),
        key=f"{KEY} kind", label_visibility="collapsed",
    )  # fmt: skip
    st.caption(ABOUT[key])
    is_set_up = getattr(found, key) is not None
    before = settings_of(key, found)
    wanted = replace(before, **inputs(key, before))
    wrong = settings.problems_of(wanted)
    for sentence in wrong.values():
        say_problem(sentence)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", key=f"{KEY} save", disabled=bool(wrong)):
            boundary.attempt(lambda: settings.set_up(store().root, store().by, wanted))
        if st.button("Test", icon=":material/network_check:", key=f"{KEY} test"):
            test(wanted)
        if is_set_up:
            st.space("stretch")
            st.button("Remove", icon=":material/delete:", type="tertiary", key=f"{KEY} remove",
                      on_click=boundary.callback(remove), args=(key,))  # fmt: skip
    show_test(wanted)


def title(key: str, *, set_up: bool) -> str:
    """Return the title of a kind of cluster, marked if it is set up."""
    return f":material/check: {settings.TITLES[key]}" if set_up else settings.TITLES[key]


def inputs(key: str, now: ClusterSettings) -> dict[str, Any]:
    """Draw a control for each setting of a cluster, and return what is in them."""
    values = asdict(now)
    chosen: dict[str, Any] = {}
    with st.grid(2, min_column_width=210, gap="small"):
        for one in sorted(fields(now), key=lambda one: one.name == "slots"):
            label, about = LABELS[one.name]
            value = values[one.name]
            shared: dict[str, Any] = {
                "label": label, "help": about, "key": f"{KEY} {key} {one.name}"
            }  # fmt: skip
            if isinstance(value, int):
                chosen[one.name] = st.number_input(value=value, step=1, **shared)
            elif isinstance(value, list):
                chosen[one.name] = (st.text_input(value=" ".join(value), **shared) or "").split()
            else:
                chosen[one.name] = (st.text_input(value=value, **shared) or "").strip()
    return chosen


def test(wanted: ClusterSettings) -> None:
    """Try a cluster with the settings in the dialog, saved or not."""
    if not may_set_up():
        raise ConfigError({"cluster": "Only an admin may test a cluster."})
    with st.spinner("Asking the cluster"):
        st.session_state[TESTED] = wanted, backends.check(store().root, wanted)


def show_test(wanted: ClusterSettings) -> None:
    """Show the result of the test as long as the settings are those that were tested."""
    tested: tuple[ClusterSettings, Checked] | None = st.session_state.get(TESTED)
    if tested is None or tested[0] != wanted:
        return
    result = tested[1]
    icon = ":material/check:" if result.works else ":material/error:"
    (st.success if result.works else st.error)(theme.safe(result.sentence), icon=icon)


def remove(key: str) -> None:
    """Remove a cluster."""
    settings.remove(store().root, store().by, key)
    st.toast(
        f"{settings.TITLES[key]} was removed. Runs that were handed over continue there; those "
        "that wait for it here can be sent elsewhere in the queue."
    )
