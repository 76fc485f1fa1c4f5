"""All settings that are not in a card: closed rows, and a search over what is in them."""

from collections.abc import Sequence
from dataclasses import Field, fields
from functools import partial
from typing import Any

import streamlit as st

from app.screens.train.form import Form
from app.screens.train.rows.contents import CONTENTS
from app.screens.train.rows.row_words import is_wrong, says
from app.shared.closed_row import closed_row
from app.shared.widgets import helps
from cifar_core.config import CARDS, ROWS, TrainConfig
from cifar_core.settings import label_of, rule_of

FIND, CHANGED = "find_setting", "only_changed"


def all_rows(form: Form) -> None:
    """Draw the search, then the rows; or, while something is looked for, the fields found."""
    differing = [f for f in fields(TrainConfig) if form.uses(f) and form.differs(f)]
    total = sum(map(form.offers, fields(TrainConfig)))
    with st.container(horizontal=True, vertical_alignment="center", key="more-settings"):
        st.subheader("More settings", anchor=False, width="content")
        st.space("stretch")
        only = bool(differing) and st.toggle(
            f"Only what differs from the defaults ({len(differing)} of {total})", key=CHANGED
        )
        words = st.text_input(
            "Find a setting", key=FIND, placeholder="Find a setting", icon=":material/search:",
            label_visibility="collapsed", live="200ms", width=230,
        )  # fmt: skip
    if not words.strip() and not only:
        for group in ROWS:
            closed_row(
                group.lower().replace(" ", "-"), group, says(group, form),
                partial(contents, group, form), opened=is_wrong(group, form),
            )  # fmt: skip
        return
    wanted = [f for f in fields(TrainConfig)
              if matches(f, words) and form.offers(f)
              and (form.differs(f) or not only)]  # fmt: skip
    found(form, wanted)


def matches(setting: Field[Any], words: str) -> bool:
    """Whether a setting's label, key, row or help has all words that someone looks for."""
    rule = rule_of(setting)
    text = f"{setting.name} {label_of(setting)} {rule.group} {rule.help}".lower()
    return all(word in text for word in words.lower().split())


def found(form: Form, wanted: Sequence[Field[Any]]) -> None:
    """Draw the wanted settings under the titles of their rows, and say where the others are."""
    drawn = {f.name for f in form.fields}
    for group in ROWS:
        here = [f for f in wanted if rule_of(f).group == group and f.name in drawn]
        if here:
            with st.container(border=True, gap="small"):
                st.markdown(f"**{group}**")
                form.inputs(here)
    above = [label_of(f) for f in wanted if rule_of(f).group in CARDS]
    if above:
        st.caption(f"In the cards above: {', '.join(above)}.")
    unused = [f for f in wanted if rule_of(f).group not in CARDS and f.name not in drawn]
    if unused:
        st.caption(f"Not used with the present choices: {', '.join(map(label_of, unused))}.")
    if not wanted:
        st.caption("No setting has these words in its name or its help.")


def contents(group: str, form: Form) -> None:
    """Draw the settings of a row, the basic ones first, and what else belongs to them."""
    here = [f for f in form.fields if rule_of(f).group == group]
    basic = [f for f in here if is_basic(f, form)]
    rare = [f for f in here if f not in basic]
    form.inputs(basic)
    if group in CONTENTS:
        CONTENTS[group](form)
    if rare:
        st.markdown("**Rarely changed**")
        form.inputs(rare)
    if here:
        with st.popover("What these settings mean", icon=":material/help:", type="tertiary"):
            st.markdown(helps(here))


def is_basic(setting: Field[Any], form: Form) -> bool:
    """Whether a setting stands with the first of its row: often changed, changed now, or wrong.

    A choice that few people have comes first where there is one.
    """
    rare = rule_of(setting).advanced and not rule_of(setting).several
    return not rare or form.differs(setting) or setting.name in form.draft.problems
