"""The card of how long it trains: a quick look, good or best where proposed, and the epochs."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import boundary, theme
from app.screens.train.expected_time import expected
from app.screens.train.form import Form
from app.screens.train.own_runs.chosen import taught
from app.screens.train.proposed import current
from cifar_core.config import LENGTH, TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.proposals import Duration, Proposal
from cifar_core.settings import rule_of


def how_long_card(form: Form) -> None:
    """Draw the card."""
    proposal = current(form.draft, form.values["model"])
    with st.container(border=True, key="card-how-long", gap="small"):
        st.subheader("3 How long", anchor=False)
        if form.many and "epochs" in form.many.hidden:
            st.caption("Several numbers of epochs, chosen in the row *Repeats and sweeps*.")
            return
        if proposal is not None:
            lengths(form, proposal)
        with st.container(width=320):
            form.inputs([f for f in form.card_fields if rule_of(f).group == LENGTH])


def lengths(form: Form, proposal: Proposal) -> None:
    """Draw the proposed lengths, each with its time, and why the chosen one is as long."""
    titles = {one.key: title(form, proposal, one) for one in proposal.durations}
    chosen = next((one for one in proposal.durations if is_chosen(one, form.values)), None)
    key = form.key("length")
    st.session_state[key] = chosen.key if chosen else None
    st.segmented_control(
        "How long", list(titles), format_func=titles.__getitem__, key=key,
        label_visibility="collapsed", on_change=boundary.callback(use),
        args=(form.prefix, proposal),
    )  # fmt: skip
    if chosen:
        st.caption(theme.safe(chosen.reason))


def title(form: Form, proposal: Proposal, one: Duration) -> str:
    """Write one of the lengths with its time."""
    draft, images = form.draft, form.draft.images
    if images is None:
        return one.title
    try:
        config = TrainConfig.from_dict({**form.values, **proposal.values(one.key)})
    except ConfigError:
        return one.title
    time = expected(
        config, len(images.train), side=draft.side, gpu=draft.gpu,
        teachers=[run.config for run, _ in taught()],
    )  # fmt: skip
    return f"{one.title}: {time.words}" if time else one.title


def is_chosen(one: Duration, values: Mapping[str, Any]) -> bool:
    """Whether the form has the settings of one of the lengths."""
    return all(values.get(name) == value for name, value in one.settings.items())


def use(prefix: str, proposal: Proposal) -> None:
    """Put the settings of the chosen length into the form; those of the others go back."""
    chosen = st.session_state[f"{prefix}.length"]
    if chosen is not None:
        for name, value in proposal.values(chosen).items():
            st.session_state[f"{prefix}.{name}"] = value
