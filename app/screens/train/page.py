"""The Train page: images, network and how long; a plan; and closed rows of all other settings."""

import streamlit as st

from app.cache.opening import opened
from app.screens.train import proposed
from app.screens.train.cards import how_long, images, network
from app.screens.train.controls import prefix
from app.screens.train.draft import check_draft
from app.screens.train.form import Form
from app.screens.train.many.many_runs import chosen_many
from app.screens.train.many.many_runs import follow_address as follow_lists
from app.screens.train.own_runs import chosen as own
from app.screens.train.own_runs import row as own_row
from app.screens.train.own_runs.fitting import fitting
from app.screens.train.plan.summary import summary
from app.screens.train.rows.all_rows import all_rows
from app.screens.train.starting_points import follow_address, menu, started_from
from app.session import Key, remembered, store
from app.shared import widgets
from app.shared.picker import picked
from cifar_core.config import TrainConfig


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    follow_address()
    follow_choices(prefix())
    follow_lists(prefix())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Train", anchor=False, width="content")
        st.space("stretch")
        menu()
    st.caption(started_from())
    with st.skeleton(height=320):
        form = checked()
        if proposed.follow(form.values, form.start, form.draft):
            form = checked()
    left, right = st.columns([3, 2], gap="large")
    with left:
        images.images_card(form)
        network.network_card(form)
        how_long.how_long_card(form)
        with st.container(key="all-rows"):  # below the plan on a phone
            all_rows(form)
    with right:
        summary(form)


def follow_choices(prefix: str) -> None:
    """Put what was chosen from cards into the form."""
    if source := picked(images.KEY):
        images.choose(prefix, source)
    if model := picked(network.KEY):
        network.choose(prefix, model)
    own_row.follow_choices()


def checked() -> Form:
    """Return the form as it is now, checked."""
    start = remembered(Key.DRAFT)
    values = widgets.chosen(TrainConfig, start, prefix())
    begins = own.start()
    draft = check_draft(
        values, store().root, store().by, opened, has_own_weights=begins is not None
    )
    return Form(
        prefix=prefix(), start=start, values=values, draft=draft,
        many=chosen_many(prefix(), values, draft.images),
        own=fitting(begins, draft), teachers=own.teachers(),
    )  # fmt: skip
